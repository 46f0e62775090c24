"""The server's signing keys, as stored."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from endorse.core import change as c
from endorse.core.model import SigningKey
from endorse.store.connection import Connection

_COLUMNS: Final = ", ".join(SigningKey.__struct_fields__)
_KEYS: Final = f"SELECT {_COLUMNS} FROM signing_keys ORDER BY kind, number LIMIT 100"
_ADD: Final = (
    f"INSERT INTO signing_keys ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
    "ON CONFLICT DO NOTHING"
)
_OTHERS_LEAVE: Final = (
    "UPDATE signing_keys SET leaves_at = $3 "
    "WHERE kind = $1 AND number < $2 AND (leaves_at IS NULL OR leaves_at > $3)"
)


async def signing_keys(db: Connection) -> tuple[SigningKey, ...]:
    """Read the server's signing keys, each kind's in their order; some may have left already."""
    return tuple([SigningKey(*row) for row in await db.all(_KEYS)])


async def _add(db: Connection, change: c.AddSigningKey) -> bool:
    key = change.key
    await db.run(_OTHERS_LEAVE, key.kind, key.number, change.others_until)
    return await db.run(_ADD, *(getattr(key, name) for name in key.__struct_fields__)) == 1


KEYS: Final[dict[type, Callable[[Connection, Any], Awaitable[bool]]]] = {c.AddSigningKey: _add}
