"""The servers that the stories run on, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests import parts
from tests.flows.nodes import doubled
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

    Its clock only moves forward, so a story may leave it where it is. With ENDORSE_SOAK=1 there are
    two servers on PostgreSQL, which are called in turn: no story may need to come back to one.
    """
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(serving(database, QUICK))
        server.http = await running.enter_async_context(quiet_client())
        if parts.SOAK and database.startswith("postgresql:"):
            await running.enter_async_context(doubled(server))
        yield server


@pytest.fixture
async def one_server(served: Served) -> AsyncIterator[None]:
    """For a story that looks into the memory of one server, or puts something there."""
    before = served.http, served.phones
    async with quiet_client() as served.http:
        served.phones = {}
        yield
    served.http, served.phones = before


@pytest.fixture
async def bank_server(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that is no sandbox."""
    url = f"sqlite:///{tmp_path / 'bank.sqlite3'}"
    async with serving(url, QUICK, sandbox=False) as server, quiet_client() as http:
        server.http = http
        yield server
