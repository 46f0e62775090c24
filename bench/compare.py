"""Endorse and its peers at the same works, in turn, and whether the ratios are what is aimed at."""

import asyncio
import statistics
import subprocess
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop

from bench import load, works
from bench.http import Broken
from bench.installed import Missing
from bench.load import Done
from bench.sides import AT_ONCE, WITH_PASSKEY, Side
from bench.works import Up

BASE: Final = "oidc-provider"
BARE: Final = "bare Starlette, Endorse's HTTP"
STOCK: Final = "bare Starlette, stock uvicorn"


# What another's server may do to the driver: not answer, answer wrongly, answer something else.
_FAILURES: Final = (
    Broken,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Target:
    """How many times what another does Endorse is to do of a work; None: nothing is aimed at."""

    work: str
    at_least: float | None
    goal: float | None = None
    of: str = BASE
    work_of: str | None = None
    """What the other does meanwhile; None: the same."""


TARGETS: Final = (
    Target(works.FLOW, 2.0, 3.0),
    Target(works.FLOW, None, of=WITH_PASSKEY),
    Target(works.CODE, 0.8),
    Target(works.REFRESH, 0.8),
    Target(works.CREDENTIALS, 1.0),
    Target(works.INTROSPECTION, 1.3),
    Target(works.API, 1.3),
    Target(works.API, 0.5, of=BARE),
    Target(works.API, 0.5, of=STOCK),
    Target(works.CHECK, None, of=BARE, work_of=works.API),
    Target(works.CHECK, None, of=STOCK, work_of=works.API),
)


@dataclass
class Compared:
    """All that was measured. The first side is Endorse as it is judged."""

    sides: list[Side]
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Who could not be measured to the end, and why."""
    done: dict[tuple[str, str], list[Done]] = field(default_factory=dict)
    """The rounds of each side's name and work."""

    @property
    def own(self) -> str:
        """Give the name of the side that is judged."""
        return self.sides[0].name

    def rate(self, side: str, work: str) -> float | None:
        """Give the median rate; None where it was not measured."""
        rounds = self.done.get((side, work))
        return statistics.median(it.rate for it in rounds) if rounds else None

    def each(self, side: str, work: str) -> float | None:
        """Give the median of the server's processor time of one unit."""
        rounds = self.done.get((side, work))
        return statistics.median(it.server_each for it in rounds) if rounds else None


@dataclass(frozen=True)
class Ratio:
    """How often Endorse does a work for each time that another does it."""

    by_rate: float
    least: float
    most: float
    """Of any round against the same round of the other."""
    by_processor: float
    """The other's processor time of one to Endorse's."""


def ratio(compared: Compared, target: Target) -> Ratio | None:
    """Compare the medians; None where one of the two was not measured."""
    own = compared.done.get((compared.own, target.work))
    other = compared.done.get((target.of, target.work_of or target.work))
    if not own or not other:
        return None
    each = [a.rate / b.rate for a, b in zip(own, other, strict=False)]
    return Ratio(
        statistics.median(it.rate for it in own) / statistics.median(it.rate for it in other),
        min(each),
        max(each),
        statistics.median(it.server_each for it in other)
        / statistics.median(it.server_each for it in own),
    )


def compare(sides: Sequence[Side], rounds: int, seconds: float, folder: Path) -> Compared:
    """Install all, then measure every work of every side, so many rounds in turn.

    What fails of a peer is said in the result, and the rest goes on. Raises Broken if Endorse
    answers wrongly.
    """
    compared = Compared(list(sides))
    for side in sides:
        print(f"  getting {side.name} ready")
        try:
            compared.versions[side.name] = side.ready()
        except Missing as missing:
            _without(compared, side, str(missing))
    for it in range(rounds):
        for side in sides:
            if side.name in compared.missing:
                continue
            below = folder / f"compare-{it}-{_plain(side.name)}"
            below.mkdir()
            try:
                with side.up(below) as up:
                    measured = _run(_all_works(up, seconds, f"round {it + 1}: {side.name}"))
            except _FAILURES as failed:
                if side is sides[0]:
                    raise
                _without(compared, side, f"{type(failed).__name__}: {failed}")
                continue
            for work, done in measured.items():
                compared.done.setdefault((side.name, work), []).append(done)
    return compared


async def _all_works(up: Up, seconds: float, said: str) -> Mapping[str, Done]:
    measured = {}
    for name in works.TITLES:
        if name in up.works:
            done = await load.measure(up.site, await up.works[name](AT_ONCE), seconds)
            print(f"  {said:<32} {name:<20} {done.rate:9.0f}/s {done.server_each * 1e6:9.0f} µs")
            measured[name] = done
    return measured


def _run(work: Coroutine[Any, Any, Mapping[str, Done]]) -> Mapping[str, Done]:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except ExceptionGroup as many:
        raise Broken(repr(many.exceptions[0])) from many


def _without(compared: Compared, side: Side, why: str) -> None:
    compared.missing[side.name] = why.splitlines()[0][:300] if why else "no reason given"
    print(f"  {side.name} is left out: {compared.missing[side.name]}")


def _plain(name: str) -> str:
    return name.lower().replace(" ", "-")
