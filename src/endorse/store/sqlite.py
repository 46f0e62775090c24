"""SQLite: one file, write-ahead log, full sync; one connection writes, one reads.

Statements run where they are called: a lookup by key takes about ten microseconds, less than
any hand-over to a thread. Only the commit, which waits for the disk, goes to a thread.
"""

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, Final

from endorse.store.connection import Connection, Ear, Query, Row, StoreAway, T, Value

_PATIENCE: Final = 5.0

_AWAY: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
)


class SqliteConnection:
    """The `Connection` of SQLite."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Use an open connection in autocommit mode."""
        self.raw = raw

    async def one(self, sql: str, *values: Value) -> Row | None:
        """Give the first row, or None."""
        row: tuple[Any, ...] | None = self.raw.execute(placeholders(sql), values).fetchone()
        return row

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        """Give all rows."""
        return self.raw.execute(placeholders(sql), values).fetchall()

    async def run(self, sql: str, *values: Value) -> int:
        """Run a statement that changes rows; give how many it changed."""
        return self.raw.execute(placeholders(sql), values).rowcount

    async def run_all(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement once for each of these values."""
        self.raw.executemany(placeholders(sql), rows)


class SqliteEngine:
    """The `Engine` of SQLite."""

    name: Final = "sqlite"
    listing: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"

    def __init__(self, path: str) -> None:
        """Open the file, which is made if it is not there. Raises StoreAway if that fails."""
        try:
            self._writer = _connect(path)
            self._reader = _connect(path)
            self._reader.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise StoreAway(f"SQLite cannot use {path}: {error}") from error
        self._writing = SqliteConnection(self._writer)
        self._reading = SqliteConnection(self._reader)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._lent = False
        self._version = -1
        self._written_elsewhere = False

    async def read(self, query: Query[T]) -> T:
        """Run a query on the reading connection: each statement sees what is committed."""
        try:
            return await query(self._reading)
        except sqlite3.Error as error:
            raise _fault(error) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Lend the writing connection for one transaction; commit at the end."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise StoreAway(str(error)) from error
        try:
            try:
                self._look()
                self._lent = True
                yield self._writing
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.Error):
                    raise _fault(error) from error
                raise
            await self._commit()
        finally:
            self._lent = False

    async def _commit(self) -> None:
        commit = asyncio.get_running_loop().run_in_executor(
            self._disk, self._writer.execute, "COMMIT"
        )
        try:
            # Shielded: a commit that has begun is not given up with the one who asked for it.
            await asyncio.shield(commit)
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreAway(str(error)) from error

    def _roll_back(self) -> None:
        # After some failures (a full disk) SQLite has done it by itself.
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def written_elsewhere(self) -> bool:
        """Ask SQLite each time: it takes two microseconds. Raises StoreAway.

        Only the writing connection can tell others' commits from this server's own. While a
        transaction has it nobody else can write, so that the look at its beginning counts.
        """
        if not self._lent:
            try:
                self._look()
            except sqlite3.Error as error:
                raise _fault(error) from error
        written, self._written_elsewhere = self._written_elsewhere, False
        return written

    def _look(self) -> None:
        version: int = self._writer.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version, self._written_elsewhere = version, True

    def migrating(self) -> AbstractAsyncContextManager[Connection]:
        """Lend the writing connection: SQLite has one writer among all processes."""
        return self.writing()

    def aside(self) -> None:
        """Give nothing: there is one writer."""
        return

    async def turn_over(self, now: int) -> int:
        """Do nothing: no table has partitions, and none that is over is left."""
        return now

    def forgetting(self, table: str, expiry: str, returned: str) -> str:
        """Write the DELETE that finds the oldest rows by the index of their expiry."""
        return (
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} "
            f"WHERE {expiry} <= $1 ORDER BY {expiry} LIMIT $2) RETURNING {returned}"
        )

    async def tell(self, db: Connection, text: str) -> None:
        """Tell nobody: no other server can use this file."""

    @property
    def ear(self) -> Ear | None:
        """Nothing is told, so nothing is heard."""
        return None

    async def close(self) -> None:
        """Close both connections, after a commit that is under way."""
        self._disk.shutdown(wait=True)
        self._reader.close()
        self._writer.close()


def _fault(error: sqlite3.Error) -> Exception:
    """Tell a database that is away from a statement that is wrong, which stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return StoreAway(str(error)) if code in _AWAY else error


@cache
def placeholders(sql: str) -> str:
    """Turn `$1` into SQLite's `?1`."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


# Four MiB for each of the two connections: the system's cache holds what is read again all the
# same, and with sixteen the journeys of ten thousand waiting pages stood in memory twice.
_CACHE_KIB: Final = 4096
_STATEMENTS: Final = 512  # more than there are: each stays prepared


def _connect(path: str) -> sqlite3.Connection:
    raw = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,
        timeout=_PATIENCE,
        cached_statements=_STATEMENTS,
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "busy_timeout = 5000",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        try:
            _when_free(raw, f"PRAGMA {pragma}")
        except sqlite3.Error:
            raw.close()
            raise
    return raw


def _when_free(raw: sqlite3.Connection, statement: str) -> None:
    """Run a statement, for some seconds again where another process has the file.

    Two that turn a new file's log on at the same moment are told "locked" at once: SQLite does not
    wait there, whatever its timeout, as each could be waiting for the other.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            raw.execute(statement)
            return
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
        time.sleep(0.01)
