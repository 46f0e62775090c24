"""Changes that cannot be lost: their rows are written at the end of a batch, those of all together.

They have no guard, and no decision rests on what they write: nobody can know a token or a notice
before the batch that makes it is committed. What a decision counts or compares is not among them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from endorse.core import change as c
from endorse.core.model import Evidence
from endorse.core.policy import HOUR
from endorse.store.connection import Connection, Value
from endorse.store.reads import EVIDENCE_COLUMNS

Row = tuple[str, tuple[Value, ...]]
"""A statement, and its values."""
Rows = dict[str, list[tuple[Value, ...]]]
"""What a batch writes at its end: for each statement the values of its rows."""

# Without ON CONFLICT: a row that is there already would be a token answered and not stored.
_TOKEN: Final = (
    "INSERT INTO access_tokens (token_hash, grant_id, scope, created_at, expires_at, client_id, "
    "bound_to, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
KEEP: Final = f"INSERT INTO evidence ({EVIDENCE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_NOTICE: Final = (
    "INSERT INTO notices (notice_id, person_id, at, kind, made_by, by_phone_id, phone_id, "
    "client_id, grant_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
)
_BROWSER: Final = (
    "INSERT INTO known_browsers (browser_id, person_id, at) VALUES ($1, $2, $3) "
    "ON CONFLICT (browser_id, person_id) DO UPDATE SET at = excluded.at"
)
_FLAG: Final = (
    "INSERT INTO client_flags (client_id, journey_id, at) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING"
)
_TOUCH_GRANT: Final = "UPDATE grants SET last_used_at = $2 WHERE grant_id = $1"
_TOUCH_PHONE: Final = "UPDATE phones SET signed_in_at = $2 WHERE phone_id = $1"


def kept(evidence: Evidence) -> Row:
    """Give the row of what was signed."""
    return KEEP, tuple(getattr(evidence, name) for name in evidence.__struct_fields__)


def _token(change: c.MakeToken) -> Row:
    token = change.token
    if token.expires_at - token.created_at > HOUR:
        raise AssertionError("no access token is looked for beyond the next hour")
    return _TOKEN, (
        token.token_hash,
        token.grant_id,
        " ".join(token.scope),
        token.created_at,
        token.expires_at,
        token.client_id,
        token.bound_to,
        token.revision,
    )


def _notice(change: c.Notify) -> Row:
    notice = change.notice
    return _NOTICE, tuple(getattr(notice, name) for name in notice.__struct_fields__)


LATER: Final[Mapping[type, Callable[[Any], Row]]] = {
    c.MakeToken: _token,
    c.Notify: _notice,
    c.KnowBrowser: lambda it: (_BROWSER, (it.browser_id, it.person_id, it.now)),
    c.FlagClient: lambda it: (_FLAG, (it.client_id, it.journey_id, it.now)),
    c.TouchGrant: lambda it: (_TOUCH_GRANT, (it.grant_id, it.now)),
    c.TouchPhone: lambda it: (_TOUCH_PHONE, (it.phone_id, it.now)),
}


async def write(db: Connection, rows: Rows) -> None:
    """Write all of them, inside the batch's transaction."""
    for sql, values in rows.items():
        await db.run_all(sql, values)
