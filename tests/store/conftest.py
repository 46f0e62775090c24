"""One empty database after another, of each kind, and stores on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from endorse.store import Store, open_store
from tests import parts

SQLITE = pytest.param("sqlite", id="sqlite")
POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres, id="postgres")


@pytest.fixture(scope="session")
def reused_url(postgres_server: parts.PostgresServer) -> Iterator[str]:
    """The URL of one PostgreSQL database: emptying it is ten times as fast as making another."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def emptied_url(reused_url: str) -> str:
    """The URL of a PostgreSQL database that is empty again."""
    connection = await asyncpg.connect(reused_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return reused_url


@pytest.fixture(params=[SQLITE, POSTGRES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: every test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite3'}"
    url: str = request.getfixturevalue("emptied_url")
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
