"""The SELECTs about requests that wait for a browser, and about what may be answered once."""

from typing import Final

from endorse.core.change import UseOnce
from endorse.core.model import Journey, PushedRequest, Request
from endorse.store.connection import Connection
from endorse.store.reads import REQUEST, journey_by_short

PUSHED_COLUMNS: Final = ", ".join(PushedRequest.__struct_fields__)
# The setting holds until this statement, its own transaction, is committed.
_FIRST_USE: Final = (
    "INSERT INTO used_once (used_hash, expires_at) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT) "
    "FROM set_config('synchronous_commit', 'off', true) ON CONFLICT DO NOTHING"
)


async def pushed(db: Connection, request_hash: str) -> tuple[PushedRequest | None, bool]:
    """Read a pushed request, and whether a code answered it already."""
    found = f"SELECT {PUSHED_COLUMNS} FROM pushed_requests WHERE request_hash = $1"
    row = await db.one(found, request_hash)
    if row is None:
        return None, False
    kept = PushedRequest(row[0], row[1], REQUEST.decode(row[2]), row[3], row[4])
    return kept, await was_used(db, request_hash)


async def was_used(db: Connection, what: str) -> bool:
    """Say whether something that may be shown once was; "" is nothing."""
    if not what:
        return False
    return await db.one("SELECT 1 FROM used_once WHERE used_hash = $1", what) is not None


async def first_use(db: Connection, use: UseOnce) -> bool:
    """Say whether PostgreSQL sees this for the first time, and remember it.

    Without waiting for the disk: a crash of the database may forget the last half second.
    """
    return await db.run(_FIRST_USE, use.what, use.expires_at) == 1


async def is_spent(db: Connection, request: Request, now: int) -> bool:
    """Say whether no journey may begin from a request any more: it is too old, or answered."""
    if not request.pushed_id:
        return await was_used(db, request.once)
    kept, used = await pushed(db, request.once)
    return used or kept is None or now >= kept.expires_at


async def to_resume(db: Connection, short: str) -> tuple[Journey | None, bool]:
    """Read the journey of a connect page, and whether its request was answered already."""
    found = await journey_by_short(db, short)
    return found, found is not None and await was_used(db, found.request.once)
