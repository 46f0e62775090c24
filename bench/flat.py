"""What the size of a database costs: every hot work on an empty and on a filled one, in turn."""

import asyncio
import contextlib
import statistics
import subprocess
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop

from bench import fill, load, postgres, works
from bench.endorse import Endorse
from bench.fill import Amounts
from bench.load import Done
from bench.report import Line
from bench.server import Running, running

T = TypeVar("T")

AT_ONCE: Final = 32
WORKS: Final = (
    works.CREDENTIALS,
    works.INTROSPECTION,
    works.API,
    works.CODE,
    works.REFRESH,
    works.FLOW,
)
_AT_LEAST: Final = 0.95
# As an operator of a database of this size would set it; the defaults are for a very small one.
_SETTINGS: Final = (
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "autovacuum_naptime=10min",
)


@dataclass(frozen=True)
class Flat:
    """One work on both databases, round by round."""

    empty: list[Done] = field(default_factory=list)
    filled: list[Done] = field(default_factory=list)

    def by_rate(self) -> list[float]:
        """Give how often it was done on the filled one for each time on the empty one."""
        return [it.rate / other.rate for it, other in self._rounds()]

    def by_processor(self) -> list[float]:
        """Give the same for a second of the server's processor time."""
        return [other.server_each / it.server_each for it, other in self._rounds()]

    def _rounds(self) -> Iterator[tuple[Done, Done]]:
        return zip(self.filled, self.empty, strict=True)


@dataclass(frozen=True)
class Kept:
    """A server, what it takes to ask it, and its database."""

    server: Running
    endorse: Endorse
    url: str


Databases = Callable[[Path], contextlib.AbstractContextManager[tuple[str, str]]]


@contextmanager
def sqlite(folder: Path) -> Iterator[tuple[str, str]]:
    """Name two files."""
    yield f"sqlite:///{folder}/first.db", f"sqlite:///{folder}/second.db"


@contextmanager
def on_postgres(folder: Path) -> Iterator[tuple[str, str]]:
    """Make two databases of one PostgreSQL."""
    programs = postgres.binaries()
    with postgres.database(programs, str(folder), _SETTINGS) as url:
        other = url.rsplit("/", 1)[0] + "/second"
        subprocess.run([programs / "createdb", f"--maintenance-db={url}", "second"], check=True)
        yield url, other


@contextmanager
def beforehand(url: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Name an empty file, and a SQLite database that `python -m bench.fill` filled before."""
    yield f"sqlite:///{folder}/first.db", url


def filled(url: str, amounts: Amounts) -> None:
    """Fill a database, and say how long each table took."""
    asyncio.run(fill.fill(url, amounts, lambda told: print(f"  {told}", flush=True)))


@contextmanager
def kept(url: str, *, cleaning: bool) -> Iterator[Kept]:
    """Run a server."""
    with running(url, cleaning=cleaning) as server:
        yield Kept(server, Endorse(server, url), url)


def measure(
    databases: Databases, folder: Path, amounts: Amounts | None, rounds: int, seconds: float
) -> Mapping[str, Flat]:
    """Do each work at an empty and at a filled one; who begins changes with each round.

    Without amounts the second is full already. Nothing is cleaned up, so that it stays as it is.
    """
    found = {name: Flat() for name in WORKS}
    with databases(folder) as (empty, full):
        if amounts is not None:
            filled(full, amounts)
        with kept(empty, cleaning=False) as one, kept(full, cleaning=False) as other:
            for number in range(rounds):
                for name in WORKS:
                    both = [(one, found[name].empty), (other, found[name].filled)]
                    for side, into in both if number % 2 == 0 else reversed(both):
                        into.append(run(_once(side, name, seconds)))
    return found


async def _once(side: Kept, name: str, seconds: float) -> Done:
    return await load.measure(side.server, await side.endorse.works[name](AT_ONCE), seconds)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something with a loop of its own, as fast as there is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def lines(found: Mapping[str, Flat], where: str) -> list[Line]:
    """Write two rows for each work: by rate, and by the server's processor time."""
    rows = []
    for name, flat in found.items():
        empty, full = (
            statistics.median(it.rate for it in some) for some in (flat.empty, flat.filled)
        )
        title = f"{where}: {works.TITLES[name]}"
        rates = f"{empty:,.0f}/s empty, {full:,.0f}/s filled"
        for what, ratios in (
            (f"{title}, {rates}", flat.by_rate()),
            (f"{title}, by processor time", flat.by_processor()),
        ):
            ratio = statistics.median(ratios)
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            rows.append(Line(what, f"{ratio:.2f}", spread, f">= {_AT_LEAST}", ratio >= _AT_LEAST))
    return rows
