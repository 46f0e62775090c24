"""`kill -9` at any moment: every answered change is there, and none is there twice or in part."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from endorse.store import Store, open_store
from tests import parts
from tests.store import looking

pytestmark = pytest.mark.anyio

KILLS = 100 if parts.SOAK else 5
ROOT = Path(__file__).resolve().parents[2]


def answered(database: str, turn: int) -> set[str]:
    """The ids that a writing process answered before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", database, f"turn-{turn}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert writer.stdout is not None
    with writer.stdout as output:
        told = [output.readline() for _ in range(40)]
        # At another moment of its work each time: in a decision, in a commit, in an answer.
        time.sleep(turn % 10 * 0.0037)
        writer.kill()
        told += output.readlines()
    assert writer.wait() == -9
    assert all(told[:40])
    # The last line may be cut in the middle: then it was not answered.
    return {line.strip() for line in told if line.endswith("\n")}


async def stored(store: Store) -> dict[str, tuple[int, int, int]]:
    """Each grant's generation, its tokens and its lines on the trail."""
    found = await looking.rows(
        store,
        "SELECT grant_id, generation, "
        "(SELECT count(*) FROM access_tokens t WHERE t.grant_id = g.grant_id), "
        "(SELECT count(*) FROM audit a WHERE a.grant_id = g.grant_id) FROM grants g",
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found}


async def test_no_answered_change_is_lost_in_a_kill_and_none_is_doubled(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    all_answered: set[str] = set()
    for turn in range(KILLS):
        now_answered = answered(database, turn)
        assert len(now_answered) >= 40
        all_answered |= now_answered
        store = await open_store(database)
        found = await stored(store)
        assert all_answered <= set(found)
        # The grant, its token, its rotation and its line: all of them, once.
        assert set(found.values()) == {(2, 1, 1)}
        assert await looking.rows(store, "PRAGMA integrity_check") == [("ok",)]
        assert await looking.count(store, "audit") == len(found)
        await store.close()
