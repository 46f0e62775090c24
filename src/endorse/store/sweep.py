"""Forgetting: what has been over for long enough leaves, a small piece at a time."""

from typing import Final, NamedTuple

from endorse.core.notice import KEPT
from endorse.core.policy import DAY, HISTORY, HOUR
from endorse.store.connection import Connection, Engine
from endorse.store.reads import TOKEN_HOUR


class Kind(NamedTuple):
    """One kind of row that is forgotten: its table, what counts, and what leaves with it."""

    table: str
    expiry: str
    """The column, or the indexed expression, from which `kept_for` counts."""
    kept_for: int = 0
    """For how many seconds a row outlives its expiry."""
    unit: int = 1
    """How many seconds the expiry counts as one."""
    at_once: int = 200
    """How many rows make a piece. Each key of a row is on a page of its own, written anew."""
    marks: tuple[str, str] | None = None
    """A table whose rows belong to these, and the column that both have."""


class Swept(NamedTuple):
    """What one piece did."""

    rows: int
    more: bool
    """Whether more of this kind may be there that should be gone."""
    gone_until: int
    """Nothing is left that should have gone before this time (seconds since 1970)."""


KINDS: Final = (
    Kind("journeys", "forget_at", at_once=20),
    Kind("used_once", "expires_at"),
    Kind("signing_keys", "leaves_at"),
    Kind("pushed_requests", "expires_at"),
    # A client may poll for a while after the end, and is told that it is over.
    Kind("polls", "expires_at", HOUR),
    Kind("invitations", "expires_at"),
    # As they are kept: by the hour, which is over when its last second is.
    Kind("access_tokens", TOKEN_HOUR, unit=HOUR),
    # An enrolment code counts towards its day's number, so it is kept for that long.
    Kind("enrolments", "created_at", 2 * DAY),
    Kind("tries", "at", DAY),
    Kind("known_browsers", "at", 180 * DAY),
    Kind("client_flags", "at", 180 * DAY),
    Kind(
        "grants",
        "COALESCE(ended_at, expires_at)",
        HISTORY,
        at_once=20,
        marks=("evidence", "grant_id"),
    ),
    Kind("notices", "at", KEPT, marks=("notices_read", "notice_id")),
)


def statement(engine: Engine, kind: Kind) -> str:
    """Write the DELETE of a piece; it returns the expiry of each row."""
    column = f", {kind.marks[1]}" if kind.marks else ""
    return engine.forgetting(kind.table, kind.expiry, kind.expiry + column)


async def piece(db: Connection, engine: Engine, kind: Kind, now: int, at_most: int) -> Swept:
    """Delete the oldest `at_most` rows of a kind that should be gone, with what belongs to them."""
    until = (now - kind.kept_for + 1) // kind.unit - 1
    gone = await db.all(statement(engine, kind), until, at_most)
    if kind.marks:
        table, column = kind.marks
        for row in gone:
            await db.run(f"DELETE FROM {table} WHERE {column} = $1", row[1])
    more = len(gone) >= at_most
    reached = max(row[0] for row in gone) * kind.unit + kind.kept_for if more else now
    return Swept(len(gone), more, reached)
