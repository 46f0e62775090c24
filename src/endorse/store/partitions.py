"""Access tokens on PostgreSQL, a partition for each hour in which they expire.

An hour is made before it begins and dropped when all in it is over, so that what expired costs
nothing and leaves at once. What expires in an hour that was not made goes to a partition for the
rest, which is swept by row. The same names are written by the migration.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from endorse.core.policy import HOUR
from endorse.store.connection import Connection

TABLE: Final = "access_tokens"
REST: Final = f"{TABLE}_other"

_AHEAD: Final = 2
"""Hours that are made before they begin: two may go by in which no server gets to it."""
_SLACK: Final = 60
"""Seconds after its end in which an hour stays: the clocks of servers differ."""
_NAME: Final = re.compile(rf"{TABLE}_(\d{{10}})")
_FORMAT: Final = "%Y%m%d%H"
_FOUND: Final = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    f"WHERE i.inhparent = to_regclass('{TABLE}')"
)


class Due(NamedTuple):
    """What there is to do at a time."""

    make: list[str]
    """A statement for each hour that is missing."""
    drop: list[str]
    """A statement for each hour that is over, the oldest first."""


async def hours(db: Connection) -> list[int]:
    """Read which hours have a partition, each as the time at which it begins."""
    names = [_NAME.fullmatch(row[0]) for row in await db.all(_FOUND)]
    return sorted(_time(found[1]) for found in names if found)


def due(made: Iterable[int], now: int) -> Due:
    """Say what there is to do, where these hours have a partition."""
    wanted = [now - now % HOUR + ahead * HOUR for ahead in range(_AHEAD + 1)]
    there = set(made)
    return Due(
        [_make(hour) for hour in wanted if hour not in there],
        [f"DROP TABLE IF EXISTS {name(hour)}" for hour in sorted(there) if _over(hour, now)],
    )


def name(hour: int) -> str:
    """Give the table of an hour: its time in UTC, for whoever looks into the database."""
    return f"{TABLE}_{datetime.fromtimestamp(hour, UTC).strftime(_FORMAT)}"


def _over(hour: int, now: int) -> bool:
    return hour + HOUR + _SLACK <= now


def _make(hour: int) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {name(hour)} PARTITION OF {TABLE} (PRIMARY KEY (token_hash)) "
        f"FOR VALUES FROM ({hour}) TO ({hour + HOUR})"
    )


def _time(digits: str) -> int:
    return int(datetime.strptime(digits, _FORMAT).replace(tzinfo=UTC).timestamp())
