"""Each change as guarded SQL.

A guard stands in the statement itself: the row is changed only from the state that the decision
saw. No row changed means that the guard was lost, and nothing of the list is kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from endorse.core import change as c
from endorse.core.journey import STEPS
from endorse.core.model import Evidence, Journey
from endorse.core.policy import HOUR
from endorse.store.apply_clients import CLIENTS
from endorse.store.apply_later import LATER, Row, Rows, kept
from endorse.store.apply_phones import PHONES
from endorse.store.audit_log import cut
from endorse.store.connection import Connection, Value
from endorse.store.polls import POLLS
from endorse.store.reads import JOURNEY_COLUMNS, TOKEN_HOUR
from endorse.store.requests import PUSHED_COLUMNS
from endorse.store.restored import end_restored
from endorse.store.signing_keys import KEYS

_FIELDS: Final = Journey.__struct_fields__
_FROZEN: Final = (
    "journey_id",
    "short",
    "browser_hash",
    "request",
    "digest",
    "browser",
    "browser_id",
    "address",
    "ways",
)
_FROZEN_TIMES: Final = ("started_at", "forget_at", "poll_hash", "polls_until")
_MOVING: Final = tuple(
    name for name in _FIELDS if name not in (*_FROZEN, *_FROZEN_TIMES, "state", "version")
)


_moving: Final = attrgetter(*_MOVING)
"""Gives the values of those, none of which needs to be written in another way."""


def _numbers(first: int, count: int) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))


_BEGIN: Final = (
    f"INSERT INTO journeys ({JOURNEY_COLUMNS}) VALUES ({_numbers(1, len(_FIELDS))}) "
    "ON CONFLICT DO NOTHING"
)


@cache
def _move_of(names: tuple[str, ...]) -> str:
    """Write the statement that sets these columns: there are about as many as events.

    An index of a column that is set is written anew, whether or not the value is another.
    """
    columns = "".join(f", {name} = ${number}" for number, name in enumerate(names, 5))
    return (
        f"UPDATE journeys SET state = $4, version = version + 1{columns} "
        "WHERE journey_id = $1 AND state = $2 AND version = $3"
    )


class Outcome(Enum):
    """What became of the changes of a decision."""

    WON = 1
    LOST = 2
    """A guard was lost, and nothing was changed."""
    HALF = 3
    """A guard was lost when other changes were done already: these must be rolled back."""


# One statement each: if its guard is lost, nothing was changed.
_WHOLE: Final = frozenset((c.Begin, c.Move, c.MakeGrant, c.Rotate, c.UseOnce, c.KeepRequest))


async def apply(db: Connection, changes: Sequence[c.Change], rows: Rows) -> Outcome:
    """Apply the changes in order, up to the first lost guard.

    What cannot be lost is added to `rows`, which the caller writes at the end of the batch.
    """
    own: list[Row] = []
    done = False
    for change in changes:
        kind = type(change)
        if later := LATER.get(kind):
            own.append(later(change))
            continue
        if not await _HOW[kind](db, change):
            return Outcome.HALF if done or kind not in _WHOLE else Outcome.LOST
        done = True
        if isinstance(change, c.MakeGrant):
            own.append(kept(change.evidence))
    for sql, values in own:
        rows.setdefault(sql, []).append(values)
    return Outcome.WON


async def _begin(db: Connection, change: c.Begin) -> bool:
    return await db.run(_BEGIN, *(_column(change.journey, name) for name in _FIELDS)) == 1


async def _move(db: Connection, change: c.Move) -> bool:
    before, after = change.before, change.after
    if before.state not in STEPS[change.event].sources:
        raise AssertionError(f"{change.event} is not allowed in {before.state}")
    # The guard holds only where the row is `before`, so that the rest of it may stay.
    pairs = zip(_MOVING, _moving(before), _moving(after), strict=True)
    changed = {name: value for name, was, value in pairs if value != was}
    guard = (before.journey_id, before.state.value, before.version)
    sql = _move_of(tuple(changed))
    return await db.run(sql, *guard, after.state.value, *changed.values()) == 1


def _column(journey: Journey, name: str) -> Value:
    value: Any = getattr(journey, name)
    if name == "request":
        return msgspec.json.encode(value).decode()
    if name == "ways":
        return " ".join(value)
    return value.value if name == "state" else value  # type: ignore[no-any-return]


async def _note_try(db: Connection, change: c.NoteTry) -> bool:
    await db.run(
        "INSERT INTO tries (person_id, kind, at) VALUES ($1, $2, $3)",
        change.person_id,
        change.kind,
        change.now,
    )
    return True


async def _make_grant(db: Connection, change: c.MakeGrant) -> bool:
    grant = change.grant
    ids = [account.resource_id for account in grant.accounts]
    changed = await db.run(
        "INSERT INTO grants (grant_id, client_id, person_id, phone_id, scope, accounts, "
        "account_ids, created_at, expires_at, generation, rotated_at, revision, removed, "
        "bound_to, approved_at, authorization_details) "
        f"VALUES ({_numbers(1, 16)}) ON CONFLICT DO NOTHING",
        grant.grant_id,
        grant.client_id,
        grant.person_id,
        grant.phone_id,
        " ".join(grant.scope),
        msgspec.json.encode(grant.accounts).decode(),
        msgspec.json.encode(ids).decode(),
        grant.created_at,
        grant.expires_at,
        grant.generation,
        grant.rotated_at,
        grant.revision,
        msgspec.json.encode(grant.removed).decode(),
        grant.bound_to,
        grant.approved_at,
        msgspec.json.encode(grant.authorization_details).decode(),
    )
    return changed == 1


async def _amend(db: Connection, change: c.Amend) -> bool:
    after = change.after
    ids = [account.resource_id for account in after.accounts]
    changed = await db.run(
        "UPDATE grants SET phone_id = $3, accounts = $4, account_ids = $5, removed = $6, "
        "expires_at = $7, scope = $9, tokens_from = $10, approved_at = $11, "
        "revision = revision + 1 "
        "WHERE grant_id = $1 AND revision = $2 AND ended_at IS NULL AND expires_at > $8",
        after.grant_id,
        after.revision - 1,
        after.phone_id,
        msgspec.json.encode(after.accounts).decode(),
        msgspec.json.encode(ids).decode(),
        msgspec.json.encode(after.removed).decode(),
        after.expires_at,
        change.evidence.at,
        " ".join(after.scope),
        after.tokens_from,
        after.approved_at,
    )
    return changed == 1 and await _keep(db, change.evidence)


async def _keep(db: Connection, evidence: Evidence) -> bool:
    sql, values = kept(evidence)
    return await db.run(f"{sql} ON CONFLICT DO NOTHING", *values) == 1


async def _void_refresh(db: Connection, change: c.VoidRefresh) -> bool:
    changed = await db.run(
        "UPDATE grants SET voided = generation, generation = generation + 1, rotated_at = $3 "
        "WHERE grant_id = $1 AND generation = $2",
        change.grant_id,
        change.generation,
        change.now,
    )
    return changed == 1


async def _rotate(db: Connection, change: c.Rotate) -> bool:
    changed = await db.run(
        "UPDATE grants SET generation = generation + 1, rotated_at = $3 "
        "WHERE grant_id = $1 AND generation = $2 AND ended_at IS NULL AND expires_at > $3",
        change.grant_id,
        change.generation,
        change.now,
    )
    return changed == 1


async def _end_grant(db: Connection, change: c.EndGrant) -> bool:
    # A grant that has ended already is what was wanted: no guard is lost.
    await db.run(
        "UPDATE grants SET ended_at = $2, ended_by = $3 WHERE grant_id = $1 AND ended_at IS NULL",
        change.grant_id,
        change.now,
        change.by,
    )
    return True


async def _revoke_token(db: Connection, change: c.RevokeToken) -> bool:
    await db.run(
        f"DELETE FROM access_tokens WHERE token_hash = $1 AND {TOKEN_HOUR} = $2",
        change.token_hash,
        change.expires_at // HOUR,
    )
    return True


async def _use_once(db: Connection, change: c.UseOnce) -> bool:
    changed = await db.run(
        "INSERT INTO used_once (used_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        change.what,
        change.expires_at,
    )
    return changed == 1


async def _keep_request(db: Connection, change: c.KeepRequest) -> bool:
    kept = change.pushed
    changed = await db.run(
        f"INSERT INTO pushed_requests ({PUSHED_COLUMNS}) VALUES ({_numbers(1, 5)}) "
        "ON CONFLICT DO NOTHING",
        kept.request_hash,
        kept.client_id,
        msgspec.json.encode(kept.request).decode(),
        kept.pushed_at,
        kept.expires_at,
    )
    return changed == 1


async def _mark_read(db: Connection, change: c.MarkRead) -> bool:
    for notice_id in change.notice_ids:
        await db.run(
            "INSERT INTO notices_read (notice_id, phone_id) "
            "SELECT notice_id, $3 FROM notices WHERE notice_id = $1 AND person_id = $2 "
            "ON CONFLICT DO NOTHING",
            notice_id,
            change.person_id,
            change.phone_id,
        )
    return True


async def _keep_sandbox_key(db: Connection, change: c.KeepSandboxKey) -> bool:
    await db.run(
        "INSERT INTO sandbox_keys (name, secret) VALUES ('server', $1) ON CONFLICT DO NOTHING",
        change.secret,
    )
    return True


_HOW: Final[dict[type, Callable[[Connection, Any], Awaitable[bool]]]] = {
    **CLIENTS,
    **PHONES,
    **KEYS,
    c.Begin: _begin,
    **POLLS,
    c.Move: _move,
    c.NoteTry: _note_try,
    c.MakeGrant: _make_grant,
    c.Amend: _amend,
    c.VoidRefresh: _void_refresh,
    c.Rotate: _rotate,
    c.EndGrant: _end_grant,
    c.RevokeToken: _revoke_token,
    c.UseOnce: _use_once,
    c.KeepRequest: _keep_request,
    c.MarkRead: _mark_read,
    c.KeepSandboxKey: _keep_sandbox_key,
    c.EndRestored: end_restored,
    c.CutAudit: cut,
}
