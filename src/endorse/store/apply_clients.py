"""How clients and their secrets change, as guarded SQL."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from endorse.core import change as c
from endorse.core.model import ClientSecret
from endorse.core.notice import Kind
from endorse.store.clients import CLIENT_COLUMNS, INVITATION_COLUMNS
from endorse.store.connection import Connection


async def _add_client(db: Connection, change: c.AddClient) -> bool:
    client = change.client
    changed = await db.run(
        f"INSERT INTO clients ({CLIENT_COLUMNS}) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
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
        " ".join(client.registration),
    )
    for secret in client.secrets:
        await _insert_secret(db, client.client_id, secret)
    return changed == 1


async def _change_client(db: Connection, change: c.ChangeClient) -> bool:
    client = change.client
    changed = await db.run(
        "UPDATE clients SET name = $2, legal_name = $3, redirect_uris = $4, scope = $5, "
        "verified = $6, duration = $7, ways = $8, profile = $9, metadata = $10, registration = $11 "
        "WHERE client_id = $1 AND removed_at IS NULL",
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
        " ".join(client.registration),
    )
    return changed == 1


async def _remove_client(db: Connection, change: c.RemoveClient) -> bool:
    gone = await db.run(
        "UPDATE clients SET removed_at = $2, registration = '' "
        "WHERE client_id = $1 AND removed_at IS NULL",
        change.client_id,
        change.now,
    )
    if gone != 1:
        return False
    live = "WHERE client_id = $1 AND ended_at IS NULL AND expires_at > $2"
    # One statement for however many people: the notices are those of `notice.of_connection`.
    await db.run(
        "INSERT INTO notices (notice_id, person_id, at, kind, made_by, client_id, grant_id) "
        "SELECT 'removed-' || grant_id, person_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), "
        f"CAST($4 AS TEXT), client_id, grant_id FROM grants {live}",
        change.client_id,
        change.now,
        Kind.CONNECTION_ENDED.value,
        change.by,
    )
    await db.run(
        f"UPDATE grants SET ended_at = $2, ended_by = $3 {live}",
        change.client_id,
        change.now,
        f"the {change.by}",
    )
    for table in ("access_tokens", "client_secrets"):
        await db.run(f"DELETE FROM {table} WHERE client_id = $1", change.client_id)
    return True


async def _add_invitation(db: Connection, change: c.AddInvitation) -> bool:
    invitation = change.invitation
    changed = await db.run(
        f"INSERT INTO invitations ({INVITATION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT DO NOTHING",
        *(getattr(invitation, name) for name in invitation.__struct_fields__),
    )
    return changed == 1


async def _use_invitation(db: Connection, change: c.UseInvitation) -> bool:
    changed = await db.run(
        "UPDATE invitations SET uses_left = uses_left - 1 "
        "WHERE token_hash = $1 AND uses_left > 0 AND expires_at > $2",
        change.token_hash,
        change.now,
    )
    return changed == 1


async def _add_secret(db: Connection, change: c.AddSecret) -> bool:
    found = "SELECT 1 FROM clients WHERE client_id = $1 AND is_public = 0 AND removed_at IS NULL"
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
    c.RemoveClient: _remove_client,
    c.AddInvitation: _add_invitation,
    c.UseInvitation: _use_invitation,
}
