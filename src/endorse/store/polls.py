"""What clients poll with: how it is read, and how it changes, as guarded SQL."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from endorse.core import change as c
from endorse.core.ciba import Prompted, unwanted_kind
from endorse.core.journey import LIVE
from endorse.core.model import Grant, Journey, Phone, Poll, Request
from endorse.core.policy import Policy
from endorse.store import reads
from endorse.store.connection import Connection, Row, Value

_FIELDS: Final = Poll.__struct_fields__
_COLUMNS: Final = ", ".join(_FIELDS)
_POLL: Final = f"SELECT {_COLUMNS} FROM polls WHERE "
_ASKED: Final = (
    "person_id = $1 AND way = 'asked' AND state IN ('waiting', 'claimed', 'matched', 'review') "
    "ORDER BY started_at DESC, journey_id LIMIT 20"
)
_PROMPTS: Final = (
    "SELECT kind, at FROM tries WHERE person_id = $1 AND at > $2 "
    "AND (kind LIKE 'prompt %' OR kind LIKE 'unwanted %') ORDER BY at DESC LIMIT 1000"
)
_LAST_GRANT: Final = (
    "SELECT grant_id FROM grants WHERE person_id = $1 AND client_id = $2 AND ended_at IS NULL "
    "ORDER BY created_at DESC, grant_id LIMIT 1"
)
_BEGIN: Final = (
    f"INSERT INTO polls ({_COLUMNS}) "
    f"VALUES ({', '.join(f'${number}' for number in range(1, len(_FIELDS) + 1))}) "
    "ON CONFLICT DO NOTHING"
)


async def poll(
    db: Connection, poll_hash: str
) -> tuple[Poll | None, Journey | None, Phone | None, Grant | None]:
    """Read what a client polls with, its journey, the phone that has that, the grant it names."""
    row = await db.one(_POLL + "poll_hash = $1", poll_hash)
    found = await _journey(db, poll_hash)
    holder = await reads.phone(db, found.phone_id) if found and found.phone_id else None
    grant = await reads.named_grant(db, found)
    return None if row is None else _known(row), found, holder, grant


async def poll_by_user_code(db: Connection, user_code_hash: str) -> tuple[Poll | None, bool]:
    """Read what a device waits with, by the letters that it shows; whether somebody began it."""
    row = await db.one(_POLL + "user_code_hash = $1", user_code_hash)
    if row is None:
        return None, False
    found = _known(row)
    return found, await _journey(db, found.poll_hash) is not None


async def last_grant(db: Connection, person_id: str, client_id: str) -> Grant | None:
    """Read the newest grant by which a person connected this client and that nobody ended."""
    row = await db.one(_LAST_GRANT, person_id, client_id)
    return None if row is None else await reads.grant(db, str(row[0]))


async def asked_of(db: Connection, person_id: str) -> list[Journey]:
    """Read what waits for this person's phones because a client asked them."""
    return await reads.journeys(db, _ASKED, person_id)


async def prompted(
    db: Connection, person_id: str, client_id: str, now: int, law: Policy
) -> Prompted:
    """Read how often a person was asked of late, and what they said to this client."""
    tries = await db.all(_PROMPTS, person_id, now - max(law.prompts_in, law.unwanted))
    recent = [kind for kind, at in tries if at > now - law.prompts_in]
    waiting = [
        journey
        for journey in await asked_of(db, person_id)
        if journey.request.returns_to.client_id == client_id and journey.at(now) in LIVE
    ]
    return Prompted(
        in_all=sum(kind.startswith("prompt ") for kind in recent),
        waiting=bool(waiting),
        unwanted=any(
            kind == unwanted_kind(client_id) and at > now - law.unwanted for kind, at in tries
        ),
    )


async def _journey(db: Connection, poll_hash: str) -> Journey | None:
    found = await reads.journeys(db, "poll_hash = $1", poll_hash)
    return found[0] if found else None


def _known(row: Row) -> Poll:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values["request"] = msgspec.json.decode(values["request"], type=Request)
    return Poll(**values)


async def _begin(db: Connection, change: c.BeginPoll) -> bool:
    return await db.run(_BEGIN, *(_column(change.poll, name) for name in _FIELDS)) == 1


def _column(poll: Poll, name: str) -> Value:
    value: Value = getattr(poll, name)
    return msgspec.json.encode(value).decode() if name == "request" else value


async def _count(db: Connection, change: c.CountPoll) -> bool:
    before, after = change.before, change.after
    changed = await db.run(
        "UPDATE polls SET polled_at = $2, every = $3 "
        "WHERE poll_hash = $1 AND polled_at = $4 AND every = $5",
        before.poll_hash,
        after.polled_at,
        after.every,
        before.polled_at,
        before.every,
    )
    return changed == 1


POLLS: Final[dict[type, Callable[[Connection, Any], Awaitable[bool]]]] = {
    c.BeginPoll: _begin,
    c.CountPoll: _count,
}
