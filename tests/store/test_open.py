"""Opening a database: the schema is made once, by one, and only forward."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from endorse.store import Store, migrate, open_store, reads
from endorse.store.connection import Engine, StoreAway
from endorse.store.migrate import NewerSchema
from endorse.store.postgres import PostgresEngine
from endorse.store.sqlite import SqliteEngine
from tests import parts
from tests.store import looking, things
from tests.store.things import GRANT, NOW

pytestmark = pytest.mark.anyio

KNOWN = sorted(migrate.versions())
"""The schema versions that this program knows."""

OPEN_AT_A_SIGN = """
import asyncio, sys
from endorse.store import open_store

async def main(url):
    store = await open_store(url)
    await store.close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(sys.argv[1]))
print("opened", flush=True)
"""


async def versions(store: Store) -> list[int]:
    """The schema versions that the database says have run."""
    done = "SELECT version FROM schema_versions UNION SELECT version FROM schema_steps"
    return sorted(row[0] for row in await looking.rows(store, done))


async def test_five_that_open_at_the_same_moment_migrate_once(empty_database: str) -> None:
    stores = await asyncio.gather(*(open_store(empty_database) for _ in range(5)))
    try:
        assert await versions(stores[0]) == KNOWN
        await things.put_grant(stores[1])
        assert await stores[4].read(lambda db: reads.grant(db, "grant")) == GRANT
    finally:
        for store in stores:
            await store.close()


def open_at_once(database: str, processes: int) -> list[str]:
    """What so many processes say that open the database when all of them are ready."""
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN_AT_A_SIGN, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in running]


async def test_five_processes_that_open_at_the_same_moment_migrate_once(
    empty_database: str,
) -> None:
    assert open_at_once(empty_database, 5) == ["opened\n"] * 5
    store = await open_store(empty_database)
    assert await versions(store) == KNOWN
    await store.close()


async def test_a_database_is_opened_again_with_what_is_in_it(database: str) -> None:
    store = await open_store(database)
    await things.put_grant(store)
    await store.close()
    again = await open_store(database)
    assert await again.read(lambda db: reads.grant(db, "grant")) == GRANT
    assert not await again.change([things.made(GRANT)], NOW)
    await again.close()


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(
    store: Store, database: str
) -> None:
    async with store._engine.writing() as db:
        await db.run("INSERT INTO schema_versions (version) VALUES ($1)", 1000)
    with pytest.raises(NewerSchema, match=r"schema version 1000.*at least as new"):
        await open_store(database)
    assert await versions(store) == [*KNOWN, 1000]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database: str) -> None:
    store = await open_store(empty_database)
    async with store._engine.writing() as db:
        await db.run("DELETE FROM schema_versions")
        await db.run("DELETE FROM schema_steps")
        await db.run("DROP TABLE clients")
    await store.close()
    # `clients` can be made again, `client_secrets` is still there: all of it must be undone.
    with pytest.raises(Exception, match="already exists"):
        await open_store(empty_database)
    store = Store(await _engine(empty_database))
    names = await looking.tables(store, empty_database)
    assert "clients" not in names
    assert await versions(store) == []
    await store.close()


async def _engine(database: str) -> Engine:
    if database.startswith("sqlite"):
        return SqliteEngine(database.removeprefix("sqlite:///"))
    return await PostgresEngine.connect(database)


@pytest.mark.parametrize("url", ["", "sqlite:store", "sqlite://store", "mysql://h/d", "store.db"])
async def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///PATH or postgresql://"):
        await open_store(url)


async def test_a_file_that_cannot_be_used_is_a_store_that_is_away(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear reader, " * 1000)
    for path in (text, tmp_path / "nowhere" / "store.sqlite3", tmp_path):
        with pytest.raises(StoreAway, match=path.name):
            await open_store(f"sqlite:///{path}")
    assert text.read_text().startswith("Dear reader")


async def test_a_database_that_does_not_answer_is_a_store_that_is_away() -> None:
    with pytest.raises(StoreAway, match="does not answer"):
        await open_store(f"postgresql://endorse@127.0.0.1:{parts.free_port()}/endorse")


async def test_sqlite_writes_to_the_disk_before_it_answers(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    async with store._engine.writing() as db:
        assert await db.all("PRAGMA synchronous") == [(2,)]
        assert await db.all("PRAGMA journal_mode") == [("wal",)]
    with pytest.raises(Exception, match="readonly"):
        await store.read(lambda db: db.run("DELETE FROM grants"))
    await store.close()
