"""`kill -9` at any moment: every answered change is there, and none is there twice or in part."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from endorse.store import Store, open_store
from tests import parts
from tests.store import looking

pytestmark = pytest.mark.anyio

KILLS = 5 if parts.SOAK else 2
FILES = 20 if parts.SOAK else 1
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
    generations = dict(await looking.rows(store, "SELECT grant_id, generation FROM grants"))
    tokens = Counter(await looking.rows(store, "SELECT grant_id FROM access_tokens"))
    lines = Counter(await looking.rows(store, "SELECT grant_id FROM audit"))
    assert {*tokens, *lines} <= {(grant_id,) for grant_id in generations}
    return {
        grant_id: (generation, tokens[grant_id,], lines[grant_id,])
        for grant_id, generation in generations.items()
    }


@pytest.mark.parametrize("file", range(FILES))
async def test_no_answered_change_is_lost_in_a_kill_and_none_is_doubled(
    tmp_path: Path, file: int
) -> None:
    database = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    all_answered: set[str] = set()
    for turn in range(KILLS):
        now_answered = answered(database, file * KILLS + turn)
        assert len(now_answered) >= 40
        all_answered |= now_answered
        store = await open_store(database)
        found = await stored(store)
        assert all_answered <= set(found)
        # The grant, its token, its rotation and its line: all of them, once.
        assert set(found.values()) == {(2, 1, 1)}
        assert await looking.rows(store, "PRAGMA integrity_check") == [("ok",)]
        await store.close()
