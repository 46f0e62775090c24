"""What those who are served notice of the clean-up.

How long calls take that come all the time, at a server that forgets what is over and at one that
does not, in turn.
"""

import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from bench import works
from bench.fill import Amounts
from bench.flat import AT_ONCE, Databases, Kept, filled, kept, run
from bench.load import Lane
from bench.report import Line, percentile
from endorse.core.policy import HOUR
from endorse.store import partitions

_A_SECOND: Final = 100.0
_AT_MOST: Final = 1.5
_SEED: Final = 11
_PARTITION: Final = 300_000


@dataclass
class Waited:
    """How long calls took, in seconds, round by round, and what was forgotten meanwhile."""

    rounds: list[list[float]] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0.0


def measure(
    databases: Databases, folder: Path, amounts: Amounts | None, rounds: int, seconds: float
) -> tuple[Waited, Waited]:
    """Let calls come that each write a row: without clean-up, and with more to do than it can.

    Without amounts nothing is filled: the first database is empty then, the second full already.
    """
    calm, busy = Waited(), Waited()
    with databases(folder) as urls:
        if amounts is not None:
            for url in urls:
                filled(url, amounts)
        with kept(urls[0], cleaning=False) as one, kept(urls[1], cleaning=True) as other:
            for number in range(rounds):
                both = [(one, calm), (other, busy)]
                for side, into in both if number % 2 == 0 else reversed(both):
                    _round(side, into, seconds, over=into is busy)
    return calm, busy


def _round(side: Kept, into: Waited, seconds: float, *, over: bool) -> None:
    if over and side.url.startswith("postgres"):
        asyncio.run(_hour_that_is_over(side.url))
    before, began = asyncio.run(_rows(side.url)), time.perf_counter()
    times = run(_coming(side, seconds))
    into.seconds += time.perf_counter() - began
    into.rounds.append(times)
    # Each call leaves one row more.
    into.rows += before + len(times) - asyncio.run(_rows(side.url))


async def _coming(side: Kept, seconds: float) -> list[float]:
    """Call at moments of their own; give how long after that each was answered."""
    work = await side.endorse.works[works.CREDENTIALS](AT_ONCE)
    lanes: asyncio.Queue[Lane] = asyncio.Queue()
    for lane in work.lanes:
        lanes.put_nowait(lane)
    times: list[float] = []

    async def call(due: float) -> None:
        lane = await lanes.get()
        await lane.turn()
        times.append(time.perf_counter() - due)
        lanes.put_nowait(lane)

    draw = random.Random(_SEED)
    due = time.perf_counter()
    end = due + seconds
    async with asyncio.TaskGroup() as group:
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(call(due))
            due += draw.expovariate(_A_SECOND)
    for lane in work.lanes:
        lane.close()
    return times


async def _hour_that_is_over(url: str) -> None:
    """Leave a partition that the server drops when it next looks."""
    now = int(time.time())
    hour = now - now % HOUR - 5 * HOUR
    name = partitions.name(hour)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {name} "
            "PARTITION OF access_tokens (PRIMARY KEY (token_hash)) "
            f"FOR VALUES FROM ({hour}) TO ({hour + HOUR}); "
            f"INSERT INTO {name} (token_hash, grant_id, scope, created_at, expires_at) "
            f"SELECT md5(n::text), '', 'directory', 0, {hour} "
            f"FROM generate_series(1, {_PARTITION}) n ON CONFLICT DO NOTHING"
        )
    finally:
        await connection.close()


async def _rows(url: str) -> int:
    counted = "SELECT (SELECT count(*) FROM journeys) + (SELECT count(*) FROM access_tokens)"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            return int(db.execute(counted).fetchone()[0])
    connection = await asyncpg.connect(url)
    found = await connection.fetchval(counted)
    await connection.close()
    return int(found)


def lines(found: tuple[Waited, Waited], where: str) -> list[Line]:
    """Write p50 and p99 without and with clean-up, and how much that did."""
    calm, busy = found
    rows = []
    for percent in (50, 99):
        ratios = [
            percentile(other, percent) / percentile(one, percent)
            for one, other in zip(calm.rounds, busy.rounds, strict=True)
        ]
        # Medians of each: a round in which the disk stood still would make any ratio.
        without, with_it = (_median(it.rounds, percent) for it in (calm, busy))
        ratio, spread = with_it / without, f"{min(ratios):.2f} to {max(ratios):.2f}"
        each = f"{without * 1000:.1f} ms without, {with_it * 1000:.1f} ms with"
        target, met = (f"<= {_AT_MOST}", ratio <= _AT_MOST) if percent == 99 else ("", None)
        what = f"{where}: p{percent} while it cleans up, {each}"
        rows.append(Line(what, f"{ratio:.2f}", spread, target, met))
    rate = f"{busy.rows / busy.seconds:,.0f}/s"
    return [*rows, Line(f"{where}: rows forgotten meanwhile", rate)]


def _median(rounds: Sequence[Sequence[float]], percent: int) -> float:
    return statistics.median(percentile(it, percent) for it in rounds)
