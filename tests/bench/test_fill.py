"""A database that was filled holds what was asked for, and the server works on it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.fill import Amounts, fill
from endorse.core.policy import HOUR
from endorse.store import Store, open_store, opening, reads
from endorse.store.sweep import KINDS
from tests.store import looking

pytestmark = pytest.mark.anyio

AMOUNTS = Amounts(grants=203, tokens=1007, journeys=101)


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
async def test_a_database_is_filled_with_rows_that_the_store_reads_and_forgets(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'filled.sqlite3'}"
    if engine == "postgresql":
        url = request.getfixturevalue("postgres_url")
    told: list[str] = []
    await fill(url, AMOUNTS, told.append)
    assert [it.split(":")[0] for it in told] == ["grants", "evidence", "access_tokens", "journeys"]
    assert (await opening.look(url)).pending == ()

    store = await open_store(url)
    try:
        await filled(store)
    finally:
        await store.close()


async def filled(store: Store) -> None:
    """Find what was asked for, and let the store forget it."""
    for table, wanted in (("grants", 203), ("evidence", 203), ("journeys", 101)):
        assert await looking.count(store, table) == wanted
    assert await looking.count(store, "access_tokens") == 1007
    of = "SELECT count(*) FROM access_tokens t JOIN grants g ON g.grant_id = t.grant_id"
    assert await looking.rows(store, of) == [(1007,)]
    [(name,)] = await looking.rows(store, "SELECT grant_id FROM grants LIMIT 1")
    grant = await store.read(lambda db: reads.grant(db, name))
    assert grant is not None
    assert grant.live(int(time.time()))
    later = int(time.time()) + 2 * HOUR
    for kind in KINDS:
        await store.sweep(kind, later, 10_000)
    await store.turn_over(later)
    assert await looking.count(store, "journeys") == 0
    assert await looking.count(store, "access_tokens") == 0
