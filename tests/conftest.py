"""What every test may ask for, and what each marker demands."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from endorse.store import open_store
from tests import parts
from tests.overheard import listening

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30


def pytest_configure() -> None:
    """Keep the tests' files in memory, where there is room: half of SQLite's time is the disk's.

    PostgreSQL is spared it as well (`parts`). What outlives the power is shown by a disk that
    forgets (`store/test_power.py`), and no test asks whether this machine's disk keeps its word.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return
    may_run = not os.statvfs(MEMORY).f_flag & getattr(os, "ST_NOEXEC", 0)
    if may_run and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing, or fail it where real parts are demanded."""
    if item.get_closest_marker("browser"):
        parts.chromium()
    if item.get_closest_marker("postgres"):
        parts.postgres_binaries()
    if item.get_closest_marker("soak") and not parts.SOAK:
        pytest.skip("runs only with ENDORSE_SOAK=1")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported and collected: it lives to the end anyway."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let everything go, so that what is written in C says nothing of leaks at the end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_any_log() -> Iterator[None]:
    """What the tests of this process sent and were answered stands in no log of theirs."""
    with listening() as heard:
        yield
    assert heard.found() == []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[parts.PostgresServer]:
    """A PostgreSQL server of this test process alone."""
    with parts.postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: parts.PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: parts.PostgresServer) -> Iterator[str]:
    """The name of a database with every table and no row: a copy is made faster than the tables."""

    async def migrate(url: str) -> None:
        await (await open_store(url)).close()

    with postgres_server.database() as url:
        asyncio.run(migrate(url))
        yield url.rsplit("/", 1)[1]
