"""Forgetting: what has been over for long enough leaves, a bounded number of rows at a time."""

from typing import Final

from endorse.core import change as c
from endorse.core.notice import KEPT
from endorse.core.policy import DAY, HISTORY, HOUR
from endorse.store.connection import Connection


async def sweep(db: Connection, change: c.Sweep) -> bool:
    """Delete at most `at_most` rows of each kind. No guard: gone is gone."""
    for table, key, expiry, kept_for in _SWEPT:
        await db.run(
            f"DELETE FROM {table} WHERE ({key}) IN "
            f"(SELECT {key} FROM {table} WHERE {expiry} <= $1 LIMIT $2)",
            change.now - kept_for,
            change.at_most,
        )
    over = (
        "SELECT grant_id FROM grants WHERE COALESCE(ended_at, expires_at) <= $1 "
        "ORDER BY COALESCE(ended_at, expires_at), grant_id LIMIT $2"
    )
    for table in ("evidence", "grants"):
        await db.run(
            f"DELETE FROM {table} WHERE grant_id IN ({over})",
            change.now - HISTORY,
            change.at_most,
        )
    old = "SELECT notice_id FROM notices WHERE at <= $1 ORDER BY at, notice_id LIMIT $2"
    for table in ("notices_read", "notices"):
        await db.run(
            f"DELETE FROM {table} WHERE notice_id IN ({old})", change.now - KEPT, change.at_most
        )
    return True


# table, key, the time that counts, and for how many seconds a row outlives it.
_SWEPT: Final = (
    ("journeys", "journey_id", "forget_at", 0),
    ("used_once", "used_hash", "expires_at", 0),
    ("signing_keys", "kind, number", "leaves_at", 0),
    ("pushed_requests", "request_hash", "expires_at", 0),
    # A client may poll for a while after the end, and is told that it is over.
    ("polls", "poll_hash", "expires_at", HOUR),
    ("invitations", "token_hash", "expires_at", 0),
    ("access_tokens", "token_hash", "expires_at", 0),
    # An enrolment code counts towards its day's number, so it is kept for that long.
    ("enrolments", "code_hash", "created_at", 2 * DAY),
    ("tries", "try_id", "at", DAY),
    ("known_browsers", "browser_id, person_id", "at", 180 * DAY),
    ("client_flags", "client_id, journey_id", "at", 180 * DAY),
)
