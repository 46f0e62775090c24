"""What the PostgreSQL engine asks of its server, besides the statements."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from endorse.store import Store, open_store, reads
from endorse.store.postgres import PostgresEngine
from tests.store import things

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
async def postgres(cleared_url: str) -> AsyncIterator[Store]:
    """A store on PostgreSQL."""
    store = await open_store(cleared_url)
    yield store
    await store.close()


async def used(engine: PostgresEngine) -> int:
    """How many statements the pool's next connection ran so far."""
    async with engine._pool.acquire() as raw:
        count: int = getattr(raw, "_con")._protocol.queries_count  # noqa: B009 - asyncpg's own
        return count


async def test_a_read_is_one_round_trip_and_nothing_is_reset_after_it(postgres: Store) -> None:
    engine = postgres._engine
    assert isinstance(engine, PostgresEngine)
    before = await used(engine)
    for _ in range(5):
        await postgres.read(lambda db: reads.grant(db, "grant"))
    # The pool lends the same connection again.
    assert await used(engine) - before == 5


async def test_all_batches_are_written_on_one_connection(postgres: Store) -> None:
    engine = postgres._engine
    assert isinstance(engine, PostgresEngine)
    await things.put_grant(postgres)
    before = engine._writer
    assert before is not None
    assert await postgres.change([things.made(things.grant(1))], things.NOW)
    assert engine._writer is before
