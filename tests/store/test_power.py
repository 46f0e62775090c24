"""A cut of the power at any moment: what SQLite was told to keep is there, whole, and once."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from endorse.core.change import Decision, MakeToken, Rotate
from endorse.store import Store, open_store
from endorse.store.sqlite import SqliteEngine
from tests import parts
from tests.store import disk, looking, things
from tests.store.disk import Answered, Disk, Step, Sync
from tests.store.writer import always

pytestmark = pytest.mark.anyio

LANES, TURNS = 4, 30 if parts.SOAK else 10
EVERY = 1 if parts.SOAK else 25
"""A cut after each so many steps, and around every sync and answer."""
SHAKEN = 6 if parts.SOAK else 2
"""So many random states of each cut, beside the two plain ones."""


async def recorded(path: Path, synchronous: str) -> list[Step]:
    """What a store asks of its disk while it answers changes, one batch after another."""

    async def work(store: Store, lane: int) -> None:
        for turn in range(TURNS):
            grant = things.grant(f"{lane}-{turn}")
            token = msgspec.structs.replace(
                things.TOKEN, token_hash=grant.grant_id, grant_id=grant.grant_id
            )
            changes = (things.made(grant), MakeToken(token), Rotate(grant.grant_id, 1, things.NOW))
            decision = always(Decision(grant.grant_id, changes))
            await store.settle(looking.nothing, decision, things.NOW)
            steps.append(Answered(grant.grant_id))

    with disk.recording() as steps:
        engine = SqliteEngine(str(path))
        if synchronous:
            engine._writer.execute(f"PRAGMA synchronous = {synchronous}")
        # The log goes into the database every few commits here, as it does every thousand pages.
        engine._writer.execute("PRAGMA wal_autocheckpoint = 40")
        store = Store(engine)
        await asyncio.gather(*(work(store, lane) for lane in range(LANES)))
        done = list(steps)
        beside = sorted(it.name for it in files(path.parent))
        await store.close()
    # The recorder stands in nobody's way: SQLite made its own files where they belong.
    assert beside == [path.name, f"{path.name}-shm", f"{path.name}-wal"]
    # Commits were shared, and the log went into the database meanwhile, which is when it is torn.
    syncs = [step.path for step in done if isinstance(step, Sync)]
    assert str(path) in syncs or synchronous
    assert len(syncs) < LANES * TURNS
    return done


def files(folder: Path) -> list[Path]:
    """What a folder holds."""
    return list(folder.iterdir())


def moments(steps: list[Step], before: dict[str, bytes]) -> Iterator[Disk]:
    """The disk at each moment that is tried."""
    now = Disk(before)
    for number, step in enumerate(steps):
        if isinstance(step, Sync) or number % EVERY == 0:
            yield now
        now.do(step)
        if isinstance(step, Sync | Answered):
            yield now


def wrong_with(path: Path, answered: set[str]) -> str:
    """What a database says after the cut that it should not; "" if nothing."""
    try:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA synchronous = OFF")  # nothing of this look has to last
            [[fine], *_] = db.execute("PRAGMA integrity_check").fetchall()
            grants = dict(db.execute("SELECT grant_id, generation FROM grants").fetchall())
            tokens = [row[0] for row in db.execute("SELECT grant_id FROM access_tokens")]
            lines = [row[0] for row in db.execute("SELECT grant_id FROM audit ORDER BY grant_id")]
    except sqlite3.DatabaseError as error:
        return f"damaged: {error}"
    if fine != "ok":
        return f"damaged: {fine}"
    if answered - set(grants):
        return f"lost: {sorted(answered - set(grants))}"
    whole = sorted(tokens) == lines == sorted(grants) and set(grants.values()) <= {2}
    return "" if whole else "in part"


async def tried(folder: Path, synchronous: str = "") -> tuple[int, list[str]]:
    """How many states were looked at, and what was wrong with some."""
    path = folder / "store.sqlite3"
    await (await open_store(f"sqlite:///{path}")).close()
    before = {str(path): path.read_bytes()}
    chance, seen, wrong = random.Random(20261124), 0, []
    for now in moments(await recorded(path, synchronous), before):
        for state in now.states(chance, SHAKEN):
            seen += 1
            cut = folder / "cut"
            cut.mkdir()
            wrong.append(wrong_with(disk.lay_out(state, path, cut), now.answered))
            shutil.rmtree(cut)
    return seen, [it for it in wrong if it]


async def test_no_cut_of_the_power_loses_what_was_answered(tmp_path: Path) -> None:
    seen, wrong = await tried(tmp_path)
    assert seen > 150
    assert wrong == []


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
async def test_with_fewer_syncs_the_same_cuts_find_a_loss(tmp_path: Path, synchronous: str) -> None:
    _, wrong = await tried(tmp_path, synchronous)
    assert [it for it in wrong if it.startswith("lost")]
