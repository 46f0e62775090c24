"""Who waits: everybody is poked in turn, evenly, and hears of changes until they leave."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from endorse.server.wait import Waiter, Waiting
from tests.flows import play
from tests.serving import sandbox_process
from tests.store import things

pytestmark = pytest.mark.anyio


class _Noted(Waiter):
    """Notes each of its pokes in a list that all share."""

    def __init__(self, journey_id: str, pokes: list[Waiter]) -> None:
        super().__init__(journey_id)
        self._pokes = pokes

    def poke(self) -> None:
        self._pokes.append(self)


@contextlib.asynccontextmanager
async def _ticking(waiting: Waiting) -> AsyncIterator[None]:
    ticker = asyncio.create_task(waiting.run())
    yield
    ticker.cancel()
    await asyncio.gather(ticker, return_exceptions=True)


async def test_each_is_poked_once_a_round_and_no_tick_pokes_more_than_its_share() -> None:
    waiting, pokes = Waiting(tick_every=0.1), list[Waiter]()
    waiters = [_Noted(f"journey {it}", pokes) for it in range(50)]
    for waiter in waiters:
        waiting.enter(waiter, ticking=True)
    assert set(Counter(it.slot for it in waiters).values()) == {10}
    async with _ticking(waiting):
        await play.until(lambda: len(pokes) >= 100)
    assert set(pokes[:50]) == set(waiters)
    assert Counter(pokes[50:100]) == Counter(pokes[:50])


async def test_who_comes_later_takes_the_place_of_who_left() -> None:
    waiting, pokes = Waiting(tick_every=0.1), list[Waiter]()
    waiters = [_Noted("the same journey", pokes) for _ in range(10)]
    for waiter in waiters:
        waiting.enter(waiter, ticking=True)
    waiting.leave(waiters[3])
    later = _Noted("the same journey", pokes)
    waiting.enter(later, ticking=True)
    assert later.slot == waiters[3].slot
    assert waiting.count() == 10
    async with _ticking(waiting):
        await play.until(lambda: len(pokes) >= 20)
    assert set(pokes) == {*waiters[:3], *waiters[4:], later}


async def test_who_left_twice_or_never_came_is_no_trouble() -> None:
    waiting = Waiting(tick_every=0.1)
    stays, goes = Waiter("a journey"), Waiter("a journey")
    waiting.enter(stays, ticking=False)
    waiting.enter(goes, ticking=True)
    for _ in range(2):
        waiting.leave(goes)
    waiting.leave(Waiter("another journey"))
    assert waiting.count() == 1
    waiting.end()
    assert (stays.closed, goes.closed) == (True, False)


def test_a_server_lets_as_many_wait_as_its_user_may_have_open_files(tmp_path: Path) -> None:
    files = resource.RLIMIT_NOFILE
    before = resource.getrlimit(files)
    resource.setrlimit(files, (min(1024, before[1]), before[1]))
    try:
        with sandbox_process(tmp_path) as sandbox:
            allowed = resource.prlimit(sandbox.process.pid, files)
    finally:
        resource.setrlimit(files, before)
    assert allowed == (before[1], before[1])


def test_who_knows_a_newer_version_is_not_told_of_an_older_one() -> None:
    waiting = Waiting(tick_every=0.1)
    knows, learns = Waiter("it", version=5), Waiter("it", version=4)
    for waiter in (knows, learns):
        waiting.enter(waiter, ticking=False)
    journey = msgspec.structs.replace(things.JOURNEY, journey_id="it", version=4)
    assert waiting.unseen({"it": 4, "another": 9}) == []
    assert waiting.unseen({"it": 5}) == ["it"]
    waiting.changed(journey)
    assert (knows.changed, learns.changed) == (None, journey)
    waiting.changed(msgspec.structs.replace(journey, version=5))
    assert waiting.unseen({"it": 5}) == []
