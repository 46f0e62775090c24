"""One empty database after another, of each kind, and stores on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from endorse.store import Store, migrate, open_store
from tests import parts

SQLITE = pytest.param("sqlite", id="sqlite")
POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres, id="postgres")

NOTHING = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
VERSIONS = "SELECT version FROM schema_versions UNION SELECT version FROM schema_steps"


@pytest.fixture(scope="session")
def reused_url(postgres_server: parts.PostgresServer) -> Iterator[str]:
    """The URL of one PostgreSQL database: emptying it is ten times as fast as making another."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def emptied_url(reused_url: str) -> str:
    """The URL of a PostgreSQL database that is empty again."""
    connection = await asyncpg.connect(reused_url)
    await connection.execute(NOTHING)
    await connection.close()
    return reused_url


@pytest.fixture
async def cleared_url(reused_url: str) -> str:
    """The URL of a PostgreSQL database without any row: its tables stay, where all are there."""
    connection = await asyncpg.connect(reused_url)
    tables = [row[0] for row in await connection.fetch(TABLES)]
    versions = await connection.fetch(VERSIONS) if "schema_steps" in tables else []
    if {row[0] for row in versions} == migrate.versions():
        tables = [table for table in tables if not table.startswith("schema_")]
        await connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
    else:
        await connection.execute(NOTHING)
    await connection.close()
    return reused_url


@pytest.fixture(params=[SQLITE, POSTGRES])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table: every test runs on both kinds."""
    return _url(request, tmp_path, "emptied_url")


@pytest.fixture(params=[SQLITE, POSTGRES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any row: every test runs on both kinds."""
    return _url(request, tmp_path, "cleared_url")


def _url(request: pytest.FixtureRequest, folder: Path, postgres: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'store.sqlite3'}"
    url: str = request.getfixturevalue(postgres)
    return url


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store on the database."""
    store = await open_store(database)
    yield store
    await store.close()


@pytest.fixture
async def other(database: str, store: Store) -> AsyncIterator[Store]:
    """The store of another server on the same database."""
    assert store is not None
    other = await open_store(database)
    yield other
    await other.close()
