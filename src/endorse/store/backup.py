"""A copy of a running SQLite database: whole, of one moment, and known to be a copy.

The copy says of itself that it is one, in SQLite's `user_version`, until somebody says what became
of the time after it was made: a server does not start on it before. PostgreSQL has its own ways.
"""

import os
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from endorse.store.connection import StoreAway
from endorse.store.opening import SQLITE, require_database

_PAGES: Final = 256
"""A mebibyte a step: some milliseconds of reading between two pauses."""
_PAUSE: Final = 0.01
_A_COPY: Final = 1


class Copied(msgspec.Struct, frozen=True):
    """What was written."""

    path: str
    size: int
    """Bytes."""
    schema: int
    """The newest schema version in it."""


def back_up(url: str, target: Path, pages: int = _PAGES, pause: float = _PAUSE) -> Copied:
    """Copy the database `sqlite:///PATH` to a new file of its owner alone, and check the copy.

    The server goes on: readers hold up nobody in a write-ahead log, and after `pages` pages there
    is a pause of so many seconds. Raises ValueError for another kind of database, FileExistsError
    for a target that is there, StoreAway for a database or disk that fails; then nothing is left.
    """
    if not url.startswith(SQLITE):
        raise ValueError("PostgreSQL makes its own backups: see docs/backup.md for pg_dump.")
    require_database(url)
    if target.exists():
        raise _there(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        try:
            schema = _copy(url.removeprefix(SQLITE), part, pages, pause)
        except sqlite3.Error as error:
            raise StoreAway(f"The backup failed: {error}") from error
        _on_disk(part)
        try:
            # Unlike a renaming, this fails where somebody else made the target meanwhile.
            target.hardlink_to(part)
        except FileExistsError:
            raise _there(target) from None
    finally:
        part.unlink()
    _on_disk(target.parent)
    return Copied(str(target), target.stat().st_size, schema)


def is_copy(url: str) -> bool:
    """Say whether this is a copy of which nobody said yet that it may be used."""
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path.is_file():
        return False
    with closing(_opened(path)) as db:
        return bool(db.execute("PRAGMA user_version").fetchone()[0] == _A_COPY)


def use(url: str) -> None:
    """Let a copy be a database like any other."""
    if is_copy(url):
        with closing(_opened(Path(url.removeprefix(SQLITE)))) as db:
            db.execute("PRAGMA user_version = 0")


def _opened(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=5)
        db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise StoreAway(f"SQLite cannot use {path}: {error}") from error
    return db


def _copy(source: str, part: Path, pages: int, pause: float) -> int:
    def rest(_status: int, _remaining: int, _total: int) -> None:
        time.sleep(pause)

    with (
        closing(_opened(Path(source))) as old,
        closing(sqlite3.connect(part, isolation_level=None)) as new,
    ):
        # The reading stays open over all steps: it sees one moment, and is not begun anew with
        # each commit of the server, which would never end under load.
        old.execute("BEGIN")
        (schema,) = old.execute("SELECT max(version) FROM schema_versions").fetchone()
        # Until it is whole and flushed the file has no name that anybody would use.
        new.execute("PRAGMA journal_mode = OFF")
        new.execute("PRAGMA synchronous = OFF")
        old.backup(new, pages=pages, progress=rest)
        # One file, with no log beside it that could be left behind.
        new.execute("PRAGMA journal_mode = DELETE")
        new.execute(f"PRAGMA user_version = {_A_COPY}")
        found = [row[0] for row in new.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise StoreAway(f"The database is damaged: {'; '.join(found[:3])}")
    return int(schema)


def _on_disk(path: Path) -> None:
    """Wait until a file, or what a folder lists, outlives a cut of the power."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _there(target: Path) -> FileExistsError:
    return FileExistsError(f"{target} is there already, and a backup overwrites nothing.")
