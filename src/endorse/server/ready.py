"""Whether this server should be sent requests: named checks, each looked at when somebody asks.

That the process lives is another question (`/healthz`): a server whose database is away must be
passed over by a load balancer, but starting it anew would help nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from endorse.server import wire
from endorse.store.connection import StoreAway
from endorse.store.migrate import is_current

if TYPE_CHECKING:
    from endorse.server.desk import Desk

_log: Final = logging.getLogger("endorse")

LOOK_SECONDS: Final = 2.0
"""How long one check may take: a database that hangs is no better than one that is away."""

_MAY_BE_DEAF: Final = 3.0
"""Seconds: a lost connection is made anew within two, unless there is none to be had."""


class Check(NamedTuple):
    """One thing that must hold. `problem` gives what is wrong for the operator, or ""."""

    name: str
    problem: Callable[["Desk"], Awaitable[str]]


async def _stopping(desk: "Desk") -> str:
    return "this server is about to stop" if desk.stopping else ""


async def _store(desk: "Desk") -> str:
    """Find out that the database answers, with a schema that has all that this program needs."""
    try:
        current = await desk.store.read(is_current)
    except StoreAway as away:
        return f"the database does not answer: {away}"
    return "" if current else "the schema is older than this program"


async def _news(desk: "Desk") -> str:
    """Find out that this server hears what others do: pages here may wait for a phone there."""
    ear = desk.store.ear
    deaf = ear is not None and ear.deaf_for() > _MAY_BE_DEAF
    return "no connection hears of other servers" if deaf else ""


async def _clock(desk: "Desk") -> str:
    return desk.skew.problem if desk.skew else ""


CHECKS: Final[tuple[Check, ...]] = (
    Check("stopping", _stopping),
    Check("store", _store),
    Check("news", _news),
    Check("clock", _clock),
)
"""All of them, in the order in which they are looked at. Add one here."""


class Readiness:
    """Looks at all checks, once at a time: whoever asks meanwhile gets the same answer."""

    def __init__(self) -> None:
        """Make what one desk keeps of it."""
        self._look: asyncio.Task[dict[str, str]] | None = None
        self._failing: frozenset[str] = frozenset()

    async def problems(self, desk: "Desk") -> dict[str, str]:
        """Give every check's name with what is wrong, "" for those that hold."""
        if desk.stopping:
            # Said at once, whatever else takes its time.
            return {"stopping": await _stopping(desk)}
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().create_task(self._looked(desk))
        # Shielded: who leaves does not take the answer from the others.
        return await asyncio.shield(self._look)

    async def _looked(self, desk: "Desk") -> dict[str, str]:
        found = {check.name: await _problem(desk, check) for check in CHECKS}
        failing = frozenset(name for name, problem in found.items() if problem)
        if failing != self._failing:
            told = ", ".join(f"{name}: {found[name]}" for name in sorted(failing))
            _log.warning("%s", f"not ready: {told}" if failing else "ready again")
        self._failing = failing
        return found


async def _problem(desk: "Desk", check: Check) -> str:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await check.problem(desk)
    except TimeoutError:
        return f"no answer within {LOOK_SECONDS:g} s"


async def tell_public(desk: "Desk", _request: Request) -> Response:
    """Answer `GET /readyz` to anybody: 200 or 503, and nothing of the reason."""
    status, told = _answer(await desk.readiness.problems(desk))
    return wire.json({"status": told}, status)


async def tell_operator(desk: "Desk", _request: Request) -> Response:
    """Answer `GET /readyz` at the operator's address: each check by its name."""
    problems = await desk.readiness.problems(desk)
    status, told = _answer(problems)
    checks = {name: problem or "ok" for name, problem in problems.items()}
    return wire.json({"status": told, "checks": checks}, status)


def _answer(problems: Mapping[str, str]) -> tuple[int, str]:
    return (503, "not ready") if any(problems.values()) else (200, "ready")
