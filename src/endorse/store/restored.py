"""Ending what an older state brought back to life, in one database transaction."""

from typing import Final

from endorse.core import change as c
from endorse.core.journey import FINAL
from endorse.core.notice import By, Kind
from endorse.store.connection import Connection

_LIVE: Final = "WHERE ended_at IS NULL AND expires_at > $1"
_OVER: Final = ", ".join(f"'{state.value}'" for state in FINAL)
# The notices are those of `notice.of_connection`; a second restore tells again.
_TELL: Final = (
    "INSERT INTO notices (notice_id, person_id, at, kind, made_by, client_id, grant_id) "
    "SELECT 'restored-' || CAST(CAST($1 AS BIGINT) AS TEXT) || '-' || grant_id, person_id, "
    "CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), client_id, grant_id "
    f"FROM grants {_LIVE}"
)


async def end_restored(db: Connection, change: c.EndRestored) -> bool:
    """End all grants and what was under way. No guard: over is over."""
    await db.run(_TELL, change.now, Kind.CONNECTION_ENDED.value, By.BANK.value)
    await db.run(f"UPDATE grants SET ended_at = $1, ended_by = 'the bank' {_LIVE}", change.now)
    # A client's token for itself has no grant, and ends here too.
    await db.run("DELETE FROM access_tokens")
    await db.run(f"DELETE FROM journeys WHERE state NOT IN ({_OVER})")
    for table in ("polls", "pushed_requests"):
        await db.run(f"DELETE FROM {table}")
    # A used code still counts towards its person's number for the day.
    await db.run("UPDATE enrolments SET used_at = $1 WHERE used_at IS NULL", change.now)
    await db.run(
        "UPDATE phones SET revoked_at = $1 WHERE revoked_at IS NULL AND usable_from IS NULL",
        change.now,
    )
    return True
