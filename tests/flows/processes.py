"""Two servers in processes of their own on one PostgreSQL, as they run at a bank."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from endorse.core.policy import WIDE
from endorse.sandbox import SandboxBank
from endorse.server.clock import SteadyClock
from endorse.server.run import open_desk, opened
from endorse.server.settings import Settings
from tests import parts
from tests.flows.nodes import Balanced
from tests.flows.play import quiet_client
from tests.serving import MovableClock, SandboxProcess, Served, register, sandbox_process


class RealClock(MovableClock):
    """The time as it is."""

    def __init__(self) -> None:
        super().__init__()
        self._steady = SteadyClock()

    def __call__(self) -> int:
        return self._steady()


@dataclass(frozen=True)
class Pair:
    """Both servers. The desk of each `Served` here is this process' own, on the same database."""

    each: tuple[Served, Served]
    """Whose clients call one server alone."""
    in_turn: tuple[Served, Served]
    """Whose clients call the servers in turn; the second begins with the other one."""
    processes: dict[int, SandboxProcess]
    """Each by the port on which it listens."""


@contextlib.asynccontextmanager
async def pair(database: str, folder: Path, issuer: str = "") -> AsyncIterator[Pair]:
    """Run both until the end, under the name of the first unless an issuer is given."""
    first, second = parts.free_port(), parts.free_port()
    issuer = issuer or f"http://localhost:{first}"
    async with AsyncExitStack() as running:
        processes = {
            port: running.enter_context(
                sandbox_process(
                    folder, f"--port={port}", f"--issuer={issuer}", f"--database={database}"
                )
            )
            for port in (first, second)
        }
        settings = Settings(
            issuer=issuer, database=database, secret=None, policy=WIDE, sandbox=True
        )
        bank, clock = SandboxBank("endorse", lambda: datetime.now(UTC).date()), RealClock()
        desk = await open_desk(settings, bank, bank, clock)
        await running.enter_async_context(opened(desk))
        app, public_app = await register(desk, False), await register(desk, True)

        async def calling(*to: int) -> Served:
            http = await running.enter_async_context(quiet_client(Balanced(list(to))))
            return Served(desk, clock, http, app, public_app)

        yield Pair(
            (await calling(first), await calling(second)),
            (await calling(first, second), await calling(second, first)),
            processes,
        )
