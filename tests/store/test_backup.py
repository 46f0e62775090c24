"""A copy of a database that is written to meanwhile: whole, of one moment, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from endorse.core.change import (
    Begin,
    BeginPoll,
    Change,
    EndRestored,
    Enrol,
    Issue,
    KeepRequest,
    MakeToken,
)
from endorse.core.journey import State
from endorse.store import Store, backup, open_store, reads
from endorse.store.connection import StoreAway
from tests.store import looking, things
from tests.store.things import GRANT, NOW, TOKEN

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def writing(database: str) -> Iterator[subprocess.Popen[str]]:
    """A process that stores grants as fast as it can, and says each when it was answered."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", database, "busy"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()


def answered(writer: subprocess.Popen[str], count: int) -> set[str]:
    """So many more of what was answered."""
    assert writer.stdout is not None
    return {writer.stdout.readline().strip() for _ in range(count)}


def test_a_copy_is_of_one_moment_while_the_server_goes_on(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    target = tmp_path / "copy.sqlite3"
    with writing(database) as writer:
        before = answered(writer, 200)
        made = backup.back_up(database, target, pages=8, pause=0.001)
        # Whoever writes was not held up: these were answered since, or waited in the pipe.
        after = answered(writer, 200)
    assert made.size == target.stat().st_size
    with closing(sqlite3.connect(target)) as copy:
        grants = copy.execute("SELECT grant_id, generation FROM grants").fetchall()
        tokens = copy.execute("SELECT grant_id FROM access_tokens").fetchall()
        lines = copy.execute("SELECT grant_id FROM audit WHERE event = 'refresh'").fetchall()
    stored = [grant_id for grant_id, _ in grants]
    assert before <= set(stored)
    assert not after <= set(stored)
    # Of each grant all that belongs to it: nothing was copied in the middle of a change.
    assert {generation for _, generation in grants} == {2}
    assert sorted(stored) == sorted(it[0] for it in tokens) == sorted(it[0] for it in lines)


def test_a_copy_is_one_file_of_its_owner_alone(tmp_path: Path, store_file: str) -> None:
    before = os.umask(0)
    try:
        backup.back_up(store_file, tmp_path / "copy")
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


def test_a_copy_overwrites_nothing(tmp_path: Path, store_file: str) -> None:
    target = tmp_path / "copy"
    target.write_text("a letter")
    with pytest.raises(FileExistsError, match="overwrites nothing"):
        backup.back_up(store_file, target)
    assert target.read_text() == "a letter"
    assert list(tmp_path.iterdir()) == [target]


def test_of_two_copies_to_one_place_the_first_stays(
    tmp_path: Path, store_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    copied = backup._copy

    def overtaken(source: str, part: Path, pages: int, pause: float) -> int:
        target.write_text("the other's")
        return copied(source, part, pages, pause)

    monkeypatch.setattr(backup, "_copy", overtaken)
    with pytest.raises(FileExistsError):
        backup.back_up(store_file, target)
    assert target.read_text() == "the other's"
    assert list(tmp_path.iterdir()) == [target]


def test_a_damaged_database_is_told_and_leaves_no_copy(tmp_path: Path, store_file: str) -> None:
    damaged = Path(store_file.removeprefix("sqlite:///"))
    size = damaged.stat().st_size
    with damaged.open("r+b") as file:
        for page in range(4096 * 3, size, 4096):
            file.seek(page)
            file.write(b"\xff" * 64)
    with pytest.raises(StoreAway, match=r"backup failed|damaged"):
        backup.back_up(store_file, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_postgresql_and_a_mistyped_path_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pg_dump"):
        backup.back_up("postgresql://localhost/endorse", tmp_path / "copy")
    with pytest.raises(StoreAway, match="There is no database"):
        backup.back_up(f"sqlite:///{tmp_path / 'nowhere'}", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_known_as_one_until_it_is_taken_into_use(tmp_path: Path, store_file: str) -> None:
    backup.back_up(store_file, tmp_path / "copy")
    copy = f"sqlite:///{tmp_path / 'copy'}"
    assert (backup.is_copy(store_file), backup.is_copy(copy)) == (False, True)
    # Whoever only looks into it changes nothing about that.
    asyncio.run(opened(copy))
    assert backup.is_copy(copy)
    backup.use(copy)
    assert not backup.is_copy(copy)
    assert not backup.is_copy("postgresql://localhost/endorse")


async def opened(database: str, *changes: Change) -> None:
    """Open a database, store these, and close it."""
    store = await open_store(database)
    await things.put(store, *changes)
    await store.close()


@pytest.fixture
def store_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a SQLite database with a grant in it, which nobody has open."""
    database = f"sqlite:///{tmp_path_factory.mktemp('original') / 'store.sqlite3'}"
    asyncio.run(opened(database, things.made(), MakeToken(TOKEN)))
    return database


# --- after a restore, on both databases -------------------------------------------------------


@pytest.mark.anyio
async def test_what_a_restore_brought_back_ends(store: Store) -> None:
    redeemed = msgspec.structs.replace(
        things.WHOLE_JOURNEY, journey_id="over", short="over", qid="over", poll_hash=""
    )
    pending = msgspec.structs.replace(things.PHONE, phone_id="new", credential_id="new")
    usable = msgspec.structs.replace(things.PHONE, person_id="ben", usable_from=NOW)
    other_code = msgspec.structs.replace(things.CODE, code_hash="other", person_id="ben")
    await things.put_grant(store)
    await things.put(
        store,
        Begin(things.JOURNEY),
        Begin(redeemed),
        BeginPoll(things.POLL),
        KeepRequest(things.PUSHED),
        Issue(things.CODE),
        Enrol(pending, things.CODE.code_hash, NOW),
        Issue(other_code),
        Enrol(usable, "other", NOW),
        Issue(msgspec.structs.replace(things.CODE, code_hash="unused", person_id="cem")),
    )
    assert await store.change([EndRestored(NOW + 60)], NOW + 60)
    grant = await store.read(lambda db: reads.grant(db, GRANT.grant_id))
    assert grant is not None
    assert (grant.ended_at, grant.ended_by) == (NOW + 60, "the bank")
    for table in ("access_tokens", "polls", "pushed_requests"):
        assert await looking.count(store, table) == 0
    # A code that was redeemed is remembered, so that its replay is still seen.
    assert await looking.rows(store, "SELECT qid, state FROM journeys") == [
        ("over", State.REDEEMED.value)
    ]
    assert await looking.rows(store, "SELECT code_hash FROM enrolments WHERE used_at IS NULL") == []
    assert await looking.rows(store, "SELECT phone_id FROM phones WHERE revoked_at IS NULL") == [
        (usable.phone_id,)
    ]
    told = await looking.rows(store, "SELECT person_id, kind, made_by, grant_id FROM notices")
    assert told == [("anna", "connection_ended", "bank", GRANT.grant_id)]
    assert (await looking.trail(store))[-1][1:3] == ("restore", "the bank")
    # A second time nothing is left to end.
    assert await store.change([EndRestored(NOW + 70)], NOW + 70)
    assert len(await looking.rows(store, "SELECT 1 FROM notices")) == 1
