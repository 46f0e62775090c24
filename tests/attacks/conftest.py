"""The server that is attacked, whose clock the attacks turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from endorse.audit import stage
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A sandbox server that the attacks of a file share."""
    url = f"sqlite:///{tmp_path_factory.mktemp('attacked') / 'endorse.sqlite3'}"
    async with serving(url, QUICK) as server, quiet_client() as http:
        server.http = http
        yield server


@pytest.fixture
def no_code_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no code moves, an attack learns so by waiting for one in vain: a moment will do."""
    monkeypatch.setattr(stage, "_FRAME_COMES", 0.3)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A new database for a server with a policy of its own."""
    return f"sqlite:///{tmp_path / 'endorse.sqlite3'}"
