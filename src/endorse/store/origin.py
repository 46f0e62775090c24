"""Whether a PostgreSQL database was restored to an older state than its servers' last answer.

SQLite's copies say so of themselves (`backup`); PostgreSQL's are made without us. Two things can be
seen of a database that was restored, and of none that goes on at a standby, however often:

- It was written anew, from a dump or by logical replication. One row names the transaction that
  wrote it and the table in which it lies. Whoever copies rows can copy what it says, and never how
  it was written; whoever copies files (a standby, a base backup) copies both.
- PostgreSQL recovered it to a chosen moment. Then its timeline is a later one than that row
  remembers, as after any promotion, and a recovery target is set, as on no standby.

A base backup that was recovered to the end of its log looks like a standby, and lost nothing; one
whose recovery target was taken out of the settings again looks like that too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from endorse.store.connection import StoreAway

_LOCK: Final = 0x656E646F727367  # after those of `postgres`: servers that start together take turns
_UNKNOWN: Final = 0
_KEPT: Final = (
    "SELECT xmin::text = transaction_id AND tableoid::text = table_id, timeline FROM origin"
)
_KEEP: Final = (
    "INSERT INTO origin (transaction_id, table_id, timeline) "
    "VALUES ((txid_current() % 4294967296)::text, 'origin'::regclass::oid::text, $1)"
)
_TARGETS: Final = (
    "SELECT name FROM pg_settings WHERE setting <> '' AND name IN ('recovery_target', "
    "'recovery_target_lsn', 'recovery_target_name', 'recovery_target_time', 'recovery_target_xid')"
)
_NOT_TOLD: Final = (
    asyncpg.FeatureNotSupportedError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedFunctionError,
)


async def why_restored(url: str) -> str:
    """Say why a database at `postgresql://…` must have been restored, or "".

    One that is seen for the first time, or goes on at a standby, is remembered as what it is.
    Raises StoreAway.
    """
    async with _looking(url) as raw:
        timeline = await _timeline(raw)
        kept = await raw.fetchrow(_KEPT)
        if kept is not None and not kept[0]:
            return "it was written anew, from a dump or by logical replication"
        if kept is not None and timeline in (kept[1], _UNKNOWN):
            return ""
        targets = await raw.fetch(_TARGETS)
        if kept is not None and kept[1] < timeline and targets:
            return f"PostgreSQL recovered it to a chosen moment ({targets[0][0]})"
        await _remember(raw, timeline)
        return ""


async def remember(url: str) -> None:
    """Take a database for what it is now: somebody said what became of the time after it."""
    async with _looking(url) as raw:
        await _remember(raw, await _timeline(raw))


async def _remember(raw: "asyncpg.Connection[Any]", timeline: int) -> None:
    await raw.execute("DELETE FROM origin")
    await raw.execute(_KEEP, timeline)


async def _timeline(raw: "asyncpg.Connection[Any]") -> int:
    """Give the timeline: one, and one more for each promotion in this cluster's past."""
    try:
        # In a savepoint: what is not told must not end the transaction.
        async with raw.transaction():
            file = await raw.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
    except _NOT_TOLD:
        return _UNKNOWN
    return int(file[:8], 16)


@asynccontextmanager
async def _looking(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    try:
        raw: asyncpg.Connection[Any] = await asyncpg.connect(url, timeout=10)
        try:
            async with raw.transaction():
                await raw.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                yield raw
        finally:
            await raw.close()
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise StoreAway(f"PostgreSQL does not answer: {error}") from error
