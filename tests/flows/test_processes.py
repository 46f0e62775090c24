"""Two server processes on one PostgreSQL: any of them answers anything, and one of many wins.

About 12 seconds with 200 races, most of it for the servers' own work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from endorse.phone import AlreadyScanned, Claimed, Phone
from endorse.store import reads
from tests import parts
from tests.flows import play
from tests.flows.processes import Pair, pair
from tests.serving import Served

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.xdist_group("processes")]

ROUNDS = 2500 if parts.SOAK else 50
AT_ONCE = 5
"""Rounds that run beside each other, each with a connection of its own."""


@pytest.fixture(scope="module")
async def two(
    postgres_server: parts.PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """The servers that all tests here share."""
    with postgres_server.database() as url:
        async with pair(url, tmp_path_factory.mktemp("processes")) as running:
            yield running


async def rounds(once: Callable[[], Awaitable[None]]) -> None:
    """Do something `ROUNDS` times, some of them at once."""
    left = iter(range(ROUNDS))

    async def some() -> None:
        for _ in left:
            await once()

    async with asyncio.TaskGroup() as racing:
        for _ in range(AT_ONCE):
            racing.create_task(some())


async def crowd(served: Served) -> asyncio.Queue[Phone]:
    """Phones of as many people as there are rounds at once."""
    phones = asyncio.Queue[Phone]()
    for _ in range(AT_ONCE):
        phones.put_nowait(await play.somebody(served))
    return phones


@asynccontextmanager
async def lent(phones: asyncio.Queue[Phone]) -> AsyncIterator[Phone]:
    """A phone that nobody else uses meanwhile: a person has one live claim."""
    phone = await phones.get()
    yield phone
    phones.put_nowait(phone)


@pytest.mark.parametrize("begins", [0, 1])
async def test_every_single_request_of_a_connection_may_go_to_another_server(
    two: Pair, begins: int
) -> None:
    served = two.in_turn[begins]
    phone = await play.somebody(served)
    got = await play.tokens(served, phone)
    for _ in range(2):
        assert await play.opens(served, got["access_token"])
        got = (await play.refresh(served, got["refresh_token"])).json()
        asked = await play.token(served, "/introspect", token=got["access_token"])
        assert asked.json()["active"]
    [connection] = await phone.connections()
    await phone.end(connection.grant_id)
    for _ in range(2):
        assert not await play.opens(served, got["access_token"])


async def test_of_redemptions_at_both_servers_one_answers_and_the_other_ends_its_grant(
    two: Pair,
) -> None:
    one, other = two.each
    phones = await crowd(one)

    async def once() -> None:
        async with lent(phones) as phone:
            code = await play.code_for(other, phone)
        answers = await play.together(*(play.redeem(at, code) for at in (one, other)))
        [got] = [it.json() for it in answers if it.status_code == 200]
        [no] = [it.json() for it in answers if it.status_code != 200]
        assert no["error"] == "invalid_grant"
        assert not await play.opens(one, got["access_token"])

    await rounds(once)


async def test_of_claims_at_both_servers_one_wins_and_the_other_stops_it(two: Pair) -> None:
    some, others = [await crowd(at) for at in two.each]

    async def once() -> None:
        async with lent(some) as one, lent(others) as other:
            frame = await (await play.begun(two.each[0])).frame()
            results = await play.together(one.claim(frame), other.claim(frame))
        assert {type(it) for it in results} == {Claimed, AlreadyScanned}

    await rounds(once)


async def test_of_refreshes_at_both_servers_one_makes_the_successor_that_both_answer(
    two: Pair,
) -> None:
    chains = asyncio.Queue[tuple[str, str]]()
    for _ in range(AT_ONCE):
        phone = await play.somebody(two.each[0])
        got = await play.tokens(two.each[1], phone)
        [connection] = await phone.connections()
        chains.put_nowait((connection.grant_id, got["refresh_token"]))

    async def generation(grant_id: str) -> int:
        found = await two.each[0].desk.store.read(lambda db: reads.grant(db, grant_id))
        assert found is not None
        return found.generation

    async def once() -> None:
        grant_id, token = await chains.get()
        before = await generation(grant_id)
        answers = await play.together(*(play.refresh(at, token) for at in two.each))
        [successor] = {it.json()["refresh_token"] for it in answers}
        assert await generation(grant_id) == before + 1
        chains.put_nowait((grant_id, successor))

    await rounds(once)


async def test_a_revocation_at_one_server_wins_over_a_refresh_at_the_other(two: Pair) -> None:
    one, other = two.each
    phones = await crowd(other)

    async def once() -> None:
        async with lent(phones) as phone:
            got = await play.tokens(one, phone)
        revoked, refreshed = await play.together(
            play.token(one, "/revoke", token=got["refresh_token"]),
            play.refresh(other, got["refresh_token"]),
        )
        assert revoked.status_code == 200
        alive = [got, refreshed.json()] if refreshed.status_code == 200 else [got]
        for tokens in alive:
            assert not await play.opens(other, tokens["access_token"])
        assert (await play.refresh(one, alive[-1]["refresh_token"])).status_code == 400

    await rounds(once)
