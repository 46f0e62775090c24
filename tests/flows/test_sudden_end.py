"""`kill -9` at any moment: what was answered is there, and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from endorse.cli.audit_log import check_trail
from endorse.core.audit_log import Head
from endorse.store import Store, audit_log, open_store
from tests import parts
from tests.flows.forked import forked
from tests.flows.killing import Entry, registered
from tests.store import looking

pytestmark = pytest.mark.anyio

KILLS = 170 if parts.SOAK else 10
"""Of a server on each database."""
POSTGRES_KILLS = 160 if parts.SOAK else 5
"""Of PostgreSQL itself, which takes its time to recover."""
SEED = 20261123


async def heads(database: str) -> list[Head]:
    """Where the chains of the audit trail stand, as far as they were ever seen."""
    store = await open_store(database)
    rows = await store.read(audit_log.chains)
    await store.close()
    return [row.last for row in rows]


async def agrees(database: str, entries: list[Entry], seen: list[Head]) -> None:
    """What is stored is whole, and the audit trail says the same of it."""
    store = await open_store(database)
    try:
        await _each_once(store, entries)
    finally:
        await store.close()
    # Only the test's own line, of the app, is written without the server's secret.
    wrong = [found for found in await check_trail(database, seen, True, {}) if found.wrong]
    assert wrong == []


async def _each_once(store: Store, entries: list[Entry]) -> None:
    rows = partial(looking.rows, store)
    grants = {
        row[0]: row[1:] for row in await rows("SELECT grant_id, generation, ended_at FROM grants")
    }
    journeys = await rows("SELECT qid, state, grant_id, journey_id FROM journeys")
    lines = Counter(await rows("SELECT event, grant_id FROM audit WHERE grant_id IS NOT NULL"))
    steps = Counter(await rows("SELECT event, journey_id FROM audit WHERE journey_id IS NOT NULL"))
    # Every redeemed journey has its one grant, and every grant its one journey.
    assert sorted(grants) == sorted(it[2] for it in journeys if it[1] == "redeemed")
    assert all(it[2] is None for it in journeys if it[1] != "redeemed")
    for grant_id, (generation, ended_at) in grants.items():
        assert lines["redeem", grant_id] == 1
        assert lines["refresh", grant_id] == generation - 1
        # Who asks for the end of what has ended leaves a line too.
        assert (lines["end grant", grant_id] > 0) == (ended_at is not None)
    ids = {qid: journey_id for qid, _, _, journey_id in journeys}
    for entry in entries:
        gave, refused = steps["approve", ids[entry.journey]], steps["refuse", ids[entry.journey]]
        if entry.told == "waiting":
            assert gave + refused <= 1
        else:
            assert (gave, refused) == ((0, 1) if entry.told == "refused" else (1, 0))


async def test_a_server_that_is_killed_under_load_loses_nothing_and_doubles_nothing(
    database: str, tmp_path: Path
) -> None:
    moments, some = random.Random(SEED), asyncio.Event()
    outside = await registered(database)
    seen: list[Head] = []
    async with outside.http:
        for number in range(KILLS + 1):
            async with forked(database, outside.port, tmp_path / "log") as server:
                if number == 0:
                    await outside.enrol()
                else:
                    await agrees(database, outside.entries, seen)
                    await outside.check()
                    outside.entries.clear()
                if number == KILLS:
                    break
                work = await outside.run_until(some)
                await asyncio.sleep(moments.uniform(0, 0.2))  # the moment is the point of the test
                seen = await heads(database)
                server.kill()
                await outside.stop(work)
                assert outside.entries


@pytest.mark.postgres
async def test_a_postgresql_that_is_killed_under_load_loses_nothing_and_the_server_goes_on(
    tmp_path: Path,
) -> None:
    moments, some = random.Random(SEED), asyncio.Event()
    with parts.postgres_server(durable=True) as postgres, postgres.database() as database:
        outside = await registered(database)
        async with outside.http, forked(database, outside.port, tmp_path / "log"):
            await outside.enrol()
            for _ in range(POSTGRES_KILLS):
                work = await outside.run_until(some)
                await asyncio.sleep(moments.uniform(0, 0.2))  # the moment is the point of the test
                seen = await heads(database)
                postgres.kill()
                # It says at once that it cannot: nobody waits for a database that is gone.
                assert await outside.standing() == 503
                await outside.stop(work)
                await asyncio.to_thread(postgres.start)
                while await outside.standing() == 503:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
                await agrees(database, outside.entries, seen)
                await outside.check()
                outside.entries.clear()
