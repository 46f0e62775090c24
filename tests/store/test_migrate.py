"""Migrations: what was released never changes, and programs of before work on where they can."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from importlib import resources
from pathlib import Path

import pytest

from endorse.store import migrate, open_store, opening, reads
from endorse.store.connection import Busy, StoreAway
from endorse.store.migrate import NewerSchema
from endorse.store.postgres import PostgresEngine
from tests.store import looking, things

pytestmark = pytest.mark.anyio

NEWEST = max(migrate.versions())
RELEASED = Path(__file__).with_name("released.txt")
FILES = {
    file.name: file.read_bytes()
    for file in resources.files("endorse.store.migrations").iterdir()
    if file.name.endswith(".sql")
}


def test_a_migration_that_was_released_never_changes() -> None:
    listed = [line.split() for line in RELEASED.read_text().splitlines()]
    changed = [
        name
        for digest, name in listed
        if hashlib.sha256(FILES.get(name, b"")).hexdigest() != digest
    ]
    assert changed == [], "write a new migration in place of changing one: see CONTRIBUTING.md"
    assert len(listed) >= 12


def test_every_later_migration_says_which_programs_work_after_it() -> None:
    for step in [*migrate.steps("sqlite").values(), *migrate.steps("postgresql").values()]:
        if step.version >= migrate._FIRST_STEP:
            assert step.oldest < step.version, (
                f"{step.name} must begin: -- Programs from schema N on work with it."
            )
            assert step.oldest >= migrate._FIRST_STEP - 1
        assert step.statements, step.name


def test_both_databases_have_the_same_versions() -> None:
    assert set(migrate.steps("sqlite")) == set(migrate.steps("postgresql"))


def test_a_statement_may_hold_semicolons_between_dollars() -> None:
    text = "-- why; not\nSELECT 1;\nDO $$ BEGIN; END; $$;\n\nSELECT 2\n"
    assert migrate._statements(text) == ["SELECT 1", "DO $$ BEGIN; END; $$", "SELECT 2"]


async def note(url: str, table: str, *values: int) -> None:
    """Write a later version into the database."""
    engine = await opening._engine(url)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    async with engine.writing() as db:
        await db.run(f"INSERT INTO {table} VALUES ({places})", *values)
    await engine.close()


async def test_a_newer_schema_that_this_program_works_with_is_opened(empty_database: str) -> None:
    await (await open_store(empty_database)).close()
    await note(empty_database, "schema_steps", 1000, NEWEST)
    store = await open_store(empty_database)
    await things.put_grant(store)
    await store.close()
    assert (await opening.look(empty_database)).pending == ()


async def test_a_newer_schema_that_asks_for_a_newer_program_is_refused(
    empty_database: str,
) -> None:
    await (await open_store(empty_database)).close()
    await note(empty_database, "schema_steps", 1000, NEWEST + 1)
    for opened in (open_store, opening.look, opening.upgrade):
        with pytest.raises(NewerSchema, match=r"schema version 1000.*at least as new"):
            await opened(empty_database)


async def test_programs_of_before_find_only_what_they_must_know(empty_database: str) -> None:
    await (await open_store(empty_database)).close()
    engine = await opening._engine(empty_database)
    rows = await engine.read(lambda db: db.all("SELECT version FROM schema_versions"))
    await engine.close()
    # A program of schema 12 starts here again: it refuses any number that it does not know.
    assert sorted(row[0] for row in rows) == list(range(1, 13))


async def test_what_is_pending_is_said_and_nothing_is_changed(empty_database: str) -> None:
    engine = await opening._engine(empty_database)
    async with engine.migrating() as db:
        for table in migrate._TABLES:
            await db.run(table)
        for version, step in migrate.steps(engine.name).items():
            if version <= 12:
                await migrate._run(db, step)
    await engine.close()
    later = [version for version in sorted(migrate.versions()) if version > 12]
    for _ in range(2):
        standing = await opening.look(empty_database)
        assert [step.version for step in standing.pending] == later
    assert [step.version for step in await opening.upgrade(empty_database)] == later
    assert await opening.upgrade(empty_database) == ()
    assert (await opening.look(empty_database)).pending == ()


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, whole."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_live_tokens_go_on_and_expired_ones_are_left_behind(empty_database: str) -> None:
    engine = await opening._engine(empty_database)
    now = int(time.time())
    async with engine.migrating() as db:
        for table in migrate._TABLES:
            await db.run(table)
        for version, step in sorted(migrate.steps(engine.name).items()):
            if version < 14:
                await migrate._run(db, step)
        for name, lives in (("live", 300), ("expired", -300)):
            await db.run(
                "INSERT INTO access_tokens (token_hash, grant_id, scope, created_at, expires_at, "
                "client_id) VALUES ($1, '', 'directory', $2, $3, 'app')",
                name,
                now,
                now + lives,
            )
    await engine.close()
    store = await open_store(empty_database)
    assert await looking.rows(store, "SELECT token_hash FROM access_tokens") == [("live",)]
    assert await store.read(lambda db: reads.access(db, "live", now)) is not None
    await store.close()


async def test_looking_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    assert len((await opening.look(f"sqlite:///{path}")).pending) == len(migrate.versions())
    with pytest.raises(StoreAway, match="nowhere"):
        await opening.look(f"sqlite:///{tmp_path / 'nowhere' / 'new.sqlite3'}")
    assert files(tmp_path) == {}


async def test_looking_makes_no_file_beside_one_and_reads_what_only_the_log_holds(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.sqlite3"
    store = await open_store(f"sqlite:///{path}")
    held = sqlite3.connect(path)
    held.execute("SELECT 1 FROM clients").fetchall()
    await store.close()
    before = files(tmp_path)
    assert len(before) == 3
    assert (await opening.look(f"sqlite:///{path}")).pending == ()
    assert files(tmp_path).keys() == before.keys()
    held.close()
    before = files(tmp_path)
    assert len(before) == 1
    assert (await opening.look(f"sqlite:///{path}")).pending == ()
    assert files(tmp_path) == before
    path.write_text("Dear reader, " * 1000)
    with pytest.raises(StoreAway, match="not a database"):
        await opening.look(f"sqlite:///{path}")


@pytest.mark.postgres
async def test_a_migration_gives_way_to_who_serves_and_comes_again(emptied_url: str) -> None:
    engine = await PostgresEngine.connect(emptied_url)
    await migrate.migrate(engine)
    async with engine.writing() as serving:
        await serving.run("LOCK TABLE client_flags IN ROW EXCLUSIVE MODE")
        with pytest.raises(Busy):
            async with engine.migrating() as db:
                await db.run("LOCK TABLE client_flags IN ACCESS EXCLUSIVE MODE")
    await engine.close()
