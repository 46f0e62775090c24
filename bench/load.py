"""Equal work over many connections at once, and what it cost either side."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lane:
    """One connection's share of the work: `turn` does one unit, after which it can be called again.

    A turn checks its answers. Raises Broken.
    """

    turn: Callable[[], Awaitable[None]]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Work:
    """Lanes that are ready, and how many units there are for them; None if there is no end."""

    lanes: Sequence[Lane]
    units: int | None = None


class Served(Protocol):
    """A server whose work is measured."""

    def cpu_seconds(self) -> float:
        """Give the processor time that it has used, all its processes and threads together."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """One measurement of many equal units. Times are seconds, those of processors in all."""

    units: int
    seconds: float
    server_cpu: float
    driver_cpu: float

    @property
    def rate(self) -> float:
        """Give units a second."""
        return self.units / self.seconds

    @property
    def server_each(self) -> float:
        """Give the server's processor time of one unit."""
        return self.server_cpu / self.units

    @property
    def server_busy(self) -> float:
        """Give the share of its core that the server used."""
        return self.server_cpu / self.seconds

    @property
    def driver_busy(self) -> float:
        """Give the share of its core that the driver used."""
        return self.driver_cpu / self.seconds


def warming(units: int, lanes: int) -> int:
    """Give how many units run before `units` are measured: a tenth, and one for each lane."""
    return max(lanes, units // 10)


async def measure(served: Served, work: Work, seconds: float) -> Done:
    """Do the work for so long, or until there is no more, after some of it to warm up.

    What compiles itself as it runs needs a third of the time for that; where the units are counted,
    the work that made them has warmed it up, and a tenth of them is enough.
    """
    if work.units is not None:
        most = work.units * 10 // 11
        return await counted(served, work.lanes, min(most, work.units - len(work.lanes)))
    await _all(work.lanes, _until(seconds / 3))
    return await _measured(served, work.lanes, _until(seconds))


async def counted(served: Served, lanes: Sequence[Lane], units: int) -> Done:
    """Do `warming` units, then `units` of them with the clocks running; hang up at the end."""
    await _all(lanes, iter(range(warming(units, len(lanes)))))
    return await _measured(served, lanes, iter(range(units)))


async def _measured(served: Served, lanes: Sequence[Lane], turns: Iterator[object]) -> Done:
    cpu, own = served.cpu_seconds(), time.process_time()
    began = time.perf_counter()
    units = await _all(lanes, turns)
    seconds = time.perf_counter() - began
    done = Done(units, seconds, served.cpu_seconds() - cpu, time.process_time() - own)
    for lane in lanes:
        lane.close()
    return done


def _until(seconds: float) -> Iterator[None]:
    end = time.perf_counter() + seconds  # from the first turn on, when all clocks run
    while time.perf_counter() < end:
        yield


async def _all(lanes: Sequence[Lane], turns: Iterator[object]) -> int:
    async with asyncio.TaskGroup() as group:
        each = [group.create_task(_keep_at_it(lane, turns)) for lane in lanes]
    return sum(task.result() for task in each)


async def _keep_at_it(lane: Lane, turns: Iterator[object]) -> int:
    done = 0
    for _ in turns:
        await lane.turn()
        done += 1
    return done
