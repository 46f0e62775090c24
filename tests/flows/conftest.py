"""The servers that the stories run on, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="module", params=DATABASES)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a new, empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('served') / 'endorse.sqlite3'}"
        return
    server = request.getfixturevalue("postgres_server")
    with server.database(request.getfixturevalue("postgres_template")) as url:
        yield url


@pytest.fixture(scope="module")
async def served(database: str) -> AsyncIterator[Served]:
    """A sandbox server that all stories of a file share, on each database.

    Its clock only moves forward, so a story may leave it where it is.
    """
    async with serving(database, QUICK) as server, quiet_client() as http:
        server.http = http
        yield server


@pytest.fixture
async def bank_server(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that is no sandbox."""
    url = f"sqlite:///{tmp_path / 'bank.sqlite3'}"
    async with serving(url, QUICK, sandbox=False) as server, quiet_client() as http:
        server.http = http
        yield server
