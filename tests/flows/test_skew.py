"""Servers on one PostgreSQL whose clocks go apart: the one that is wrong is sent no requests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endorse.sandbox import SandboxBank
from endorse.server.app import create_app
from endorse.server.clock import SteadyClock
from endorse.server.desk import Desk
from endorse.server.run import open_desk, opened
from endorse.server.settings import Settings
from endorse.server.skew import problem
from endorse.store.servers import say_and_hear

pytestmark = pytest.mark.anyio

Open = Callable[[float], Awaitable[Desk]]


@pytest.fixture
async def open_ahead(postgres_url: str) -> AsyncIterator[Open]:
    """Opens a server whose clock is so many seconds ahead."""
    bank = SandboxBank("tests", lambda: datetime.now(UTC).date())
    settings = Settings(
        issuer="http://localhost:8000", database=postgres_url, secret=None, sandbox=True
    )
    async with AsyncExitStack() as closing:

        async def opening(ahead: float) -> Desk:
            clock = SteadyClock(lambda: time.time() + ahead)
            desk = await open_desk(settings, bank, bank, clock)
            return await closing.enter_async_context(opened(desk))

        yield opening


async def ready(*desks: Desk) -> list[int]:
    """What each server answers to a load balancer when all have compared themselves."""
    for _ in range(2):
        for desk in desks:
            assert desk.skew is not None
            await desk.skew.compare()
    statuses = []
    for desk in desks:
        transport = httpx2.ASGITransport(app=create_app(desk))
        async with httpx2.AsyncClient(transport=transport, base_url=desk.issuer) as http:
            statuses.append((await http.get("/readyz")).status_code)
    return statuses


@pytest.mark.postgres
async def test_of_servers_more_than_a_second_apart_the_wrong_one_is_not_ready(
    open_ahead: Open,
) -> None:
    right, ahead, behind = [await open_ahead(seconds) for seconds in (0, 1.3, -1.3)]
    assert await ready(right) == [200]
    assert await ready(right, ahead) == [200, 503]
    assert await ready(right, ahead, behind) == [200, 503, 503]
    assert ahead.skew is not None
    assert "+1.3 s" in ahead.skew.problem or "+2.6 s" in ahead.skew.problem


@pytest.mark.postgres
async def test_servers_that_go_together_are_ready_whatever_time_the_database_has(
    open_ahead: Open,
) -> None:
    assert await ready(await open_ahead(30), await open_ahead(30.7)) == [200, 200]


@pytest.mark.postgres
async def test_a_server_that_is_gone_counts_for_fifteen_seconds(open_ahead: Open) -> None:
    desk = await open_ahead(0)
    await desk.store.read(lambda db: say_and_hear(db, "gone", 9_000, 100_000))

    async def heard(at: int) -> dict[str, int]:
        return dict(await desk.store.read(lambda db: say_and_hear(db, "here", 0, at)))

    assert await heard(at=114_000) == {"gone": 9_000}
    assert await heard(at=116_000) == {}


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-5_000, 5_000), min_size=1))
def test_whoever_is_ready_goes_with_all_who_are_and_somebody_is(ahead: dict[str, int]) -> None:
    others = {one: {it: ahead[it] for it in ahead if it != one} for one in ahead}
    ready = [ahead[one] for one in ahead if not problem(one, ahead[one], others[one])]
    assert max(ready) - min(ready) <= 1_000
