"""Which servers share a PostgreSQL, and how far their clocks are apart.

This goes round the writer: nobody decides by it, and each statement commits by itself.
"""

from collections.abc import Mapping
from typing import Final

from endorse.store.connection import Connection

_THERE_FOR: Final = 15_000
_FORGET_AFTER: Final = 86_400_000
_NOW: Final = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_SAY: Final = (
    "INSERT INTO servers (server, ahead, seen_at) VALUES ($1, $2, $3) "
    "ON CONFLICT (server) DO UPDATE SET ahead = excluded.ahead, seen_at = excluded.seen_at"
)
_OTHERS: Final = "SELECT server, ahead FROM servers WHERE server <> $1 AND seen_at > $2"


async def database_time(db: Connection) -> int:
    """Read PostgreSQL's own clock: milliseconds since 1970."""
    row = await db.one(_NOW)
    return 0 if row is None else int(row[0])


async def say_and_hear(db: Connection, server: str, ahead: int, at: int) -> Mapping[str, int]:
    """Say how many milliseconds this server's clock is ahead; give what the others said lately.

    `at` is the database's time. Who said nothing for fifteen seconds is not there any more.
    """
    await db.run(_SAY, server, ahead, at)
    await db.run("DELETE FROM servers WHERE seen_at < $1", at - _FORGET_AFTER)
    return {row[0]: row[1] for row in await db.all(_OTHERS, server, at - _THERE_FOR)}
