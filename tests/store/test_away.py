"""A database that is away is a fault: told as such, nothing stored, and over when it is back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import pytest

from endorse.core.change import Decision
from endorse.store import Store, open_store, reads
from endorse.store.connection import Connection, StoreAway
from endorse.store.sqlite import SqliteEngine
from tests import parts
from tests.store import looking, things
from tests.store.things import GRANT, NOW

OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
OWN = "SELECT pg_terminate_backend(pg_backend_pid())"

pytestmark = pytest.mark.anyio

T = TypeVar("T")


async def grants(store: Store) -> int:
    """How many grants there are."""
    return await looking.count(store, "grants")


async def eventually(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, after no more faults than there are connections in the pool."""
    for _ in range(8):
        try:
            return await ask()
        except StoreAway:
            continue
    return await ask()


# --- PostgreSQL ------------------------------------------------------------------------------


@pytest.fixture
async def postgres(cleared_url: str) -> AsyncIterator[Store]:
    """A store on PostgreSQL."""
    store = await open_store(cleared_url)
    yield store
    await store.close()


@pytest.mark.postgres
async def test_connections_ended_while_idle_are_replaced(postgres: Store, cleared_url: str) -> None:
    await things.put_grant(postgres)
    for number in range(40 if parts.SOAK else 4):
        administrator = await asyncpg.connect(cleared_url)
        ended = await administrator.fetch(OTHERS)
        await administrator.close()
        assert ended
        # Whether the pool has noticed by now or not: an answer, or the fault and then an answer.
        made = things.made(things.grant(number))
        assert await eventually(partial(postgres.change, [made], NOW))
        assert await eventually(lambda: grants(postgres)) == 2 + number


@pytest.mark.postgres
async def test_a_connection_ended_in_a_decision_is_a_store_that_is_away(postgres: Store) -> None:
    async def cut(db: Connection) -> None:
        await db.one(OWN)

    decision = Decision("never", (things.made(GRANT),))
    with pytest.raises(StoreAway):
        await postgres.settle(cut, lambda _: decision, NOW)
    assert await grants(postgres) == 0
    assert await postgres.change([things.made(GRANT)], NOW)


@pytest.mark.postgres
async def test_a_connection_ended_between_facts_and_changes_stores_nothing(
    postgres: Store, cleared_url: str
) -> None:
    cut = False

    async def cutting(db: Connection) -> Decision[str]:
        nonlocal cut
        await db.run("INSERT INTO sandbox_keys (name, secret) VALUES ('x', 'y')")
        if not cut:
            cut = True
            administrator = await asyncpg.connect(cleared_url)
            await administrator.fetch(OTHERS)
            await administrator.close()
        return Decision("made", (things.made(GRANT),))

    with pytest.raises(StoreAway):
        await postgres.settle(cutting, lambda decision: decision, NOW)
    assert await eventually(lambda: postgres.change([things.made(GRANT)], NOW))
    assert await eventually(lambda: grants(postgres)) == 1
    assert await eventually(lambda: looking.count(postgres, "sandbox_keys")) == 0


@pytest.mark.postgres
async def test_a_statement_that_an_administrator_stops_is_a_store_that_is_away(
    postgres: Store,
) -> None:
    cancel = "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)"
    decision = Decision("never", (things.made(GRANT),))
    with pytest.raises(StoreAway, match="canceling"):
        await postgres.settle(lambda db: db.one(cancel), lambda _: decision, NOW)
    with pytest.raises(StoreAway, match="canceling"):
        await postgres.read(lambda db: db.one(cancel))
    assert await grants(postgres) == 0


@pytest.mark.postgres
async def test_a_connection_ended_in_a_read_is_a_store_that_is_away(postgres: Store) -> None:
    with pytest.raises(StoreAway):
        await postgres.read(lambda db: db.one(OWN))
    assert await postgres.read(lambda db: reads.grant(db, "grant")) is None


@pytest.mark.postgres
async def test_a_wrong_statement_is_a_bug_and_not_a_store_that_is_away(postgres: Store) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await postgres.read(lambda db: db.one("SELECT 1 FROM nowhere"))


# --- SQLite ----------------------------------------------------------------------------------


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """The file of an SQLite database that was opened once."""
    path = tmp_path / "store.sqlite3"
    store = await open_store(f"sqlite:///{path}")
    await store.close()
    return path


async def test_a_full_disk_is_a_store_that_is_away_until_there_is_room(file: Path) -> None:
    engine = SqliteEngine(str(file))
    store = Store(engine)
    (pages,) = engine._writer.execute("PRAGMA page_count").fetchone()
    engine._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = msgspec.structs.replace(GRANT, person_id="x" * 100_000)
    for _ in range(2):
        with pytest.raises(StoreAway, match="full"):
            await store.change([things.made(large)], NOW)
    assert await grants(store) == 0
    engine._writer.execute("PRAGMA max_page_count = 100000")
    assert await store.change([things.made(large)], NOW)
    await store.close()


async def test_a_file_locked_by_another_process_is_a_store_that_is_away(file: Path) -> None:
    engine = SqliteEngine(str(file))
    store = Store(engine)
    engine._writer.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway, match="locked"):
        await store.change([things.made(GRANT)], NOW)
    assert await grants(store) == 0
    other.execute("ROLLBACK")
    other.close()
    assert await store.change([things.made(GRANT)], NOW)
    await store.close()


async def test_a_commit_that_fails_answers_the_fault_to_its_whole_batch(file: Path) -> None:
    engine = SqliteEngine(str(file))
    store = Store(engine)
    engine._writer.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    engine._writer.execute(
        "CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
    )

    async def poison(db: Connection) -> None:
        await db.run("INSERT INTO child VALUES (7)")

    decision = Decision("made", (things.made(GRANT),))
    with pytest.raises(StoreAway, match="FOREIGN KEY"):
        await store.settle(poison, lambda _: decision, NOW)
    assert await grants(store) == 0
    assert await store.change([things.made(GRANT)], NOW)
    await store.close()


async def test_a_wrong_statement_on_sqlite_is_a_bug_too(file: Path) -> None:
    store = Store(SqliteEngine(str(file)))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await store.read(lambda db: db.one("SELECT 1 FROM nowhere"))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await store.settle(
            lambda db: db.one("SELECT 1 FROM nowhere"), lambda _: Decision("never"), NOW
        )
    await store.close()
