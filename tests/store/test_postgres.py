"""What the PostgreSQL engine asks of its server, besides the statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from endorse.store import Store, open_store, reads
from endorse.store.postgres import PostgresEngine
from endorse.store.readers import Readers
from tests.store import things

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
async def postgres(cleared_url: str) -> AsyncIterator[Store]:
    """A store on PostgreSQL."""
    store = await open_store(cleared_url)
    yield store
    await store.close()


async def used(engine: PostgresEngine) -> int:
    """How many statements the connection that is lent next ran so far."""
    async with engine._readers.lent() as raw:
        count: int = getattr(raw, "_protocol").queries_count  # noqa: B009 - asyncpg's own
        return count


async def test_a_read_is_one_round_trip_and_nothing_is_reset_after_it(postgres: Store) -> None:
    engine = postgres._engine
    assert isinstance(engine, PostgresEngine)
    before = await used(engine)
    for _ in range(5):
        await postgres.read(lambda db: reads.grant(db, "grant"))
    assert await used(engine) - before == 5


async def test_who_comes_when_all_connections_are_lent_waits_for_one(cleared_url: str) -> None:
    readers = Readers(cleared_url, 2)

    async def pid() -> int:
        async with readers.lent() as raw:
            found: int = raw.get_server_pid()
            return found

    async with readers.lent() as one, readers.lent() as other:
        waiting = asyncio.create_task(pid())
        for _ in range(3):
            await one.fetchval("SELECT 1")
        assert not waiting.done()
        lent = {one.get_server_pid(), other.get_server_pid()}
    assert await waiting in lent
    await readers.close()
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await pid()


async def test_a_read_that_is_given_up_leaves_its_connection_to_nobody(cleared_url: str) -> None:
    readers = Readers(cleared_url, 1)
    asked = asyncio.Event()

    async def slow() -> None:
        async with readers.lent() as raw:
            asked.set()
            await raw.execute("SELECT pg_sleep(30)")

    reading = asyncio.create_task(slow())
    await asked.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert readers._idle == []
    async with readers.lent() as raw:
        assert await raw.fetchval("SELECT 7") == 7
    await readers.close()


async def test_all_batches_are_written_on_one_connection(postgres: Store) -> None:
    engine = postgres._engine
    assert isinstance(engine, PostgresEngine)
    await things.put_grant(postgres)
    before = engine._writer
    assert before is not None
    assert await postgres.change([things.made(things.grant(1))], things.NOW)
    assert engine._writer is before
