"""What a step of a phone is decided on, read inside its turn by one statement.

That the phone is still in force is among it: whoever called was let in by what this server
remembers of its keys, which never change.
"""

from typing import Any, Final, NamedTuple

from endorse.core.coding import fingerprint
from endorse.core.frame import Frame
from endorse.core.journey import State
from endorse.core.model import Client, Grant, Journey, Phone, Standing
from endorse.core.policy import Policy
from endorse.core.ways import Handle, Link, Spelled, spelling_hash
from endorse.store.connection import Connection, Row, Value
from endorse.store.reads import JOURNEY_COLUMNS, known_journey, named_grant


class Step(NamedTuple):
    """The facts of a step."""

    phone: Phone | None
    """The phone that calls, as it is now."""
    journey: Journey | None
    grant: Grant | None
    """The one that the journey's request would change."""
    standing: Standing = Standing()
    """What is remembered of the phone's person, as far as it was asked for."""
    client: Client | None = None
    """Who asks, for a step that freezes what it is shown as."""
    others: tuple[Journey, ...] = ()
    """What is under way in the journey's browser, for a step that ends all of it."""


class Named(NamedTuple):
    """How a journey is named: by which column, which is text of ours, and what stands in it."""

    column: str
    value: str


_PHONE_WIDTH: Final = len(Phone.__struct_fields__)
_JOURNEY_FROM: Final = _PHONE_WIDTH + 4
_JOURNEY_TO: Final = _JOURNEY_FROM + len(Journey.__struct_fields__)
_PHONE: Final = ", ".join(f"p.{name}" for name in Phone.__struct_fields__)
_JOURNEY: Final = ", ".join(f"j.{name}" for name in Journey.__struct_fields__)
_TRIES: Final = (
    "SELECT count(*) FILTER (WHERE kind = 'number' AND at > $5) AS numbers, "
    "count(*) FILTER (WHERE kind = 'spelling' AND at > $6) AS spellings, "
    "count(*) FILTER (WHERE kind = 'approval' AND at > $7) AS approvals, "
    "count(*) FILTER (WHERE kind = 'stop' AND at > $8) AS stops "
    "FROM (SELECT kind, at FROM tries WHERE person_id = $3 AND at > $4 LIMIT 1000) AS recent"
)
_STEP: Final = (
    f"SELECT {_PHONE}, 0, 0, 0, 0, {_JOURNEY} "
    "FROM phones p LEFT JOIN journeys j ON j.qid = $2 WHERE p.phone_id = $1"
)
_COUNTED: Final = (
    f"SELECT {_PHONE}, t.numbers, t.spellings, t.approvals, t.stops, {_JOURNEY} "
    f"FROM phones p CROSS JOIN ({_TRIES}) AS t LEFT JOIN {{journeys}} "
    "WHERE p.phone_id = $1"
)
_COUNTED_BY_QID: Final = _COUNTED.format(journeys="journeys j ON j.qid = $2")
_LIVE: Final = "person_id = $3 AND state IN ('claimed', 'matched', 'review')"
_HELD: Final = (State.CLAIMED, State.MATCHED, State.REVIEW)
_NAMED: Final = {
    "qid": "qid = $2",
    "short": "short = $2",
    "lid_hash": "lid_hash = $2",
    "spelling_hash": "spelling_hash = $2 AND state = 'waiting'",
}
# Of one condition with OR, PostgreSQL would look through all that anybody holds.
_TAKING: Final = {
    column: _COUNTED.format(
        journeys=f"(SELECT {JOURNEY_COLUMNS} FROM journeys WHERE {named} UNION ALL "
        f"SELECT {JOURNEY_COLUMNS} FROM journeys WHERE {_LIVE}) AS j ON 1 = 1"
    )
    + " LIMIT 50"
    for column, named in _NAMED.items()
}
_SEEN: Final = {
    column: f"SELECT {_JOURNEY}, EXISTS (SELECT 1 FROM known_browsers k "
    "WHERE k.browser_id = j.browser_id AND k.person_id = $1) "
    f"FROM journeys j WHERE {named} LIMIT 2"
    for column, named in _NAMED.items()
}


def by(handle: Handle | None, server_key: bytes) -> Named:
    """Say how a handle names a journey; None names none."""
    match handle:
        case Frame(qid):
            return Named("qid", qid)
        case Link(lid):
            return Named("lid_hash", fingerprint(lid))
        case Spelled(letters):
            return Named("spelling_hash", spelling_hash(server_key, letters))
        case None:
            return Named("qid", "")


async def seen(db: Connection, named: Named, person_id: str) -> tuple[Journey | None, bool]:
    """Read a journey before its turn, and whether the person approved from its browser before."""
    rows = await db.all(_SEEN[named.column], person_id, named.value)
    if len(rows) != 1:
        return None, False
    return known_journey(rows[0][:-1]), bool(rows[0][-1])


async def step(db: Connection, phone: Phone, qid: str) -> Step:
    """Read a step in which nothing is counted."""
    return await _read(db, await db.one(_STEP, phone.phone_id, _kept(qid)))


async def counted(db: Connection, phone: Phone, qid: str, now: int, law: Policy) -> Step:
    """Read a step that rests on how often the person did what is counted."""
    since = _since(now, law)
    values: tuple[Value, ...] = (phone.phone_id, _kept(qid), phone.person_id, min(since), *since)
    return await _read(db, await db.one(_COUNTED_BY_QID, *values))


async def taking(db: Connection, phone: Phone, named: Named, now: int, law: Policy) -> Step:
    """Read the step that takes a journey, with the others that the person's phones hold.

    None is found also where letters name two.
    """
    since = _since(now, law)
    value = _kept(named.value)
    values: tuple[Value, ...] = (phone.phone_id, value, phone.person_id, min(since), *since)
    rows = await db.all(_TAKING[named.column], *values)
    if not rows:
        return Step(None, None, None)
    # What is named and also held comes twice.
    found = {it.journey_id: it for row in rows if (it := _journey(row)) is not None}.values()
    these = [it for it in found if _is(it, named)]
    live = tuple(it for it in found if it.person_id == phone.person_id and it.state in _HELD)
    journey = these[0] if len(these) == 1 else None
    return Step(_phone(rows[0]), journey, await named_grant(db, journey), _standing(rows[0], live))


async def _read(db: Connection, row: Row | None) -> Step:
    if row is None:
        return Step(None, None, None)
    journey = _journey(row)
    return Step(_phone(row), journey, await named_grant(db, journey), _standing(row))


def _kept(text: str) -> str:
    """Give a stranger's text, or one that names nothing: PostgreSQL would not answer at all."""
    return "" if "\0" in text else text


def _is(journey: Journey, named: Named) -> bool:
    if getattr(journey, named.column) != named.value:
        return False
    return named.column != "spelling_hash" or journey.state is State.WAITING


def _since(now: int, law: Policy) -> list[int]:
    windows = (law.wrong_numbers_in, law.wrong_spellings_in, law.approvals_in, law.claims_stop)
    return [now - window for window in windows]


def _phone(row: Row) -> Phone:
    return Phone(*row[:_PHONE_WIDTH])


def _journey(row: Row) -> Journey | None:
    found: Any = row[_JOURNEY_FROM:_JOURNEY_TO]
    return None if found[0] is None else known_journey(found)


def _standing(row: Row, live: tuple[Journey, ...] = ()) -> Standing:
    numbers, spellings, approvals, stops = row[_PHONE_WIDTH:_JOURNEY_FROM]
    return Standing(live, numbers, spellings, approvals, stops > 0)
