"""The server that the cases of a file are tried at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A sandbox server on SQLite."""
    url = f"sqlite:///{tmp_path_factory.mktemp('oauch') / 'endorse.sqlite3'}"
    async with serving(url, QUICK) as server, quiet_client() as http:
        server.http = http
        yield server
