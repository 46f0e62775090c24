"""How clients and their secrets change, as guarded SQL."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from endorse.core import change as c
from endorse.core.model import ClientSecret
from endorse.store.connection import Connection
from endorse.store.reads import CLIENT_COLUMNS


async def _add_client(db: Connection, change: c.AddClient) -> bool:
    client = change.client
    changed = await db.run(
        f"INSERT INTO clients ({CLIENT_COLUMNS}) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        client.client_id,
        client.name,
        client.legal_name,
        msgspec.json.encode(client.redirect_uris).decode(),
        " ".join(client.scope),
        int(client.public),
        int(client.verified),
        client.duration,
        client.created_at,
        " ".join(client.ways),
        client.profile,
        msgspec.json.encode(client.metadata).decode(),
    )
    for secret in client.secrets:
        await _insert_secret(db, client.client_id, secret)
    return changed == 1


async def _change_client(db: Connection, change: c.ChangeClient) -> bool:
    client = change.client
    changed = await db.run(
        "UPDATE clients SET name = $2, legal_name = $3, redirect_uris = $4, scope = $5, "
        "verified = $6, duration = $7, ways = $8, profile = $9, metadata = $10 "
        "WHERE client_id = $1",
        client.client_id,
        client.name,
        client.legal_name,
        msgspec.json.encode(client.redirect_uris).decode(),
        " ".join(client.scope),
        int(client.verified),
        client.duration,
        " ".join(client.ways),
        client.profile,
        msgspec.json.encode(client.metadata).decode(),
    )
    return changed == 1


async def _add_secret(db: Connection, change: c.AddSecret) -> bool:
    found = "SELECT 1 FROM clients WHERE client_id = $1 AND is_public = 0"
    if await db.one(found, change.client_id) is None:
        return False
    await db.run(
        "UPDATE client_secrets SET expires_at = $2 "
        "WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        change.client_id,
        change.others_until,
    )
    return await _insert_secret(db, change.client_id, change.secret)


async def _insert_secret(db: Connection, client_id: str, secret: ClientSecret) -> bool:
    changed = await db.run(
        "INSERT INTO client_secrets (client_id, secret_hash, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        client_id,
        secret.secret_hash,
        secret.created_at,
        secret.expires_at,
    )
    return changed == 1


CLIENTS: Final[dict[type, Callable[[Connection, Any], Awaitable[bool]]]] = {
    c.AddClient: _add_client,
    c.ChangeClient: _change_client,
    c.AddSecret: _add_secret,
}
