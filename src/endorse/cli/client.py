"""Register third-party apps in a server's database, beside the running server."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from endorse.core import client as rules
from endorse.core.change import AddClient, AddSecret
from endorse.core.coding import b64url
from endorse.core.model import Client
from endorse.core.policy import DAY
from endorse.core.ways import ways_problem
from endorse.store import Store, open_store, reads, require_database
from endorse.store.connection import Connection

_FLAGS_DAYS: Final = 30


class NewClient(msgspec.Struct, frozen=True):
    """A registration as it was typed."""

    name: str
    legal_name: str
    redirect_uris: tuple[str, ...]
    scope: str
    public: bool
    verified: bool
    days: int
    ways: tuple[str, ...] = ()


async def add_client(database: str, wanted: NewClient) -> dict[str, Any]:
    """Register an app; give its id and, this once, its secret. Raises ValueError."""
    scope = rules.scope_of(wanted.scope)
    if isinstance(scope, str):
        raise ValueError(scope)
    legal_name = wanted.legal_name or wanted.name
    for name in (wanted.name, legal_name):
        problem = rules.name_problem(name)
        if problem:
            raise ValueError(f"The name {name!r} {problem}.")
    if wanted.ways and ways_problem(wanted.ways):
        raise ValueError(f"--way {ways_problem(wanted.ways)}.")
    for uri in wanted.redirect_uris:
        problem = rules.redirect_uri_problem(uri)
        if problem:
            raise ValueError(f"The redirect URI {uri} {problem}.")
    now = int(time.time())
    secret, stored = rules.new_secret(secrets.token_bytes, now)
    client = Client(
        client_id=b64url(secrets.token_bytes(12)),
        name=wanted.name,
        legal_name=legal_name,
        redirect_uris=tuple(dict.fromkeys(wanted.redirect_uris)),
        scope=scope,
        public=wanted.public,
        verified=wanted.verified,
        duration=wanted.days * DAY,
        created_at=now,
        secrets=() if wanted.public else (stored,),
        ways=tuple(dict.fromkeys(wanted.ways)),
    )
    async with _store(database) as store:
        if not await store.change([AddClient(client)], now):
            raise ValueError("That client_id is taken. Try again.")
    shown = _shown(client)
    return shown if wanted.public else {**shown, "client_secret": secret.reveal()}


async def list_clients(database: str) -> list[dict[str, Any]]:
    """Give all registered apps, without their secrets, and how often people disowned a request."""
    since = int(time.time()) - _FLAGS_DAYS * DAY

    async def facts(db: Connection) -> list[tuple[Client, int]]:
        found = await reads.clients(db, 1000)
        return [(it, await reads.flags_of(db, it.client_id, since)) for it in found]

    async with _store(database) as store:
        found = await store.read(facts)
    return [
        {**_shown(client), f"not_started_in_{_FLAGS_DAYS}_days": count} for client, count in found
    ]


async def rotate_secret(database: str, client_id: str, overlap_days: int) -> dict[str, Any]:
    """Give an app a new secret, shown this once; the old one still works for some days."""
    now = int(time.time())
    secret, stored = rules.new_secret(secrets.token_bytes, now)
    until = now + overlap_days * DAY
    async with _store(database) as store:
        client = await store.read(lambda db: reads.client(db, client_id))
        if client is None:
            raise ValueError(f"There is no client {client_id}. See: endorse client list")
        if client.public:
            raise ValueError(f"The client {client_id} is public: it has no secret.")
        await store.change([AddSecret(client_id, stored, until)], now)
    return {
        "client_id": client_id,
        "client_secret": secret.reveal(),
        "old_secret_until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until)),
    }


def _shown(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "scope": " ".join(client.scope),
        "public": client.public,
        "ways": " ".join(client.ways) or "all",
    }


@asynccontextmanager
async def _store(database: str) -> AsyncIterator[Store]:
    require_database(database)
    store = await open_store(database)
    try:
        yield store
    finally:
        await store.close()
