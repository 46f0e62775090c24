"""Access tokens on PostgreSQL lie by the hour in which they expire, and an hour leaves whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import msgspec
import pytest

from endorse.core.change import MakeToken, RevokeToken
from endorse.core.policy import HOUR
from endorse.server.sweeper import Sweeper
from endorse.store import Store, open_store, partitions, reads
from tests.store import looking, things
from tests.store.things import GRANT, TOKEN

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

NOW = things.NOW - things.NOW % HOUR + 600
"""Ten minutes past an hour."""
LYING = "SELECT tableoid::regclass::text, token_hash FROM access_tokens ORDER BY token_hash"


@pytest.fixture
async def store(emptied_url: str) -> AsyncIterator[Store]:
    """A store on PostgreSQL, with no partition but those of the real time; nobody has it after."""
    store = await open_store(emptied_url)
    yield store
    async with store._engine.writing() as db:
        await db.run("DROP TABLE schema_steps")
    await store.close()


@pytest.fixture
async def other(emptied_url: str, store: Store) -> AsyncIterator[Store]:
    """The store of another server on it."""
    assert store is not None
    other = await open_store(emptied_url)
    yield other
    await other.close()


async def token(store: Store, name: str, expires_at: int) -> bool:
    """Make an access token."""
    made = msgspec.structs.replace(
        TOKEN, token_hash=name, created_at=expires_at - 300, expires_at=expires_at
    )
    return await store.change([MakeToken(made)], NOW)


async def made(store: Store) -> list[int]:
    """The hours from `NOW` on, or just before, that have a partition."""
    return [hour for hour in await store.read(partitions.hours) if hour >= NOW - 9 * HOUR]


async def test_hours_are_made_ahead_and_dropped_whole_when_over(store: Store) -> None:
    hour = NOW - NOW % HOUR
    assert await store.turn_over(NOW) == NOW
    assert await made(store) == [hour, hour + HOUR, hour + 2 * HOUR]
    assert await token(store, "this", NOW + 300)
    assert await token(store, "next", NOW + HOUR)
    assert await looking.rows(store, LYING) == [
        (partitions.name(hour + HOUR), "next"),
        (partitions.name(hour), "this"),
    ]
    # Clocks differ: an hour stays for another minute.
    assert await store.turn_over(hour + HOUR + 59) == hour + HOUR + 59
    assert hour in await made(store)
    assert await store.turn_over(hour + HOUR + 60) == hour + HOUR + 60
    assert await made(store) == [hour + ahead * HOUR for ahead in (1, 2, 3)]
    assert await looking.rows(store, LYING) == [(partitions.name(hour + HOUR), "next")]


async def test_what_fits_no_hour_is_taken_found_and_swept_by_row(store: Store) -> None:
    assert await token(store, "token-hash", NOW + 300)
    await things.put(store, things.made(GRANT))
    assert await looking.rows(store, LYING) == [(partitions.REST, "token-hash")]
    assert await store.read(lambda db: reads.access(db, "token-hash", NOW)) is not None
    # Its hour cannot be made meanwhile; the others are.
    await store.turn_over(NOW)
    assert len(await made(store)) == 2
    over = NOW - NOW % HOUR + HOUR
    sweeper = Sweeper(store, lambda: over)
    await sweeper.round()
    assert await looking.count(store, "access_tokens") == 0
    assert (sweeper.lag(), sweeper.rows) == (0, 1)
    await store.turn_over(NOW)
    assert over - HOUR in await made(store)


async def test_a_token_is_made_once_found_and_revoked_wherever_it_lies(store: Store) -> None:
    await store.turn_over(NOW)
    await things.put(store, things.made(GRANT))
    for name, expires_at in (("this", NOW + 300), ("next", NOW + HOUR), ("rest", NOW + 9 * HOUR)):
        assert await token(store, name, expires_at)
        with pytest.raises(asyncpg.UniqueViolationError):
            await token(store, name, expires_at)
        found = partial(reads.access, token_hash=name, now=expires_at - 300)
        assert await store.read(found) is not None
        await things.put(store, RevokeToken(name, expires_at))
        assert await store.read(found) is None


async def test_a_table_in_use_is_left_for_later_and_nobody_waits_long(
    store: Store, other: Store
) -> None:
    await store.turn_over(NOW)
    over = NOW + HOUR
    async with other._engine.writing() as db:
        await db.all("SELECT 1 FROM access_tokens")
        turning = asyncio.create_task(store.turn_over(over))
        # Who comes now may wait behind it, but not until the other one is done.
        async with asyncio.timeout(2):
            assert await token(other, "meanwhile", over + 300)
            assert await turning == NOW - NOW % HOUR + HOUR
    assert len(await made(store)) == 3
    assert await store.turn_over(over) == over
    assert await made(store) == [over - over % HOUR + ahead * HOUR for ahead in range(3)]


async def test_servers_that_turn_over_together_do_not_hinder_each_other(
    store: Store, other: Store
) -> None:
    for now in (NOW, NOW + HOUR, NOW + 4 * HOUR):
        await asyncio.gather(*(one.turn_over(now) for one in (store, other) * 4))
        await store.turn_over(now)
        assert await made(store) == [now - now % HOUR + ahead * HOUR for ahead in range(3)]


async def test_no_look_up_reads_a_whole_table_though_it_is_known_to_be_empty(
    emptied_url: str,
) -> None:
    first = await open_store(emptied_url)
    await first.turn_over(NOW)
    await first.close()
    connection = await asyncpg.connect(emptied_url)
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
    # What is planned now is kept for as long as the server runs, also when there are millions.
    store = await open_store(emptied_url)
    for asked in (
        reads._ACCESS.replace("$1", "'x'").replace("$2, $3", "7, 8"),
        reads._GRANT.replace("$1", "'x'"),
        "SELECT 1 FROM used_once WHERE used_hash = 'x'",
    ):
        plan = "\n".join(row[0] for row in await looking.rows(store, f"EXPLAIN {asked}"))
        assert "Seq Scan" not in plan, plan
    async with store._engine.writing() as db:
        await db.run("DROP TABLE schema_steps")
    await store.close()
