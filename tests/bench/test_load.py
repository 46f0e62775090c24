"""What is measured is what ran while the clocks did, and a wrong answer stops it."""

from __future__ import annotations

import time

import anyio
import pytest

from bench import load
from bench.http import Broken
from bench.load import Lane, Work

pytestmark = pytest.mark.anyio


class Clock:
    """A server that says how many units it did as its processor time."""

    def __init__(self) -> None:
        self.units = 0
        self.closed = 0

    def cpu_seconds(self) -> float:
        return float(self.units)

    async def turn(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.units += 1

    def lane(self) -> Lane:
        def close() -> None:
            self.closed += 1

        return Lane(self.turn, close)


async def test_what_warms_up_is_not_counted() -> None:
    clock = Clock()
    done = await load.counted(clock, [clock.lane(), clock.lane()], 50)
    assert (done.units, done.server_each) == (50, 1.0)
    assert clock.units == 50 + load.warming(50, 2)
    assert clock.closed == 2


async def test_work_of_so_many_units_is_done_to_the_last() -> None:
    clock = Clock()
    done = await load.measure(clock, Work([clock.lane()], 110), 0)
    assert (done.units, clock.units) == (100, 110)


async def test_work_without_end_stops_in_time() -> None:
    clock = Clock()
    began = time.perf_counter()
    done = await load.measure(clock, Work([clock.lane(), clock.lane()]), 0.05)
    assert 0.05 <= done.seconds <= time.perf_counter() - began < 5
    assert done.server_cpu == done.units > 0


async def test_a_wrong_answer_stops_the_measurement() -> None:
    async def wrong() -> None:
        await anyio.lowlevel.checkpoint()
        raise Broken("the answer is 500")

    with pytest.raises(ExceptionGroup) as stopped:
        await load.counted(Clock(), [Lane(wrong, lambda: None)], 1)
    assert stopped.group_contains(Broken)
