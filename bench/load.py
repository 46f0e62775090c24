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


async def measure(served: Served, lanes: Sequence[Lane], units: int) -> Done:
    """Do `warming` units, then `units` of them with the clocks running; hang up at the end."""
    await _all(lanes, warming(units, len(lanes)))
    cpu, own = served.cpu_seconds(), time.process_time()
    began = time.perf_counter()
    await _all(lanes, units)
    seconds = time.perf_counter() - began
    done = Done(units, seconds, served.cpu_seconds() - cpu, time.process_time() - own)
    for lane in lanes:
        lane.close()
    return done


async def _all(lanes: Sequence[Lane], units: int) -> None:
    turns = iter(range(units))
    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(_keep_at_it(lane, turns))


async def _keep_at_it(lane: Lane, turns: Iterator[int]) -> None:
    for _ in turns:
        await lane.turn()
