"""Every SELECT about clients; `reads` offers them with the others."""

from typing import Final, NamedTuple

import msgspec

from endorse.core.invitation import Invitation
from endorse.core.metadata import Metadata
from endorse.core.model import Client, ClientSecret
from endorse.store.connection import Connection, Row

CLIENT_COLUMNS: Final = (
    "client_id, name, legal_name, redirect_uris, scope, is_public, verified, duration, created_at, "
    "ways, profile, metadata, registration"
)
INVITATION_COLUMNS: Final = ", ".join(Invitation.__struct_fields__)
_METADATA: Final = msgspec.json.Decoder(Metadata)
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])
_CLIENT: Final = f"SELECT {CLIENT_COLUMNS}, removed_at FROM clients WHERE client_id = $1"
_CLIENTS: Final = (
    f"SELECT {CLIENT_COLUMNS} FROM clients WHERE removed_at IS NULL "
    "ORDER BY created_at, client_id LIMIT $1"
)
_SECRETS: Final = (
    "SELECT secret_hash, created_at, expires_at FROM client_secrets WHERE client_id = $1"
)
_INVITATION: Final = f"SELECT {INVITATION_COLUMNS} FROM invitations WHERE token_hash = $1"
_FLAGS: Final = "SELECT count(*) FROM client_flags WHERE client_id = $1 AND at > $2"


class Registered(NamedTuple):
    """A client with its secrets, and whether it was removed: then it may not act any more."""

    client: Client
    removed: bool


async def registered(db: Connection, client_id: str) -> Registered | None:
    """Read a client, also one that was removed: what is over names it."""
    row = await db.one(_CLIENT, client_id)
    if row is None:
        return None
    secrets = [ClientSecret(*secret) for secret in await db.all(_SECRETS, client_id)]
    *columns, removed_at = row
    return Registered(_client(columns, tuple(secrets)), removed_at is not None)


async def client(db: Connection, client_id: str) -> Client | None:
    """Read a client with its secrets, who may act; None for one that was removed."""
    found = await registered(db, client_id)
    return None if found is None or found.removed else found.client


async def clients(db: Connection, at_most: int) -> list[Client]:
    """Read the clients that may act in the order of their registration, without their secrets."""
    return [_client(row, ()) for row in await db.all(_CLIENTS, at_most)]


async def flags_of(db: Connection, client_id: str, since: int) -> int:
    """Count how often people said that they did not start what this client asked."""
    row = await db.one(_FLAGS, client_id, since)
    return 0 if row is None else int(row[0])


async def invitation(db: Connection, token_hash: str) -> Invitation | None:
    """Read an initial access token."""
    row = await db.one(_INVITATION, token_hash)
    return None if row is None else Invitation(*row)


def _client(row: Row, secrets: tuple[ClientSecret, ...]) -> Client:
    client_id, name, legal_name, uris, scope, public, verified, duration, created_at = row[:9]
    ways, profile, metadata, own = row[9:]
    return Client(
        client_id=client_id,
        name=name,
        legal_name=legal_name,
        redirect_uris=_TEXTS.decode(uris),
        scope=tuple(scope.split()),
        public=bool(public),
        verified=bool(verified),
        duration=duration,
        created_at=created_at,
        secrets=secrets,
        ways=tuple(ways.split()),
        profile=profile,
        metadata=_METADATA.decode(metadata),
        registration=tuple(own.split()),
    )
