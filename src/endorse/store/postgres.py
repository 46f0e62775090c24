"""PostgreSQL: one connection that writes, some that read, the same statements as on SQLite."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from endorse.core.policy import HOUR
from endorse.store import partitions
from endorse.store.connection import Busy, Connection, Ear, Query, Row, StoreAway, T, Value
from endorse.store.listen import Listener
from endorse.store.news import CHANNEL
from endorse.store.readers import Readers, opened

_log: Final = logging.getLogger("endorse")

_MIGRATION_LOCK = 0x656E646F727365  # "endorse": servers that start together migrate in turn
_SEEN_WITHIN = 1.0  # seconds after which another server's changes are known, without a listener
# Whoever comes while somebody waits for a table waits behind them.
_LOCK_PATIENCE_MS = 100
_WAIT_MS = 20  # the same for the partitions, of which one comes and one goes each hour
_WORK_MS = 500
_SWEEP_LOCK = _MIGRATION_LOCK + 1  # one server at a time cleans up
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection that was ended while idle may raise
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # an administrator ends the connection or the server
    asyncpg.InsufficientResourcesError,  # too many connections, a full disk
)


class PostgresConnection:
    """The `Connection` of PostgreSQL."""

    def __init__(self, raw: "asyncpg.Connection[Any]") -> None:
        """Use an open connection."""
        self.raw = raw

    async def one(self, sql: str, *values: Value) -> Row | None:
        """Give the first row, or None."""
        if _unknown(values):
            return None
        row: Row | None = await self.raw.fetchrow(sql, *values)
        return row

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        """Give all rows."""
        if _unknown(values):
            return ()
        rows: Sequence[Row] = await self.raw.fetch(sql, *values)
        return rows

    async def run(self, sql: str, *values: Value) -> int:
        """Run a statement that changes rows; give how many it changed."""
        tag: str = await self.raw.execute(sql, *values)
        count = tag.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def run_all(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement once for each of these values, in one round trip."""
        await self.raw.executemany(sql, rows)


def _unknown(values: Sequence[Value]) -> bool:
    """Say whether a stranger's text cannot be in any row: PostgreSQL keeps no NUL."""
    return any(isinstance(value, str) and "\0" in value for value in values)


class PostgresEngine:
    """The `Engine` of PostgreSQL."""

    name: Final = "postgresql"
    listing: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"

    def __init__(self, url: str, readers: Readers, seconds: Callable[[], float]) -> None:
        """Read with these, write and listen at `url`: see `connect`. `seconds` only ever grows."""
        self._url = url
        self._readers = readers
        self._writer: asyncpg.Connection[Any] | None = None
        self._ear = Listener(url, _AWAY)
        self._seconds = seconds
        self._looked_at = seconds()

    @classmethod
    async def connect(
        cls, url: str, connections: int = 8, seconds: Callable[[], float] = time.monotonic
    ) -> "PostgresEngine":
        """Read with up to `connections` to `postgresql://…`.

        Raises StoreAway if the server does not answer.
        """
        readers = Readers(url, connections)
        try:
            async with readers.lent():
                pass
        except (*_AWAY, asyncpg.PostgresError) as error:
            raise StoreAway(f"PostgreSQL does not answer: {error}") from error
        return cls(url, readers, seconds)

    async def read(self, query: Query[T]) -> T:
        """Run a query on a connection; each statement sees what is committed."""
        try:
            async with self._readers.lent() as raw:
                return await query(PostgresConnection(raw))
        except _AWAY as error:
            raise StoreAway(str(error)) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Lend the writing connection for one transaction; commit at the end."""
        try:
            if self._writer is None or self._writer.is_closed():
                self._writer = await opened(self._url)
            async with self._writer.transaction():
                yield PostgresConnection(self._writer)
        except _AWAY as error:
            raise StoreAway(str(error)) from error

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[Connection]:
        """Lend a reading connection for one transaction, so that no batch waits for it."""
        try:
            async with self._readers.lent() as raw, raw.transaction():
                yield PostgresConnection(raw)
        except _AWAY as error:
            raise StoreAway(str(error)) from error

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[Connection]:
        """Lend a connection for one transaction, one server at a time."""
        try:
            async with self._beside() as db:
                await db.run(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
                await db.run(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE_MS}")
                yield db
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise Busy(f"a table is in use: {error}") from error

    def written_elsewhere(self) -> bool:
        """Say so once a second, unless somebody listens to what other servers write."""
        now = self._seconds()
        if self._ear.listening or now - self._looked_at < _SEEN_WITHIN:
            return False
        self._looked_at = now
        return True

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[Connection | None]:
        """Lend a connection for clean-up, to one server at a time.

        Its commit does not wait for the disk: what a crash brings back is cleaned up again.
        """
        async with self._beside() as db:
            await db.run("SET LOCAL synchronous_commit = off")
            alone = await db.one(f"SELECT pg_try_advisory_xact_lock({_SWEEP_LOCK})")
            yield db if alone and alone[0] else None

    async def turn_over(self, now: int) -> int:
        """Make and drop partitions, one short transaction each, by one server at a time."""
        made = await self.read(partitions.hours)
        for statement in (it for some in partitions.due(made, now) for it in some):
            await self._try(statement)
        over = partitions.due(await self.read(partitions.hours), now).drop
        return now if not over else min(made) + HOUR

    async def _try(self, statement: str) -> None:
        """Change a table that is in use, if that takes no time; otherwise not.

        Whoever comes while this waits for the table waits as well. And an hour is not made while
        rows of it lie with the rest: they are over soon.
        """
        try:
            async with self.aside() as db:
                if db is not None:
                    await db.run(f"SET LOCAL lock_timeout = {_WAIT_MS}")
                    await db.run(f"SET LOCAL statement_timeout = {_WORK_MS}")
                    await db.run(statement)
        except (asyncpg.LockNotAvailableError, asyncpg.CheckViolationError, StoreAway) as error:
            _log.info("left for later: %s: %s", statement.split(" (", maxsplit=1)[0], error)

    def forgetting(self, table: str, expiry: str, returned: str) -> str:
        """Write the DELETE that finds the oldest rows by the index of their expiry.

        Rows by their place, as no plan then reads the table; and it waits for nobody's rows. Of a
        table with partitions it takes those that lie in none.
        """
        table = partitions.REST if table == partitions.TABLE else table
        return (
            f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} "
            f"WHERE {expiry} <= $1 ORDER BY {expiry} LIMIT $2 FOR UPDATE SKIP LOCKED)) "
            f"RETURNING {returned}"
        )

    async def tell(self, db: Connection, text: str) -> None:
        """Send a NOTIFY, which PostgreSQL delivers when the transaction is committed."""
        await db.run("SELECT pg_notify($1, $2)", CHANNEL, text)

    @property
    def ear(self) -> Ear | None:
        """A listening connection, which is opened when it runs."""
        return self._ear

    async def close(self) -> None:
        """Close all connections."""
        if self._writer is not None:
            await self._writer.close()
        await self._readers.close()
