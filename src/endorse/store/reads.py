"""Every SELECT. One read a use case, returning exactly the facts that a decision needs."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from endorse.core.details import Details
from endorse.core.journey import State
from endorse.core.model import (
    Access,
    Enrolment,
    Evidence,
    Grant,
    Journey,
    Phone,
    Request,
    SharedAccount,
)
from endorse.core.policy import HOUR, Policy
from endorse.core.redeem import Approval
from endorse.store import clients as _clients
from endorse.store.connection import Connection, Row

JOURNEY_COLUMNS: Final = ", ".join(Journey.__struct_fields__)
_GRANT_COLUMNS: Final = ", ".join(Grant.__struct_fields__)
EVIDENCE_COLUMNS: Final = ", ".join(Evidence.__struct_fields__)
_PHONE_COLUMNS: Final = ", ".join(Phone.__struct_fields__)
REQUEST: Final = msgspec.json.Decoder(Request)
_ACCOUNTS: Final = msgspec.json.Decoder(tuple[SharedAccount, ...])
_DETAILS: Final = msgspec.json.Decoder(Details)
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])

_JOURNEY: Final = f"SELECT {JOURNEY_COLUMNS} FROM journeys WHERE "
_JOURNEY_BY_SHORT: Final = _JOURNEY + "short = $1"
_JOURNEY_BY_QID: Final = _JOURNEY + "qid = $1"
_APPROVAL: Final = (
    "SELECT "
    + ", ".join(
        [f"j.{name}" for name in Journey.__struct_fields__]
        + [f"p.{name}" for name in Phone.__struct_fields__]
    )
    + " FROM journeys j LEFT JOIN phones p ON p.phone_id = j.phone_id WHERE j.code_hash = $1"
)
_JOURNEY_WIDTH: Final = len(Journey.__struct_fields__)
_JOURNEY_BY_RETURN: Final = _JOURNEY + "return_hash = $1"
_LIVE_OF_PERSON: Final = (
    _JOURNEY + "person_id = $1 AND state IN ('claimed', 'matched', 'review') LIMIT 20"
)
_LIVE_OF_BROWSER: Final = (
    _JOURNEY + "browser_id = $1 AND browser_id <> '' "
    "AND state IN ('waiting', 'claimed', 'matched', 'review') ORDER BY started_at DESC LIMIT 50"
)
_GRANT: Final = f"SELECT {_GRANT_COLUMNS} FROM grants WHERE grant_id = $1"
_GRANTS: Final = (
    f"SELECT {_GRANT_COLUMNS} FROM grants "
    "WHERE person_id = $1 AND COALESCE(ended_at, expires_at) > $2 "
    "ORDER BY created_at DESC, grant_id LIMIT $3"
)
_EVIDENCE: Final = f"SELECT {EVIDENCE_COLUMNS} FROM evidence WHERE grant_id = $1 ORDER BY number"
_PHONE: Final = f"SELECT {_PHONE_COLUMNS} FROM phones WHERE phone_id = $1"
_PHONES: Final = (
    f"SELECT {_PHONE_COLUMNS} FROM phones WHERE person_id = $1 AND revoked_at IS NULL "
    "ORDER BY enrolled_at DESC, phone_id LIMIT $2"
)
_HELD: Final = (
    _JOURNEY + "phone_id = $1 AND state IN ('claimed', 'matched', 'review') ORDER BY journey_id"
)
_REVOKED: Final = (
    _JOURNEY + "state = 'killed' AND reason = 'phone_revoked' AND claimed_at >= $1 "
    "ORDER BY claimed_at DESC LIMIT 1000"
)
JOURNEYS_AT_ONCE: Final = 50
_JOURNEYS: Final = (
    _JOURNEY + f"journey_id IN ({', '.join(f'${it + 1}' for it in range(JOURNEYS_AT_ONCE))})"
)
_PHONE_BY_CREDENTIAL: Final = f"SELECT {_PHONE_COLUMNS} FROM phones WHERE credential_id = $1"
TOKEN_HOUR: Final = "expires_at / 3600"
"""The hour in which an access token expires, of which none is further away than the next. Tokens
are kept by it, so that those of a year do not stand in the way of this hour's."""
# A token without a grant is a client's own; one whose grant was forgotten opens nothing, nor does
# one from before its grant was replaced, nor what a client got at the moment of its removal.
_ACCESS: Final = (
    "SELECT t.grant_id, COALESCE(g.client_id, t.client_id), COALESCE(g.person_id, ''), t.scope, "
    "COALESCE(g.scope, t.scope), "
    "COALESCE(g.account_ids, '[]'), t.expires_at, COALESCE(g.expires_at, t.expires_at), "
    "g.ended_at, g.last_used_at, COALESCE(g.generation, 0), t.created_at, t.bound_to, "
    "COALESCE(c.profile, 'plain'), COALESCE(g.authorization_details, '[]') "
    "FROM access_tokens t LEFT JOIN grants g ON g.grant_id = t.grant_id "
    "LEFT JOIN clients c ON c.client_id = COALESCE(g.client_id, t.client_id) "
    "WHERE t.token_hash = $1 "
    "AND (t.revision >= g.tokens_from OR t.grant_id = '') "
    "AND c.removed_at IS NULL "
)
_ACCESS_OF_HOUR: Final = f"{_ACCESS}AND t.{TOKEN_HOUR} = $2"
_ACCESS_OF_TWO: Final = f"{_ACCESS}AND t.{TOKEN_HOUR} IN ($2, $3)"
_USUAL_LIFE: Final = Policy().access_token

client = _clients.client
clients = _clients.clients
flags_of = _clients.flags_of
invitation = _clients.invitation


async def journey_by_short(db: Connection, short: str) -> Journey | None:
    """Read the journey of a connect page."""
    return _journey(await db.one(_JOURNEY_BY_SHORT, short))


async def journeys(db: Connection, where: str, *values: str) -> list[Journey]:
    """Read the journeys of one condition, which is text of ours."""
    return [known_journey(row) for row in await db.all(_JOURNEY + where, *values)]


async def journey_by_qid(db: Connection, qid: str) -> Journey | None:
    """Read the journey of a scanned code."""
    return _journey(await db.one(_JOURNEY_BY_QID, qid))


async def approval_by_code(db: Connection, code_hash: str) -> Approval:
    """Read what is stored of an authorization code: one statement where no grant is changed."""
    row = await db.one(_APPROVAL, code_hash)
    if row is None:
        return Approval()
    found = known_journey(row[:_JOURNEY_WIDTH])
    device = row[_JOURNEY_WIDTH:]
    approver = Phone(*device) if device[0] is not None else None
    return Approval(found, approver, await named_grant(db, found))


async def nothing(_: Connection) -> None:
    """Read nothing, for a decision that needs no facts."""


async def journey_by_return(db: Connection, return_hash: str) -> Journey | None:
    """Read the journey of a return nonce."""
    return _journey(await db.one(_JOURNEY_BY_RETURN, return_hash))


async def live_of_person(db: Connection, person_id: str) -> list[Journey]:
    """Read the journeys that a phone of this person holds and has not decided."""
    return [known_journey(row) for row in await db.all(_LIVE_OF_PERSON, person_id)]


async def live_of_browser(db: Connection, browser_id: str) -> list[Journey]:
    """Read what is under way in one browser; nothing for a browser without its cookie."""
    return [known_journey(row) for row in await db.all(_LIVE_OF_BROWSER, browser_id)]


async def knows_browser(db: Connection, browser_id: str, person_id: str) -> bool:
    """Say whether this person approved from this browser before."""
    known = "SELECT 1 FROM known_browsers WHERE browser_id = $1 AND person_id = $2"
    return await db.one(known, browser_id, person_id) is not None


async def phone_by_credential(db: Connection, credential_id: str) -> Phone | None:
    """Read the phone of a passkey."""
    row = await db.one(_PHONE_BY_CREDENTIAL, credential_id)
    return None if row is None else Phone(*row)


async def phone(db: Connection, phone_id: str) -> Phone | None:
    """Read a phone."""
    row = await db.one(_PHONE, phone_id)
    return None if row is None else Phone(*row)


async def phones_of(db: Connection, person_id: str, at_most: int) -> list[Phone]:
    """Read a person's phones that are not revoked, the newest first."""
    return [Phone(*row) for row in await db.all(_PHONES, person_id, at_most)]


async def journeys_held(db: Connection, phone_id: str) -> list[Journey]:
    """Read the journeys that a phone claimed and has not decided."""
    return [known_journey(row) for row in await db.all(_HELD, phone_id)]


async def journeys_named(db: Connection, ids: Sequence[str]) -> list[Journey]:
    """Read the journeys of up to `JOURNEYS_AT_ONCE` ids."""
    # Always as many, so that it is one statement, prepared once.
    filled = (*ids, *[""] * (JOURNEYS_AT_ONCE - len(ids)))
    return [known_journey(row) for row in await db.all(_JOURNEYS, *filled)]


async def revoked_since(db: Connection, since: int) -> list[Journey]:
    """Read the journeys that were claimed since a time and ended with their phone."""
    return [known_journey(row) for row in await db.all(_REVOKED, since)]


async def enrolment(db: Connection, code_hash: str) -> Enrolment | None:
    """Read an enrolment code."""
    row = await db.one(
        "SELECT code_hash, person_id, created_at, expires_at, used_at FROM enrolments "
        "WHERE code_hash = $1",
        code_hash,
    )
    return None if row is None else Enrolment(*row)


async def enrolments_since(db: Connection, person_id: str, since: int) -> int:
    """Count the enrolment codes issued to a person since a time."""
    row = await db.one(
        "SELECT count(*) FROM enrolments WHERE person_id = $1 AND created_at > $2",
        person_id,
        since,
    )
    return 0 if row is None else int(row[0])


async def grant(db: Connection, grant_id: str) -> Grant | None:
    """Read a grant."""
    row = await db.one(_GRANT, grant_id)
    return None if row is None else _grant(row)


async def named_grant(db: Connection, journey: Journey | None) -> Grant | None:
    """Read the grant that a journey's request names, if it names one."""
    named = journey.request.grant_id if journey else ""
    return await grant(db, named) if named else None


async def grants_of(db: Connection, person_id: str, since: int, at_most: int) -> list[Grant]:
    """Read a person's grants that live or were over since a time, the newest first."""
    return [_grant(row) for row in await db.all(_GRANTS, person_id, since, at_most)]


async def evidence(db: Connection, grant_id: str) -> list[Evidence]:
    """Read everything that was signed for a grant, in its order."""
    return [Evidence(*row) for row in await db.all(_EVIDENCE, grant_id)]


async def access(db: Connection, token_hash: str, now: int) -> Access | None:
    """Read what an access token opens: one statement, for nearly every call of the bank's API."""
    hour, row = now // HOUR, None
    # Mostly it ends within this hour for sure. SQLite finds one hour a quarter faster than two.
    if (now + _USUAL_LIFE) // HOUR == hour:
        row = await db.one(_ACCESS_OF_HOUR, token_hash, hour)
    if row is None:
        row = await db.one(_ACCESS_OF_TWO, token_hash, hour, hour + 1)
    if row is None:
        return None
    grant_id, client_id, person_id, scope, given, account_ids, *rest, details = row
    # A grant may give less by now than when the token was made.
    words = _words(scope) if scope == given else _both(scope, given)
    ids = _TEXTS.decode(account_ids)
    found = Access(grant_id, client_id, person_id, words, ids, *rest)
    if details == "[]":
        return found
    return msgspec.structs.replace(found, authorization_details=_DETAILS.decode(details))


async def sandbox_key(db: Connection) -> str | None:
    """Read the key that a sandbox keeps beside its data."""
    row = await db.one("SELECT secret FROM sandbox_keys WHERE name = 'server'")
    return None if row is None else str(row[0])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _both(scope: str, given: str) -> tuple[str, ...]:
    still = set(_words(given))
    return tuple(word for word in _words(scope) if word in still)


_REQUEST_AT: Final = Journey.__struct_fields__.index("request")
_WAYS_AT: Final = Journey.__struct_fields__.index("ways")
_STATE_AT: Final = Journey.__struct_fields__.index("state")


def _journey(row: Sequence[Any] | None) -> Journey | None:
    return None if row is None else known_journey(row)


def known_journey(row: Sequence[Any]) -> Journey:
    """Read a journey of its columns."""
    values = list(row)
    values[_REQUEST_AT] = REQUEST.decode(values[_REQUEST_AT])
    values[_WAYS_AT] = _words(values[_WAYS_AT])
    values[_STATE_AT] = State(values[_STATE_AT])
    return Journey(*values)


def _grant(row: Row) -> Grant:
    values: dict[str, Any] = dict(zip(Grant.__struct_fields__, row, strict=True))
    values["scope"] = _words(values["scope"])
    for name in ("accounts", "removed"):
        values[name] = _ACCOUNTS.decode(values[name])
    values["authorization_details"] = _DETAILS.decode(values["authorization_details"])
    return Grant(**values)
