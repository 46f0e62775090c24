"""Register third-party apps in a server's database, beside the running server."""

import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from endorse.cli.secret import audit_key
from endorse.core import client as rules
from endorse.core import invitation as invitations
from endorse.core import profile, registration
from endorse.core.change import AddClient, AddInvitation, AddSecret, RemoveClient
from endorse.core.coding import b64url, strict_json
from endorse.core.details import TYPES
from endorse.core.metadata import (
    CIBA,
    CLIENT_CREDENTIALS,
    CODE,
    FAPI2,
    PLAIN,
    REFRESH,
    SECRET_METHODS,
    SIGNED,
    Metadata,
)
from endorse.core.model import Client
from endorse.core.policy import DAY
from endorse.core.ways import ways_problem
from endorse.store import Store, open_store, reads, require_database
from endorse.store.connection import Connection

_FLAGS_DAYS: Final = 30
_TLS_NAMES: Final = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")


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
    profile: str = PLAIN
    jwks: str | None = None
    auth_method: str = ""
    tls_name: str = ""
    dpop: bool = False
    mtls: bool = False
    message_signing: str = ""
    grant_types: tuple[str, ...] = ()
    signed_tokens: bool = False
    resource_server: bool = False
    payments: bool = False


async def add_client(database: str, wanted: NewClient) -> dict[str, Any]:
    """Register an app; give its id and, this once, its secret. Raises ValueError."""
    scope = rules.scope_of(wanted.scope)
    if isinstance(scope, str):
        raise ValueError(scope)
    if wanted.ways and ways_problem(wanted.ways):
        raise ValueError(f"--way {ways_problem(wanted.ways)}.")
    metadata = _metadata(wanted)
    now = int(time.time())
    secret, stored = rules.new_secret(secrets.token_bytes, now)
    has_secret = metadata.token_endpoint_auth_method in SECRET_METHODS
    client = Client(
        client_id=b64url(secrets.token_bytes(12)),
        name=wanted.name,
        legal_name=wanted.legal_name or wanted.name,
        redirect_uris=tuple(dict.fromkeys(wanted.redirect_uris)),
        scope=scope,
        public=wanted.public,
        verified=wanted.verified,
        duration=wanted.days * DAY,
        created_at=now,
        secrets=(stored,) if has_secret else (),
        ways=tuple(dict.fromkeys(wanted.ways)),
        profile=wanted.profile,
        metadata=metadata,
    )
    problem = registration.problem(client)
    if problem is not None:
        raise ValueError(problem.told)
    async with _store(database) as store:
        if not await store.change([AddClient(client)], now):
            raise ValueError("That client_id is taken. Try again.")
    shown = _shown(client)
    return {**shown, "client_secret": secret.reveal()} if has_secret else shown


def _metadata(wanted: NewClient) -> Metadata:
    """Give the metadata that the options stand for. Raises ValueError, saying what to type."""
    kind, _, value = wanted.tls_name.partition("=")
    if wanted.tls_name and (kind not in _TLS_NAMES or not value):
        raise ValueError(f"--tls-name must be KIND=VALUE; KIND is one of {', '.join(_TLS_NAMES)}.")
    method = wanted.auth_method or _method(wanted)
    if wanted.profile == FAPI2 and not method:
        raise ValueError(
            "A client of fapi2 has a key and no secret. Give --jwks FILE with its public keys, or "
            "--tls-name with the name in its certificate."
        )
    signing = wanted.message_signing
    usual = (CLIENT_CREDENTIALS,) if wanted.resource_server else (CODE, REFRESH)
    metadata = Metadata(
        token_endpoint_auth_method=method or SECRET_METHODS[0],
        jwks=_jwks(wanted.jwks) if wanted.jwks else "",
        grant_types=wanted.grant_types or usual,
        require_signed_request_object=bool(signing),
        authorization_signed_response_alg=signing,
        introspection_signed_response_alg=signing,
        access_token_format=SIGNED if wanted.signed_tokens else "opaque",
        resource_server=wanted.resource_server,
        authorization_details_types=TYPES if wanted.payments else TYPES[:1],
        dpop_bound_access_tokens=wanted.dpop,
        tls_client_certificate_bound_access_tokens=wanted.mtls,
        id_token_signed_response_alg=signing or ("PS256" if wanted.profile == FAPI2 else "RS256"),
        backchannel_token_delivery_mode="poll" if CIBA in wanted.grant_types else "",
    )
    named = {f"tls_client_auth_{kind}": value} if value else {}
    return msgspec.structs.replace(metadata, **named)


def _method(wanted: NewClient) -> str:
    if wanted.public:
        return "none"
    if wanted.tls_name:
        return "tls_client_auth"
    return "private_key_jwt" if wanted.jwks else ""


def _jwks(path: str) -> str:
    """Read a file of public keys. Raises ValueError, OSError."""
    try:
        return msgspec.json.encode(strict_json(Path(path).read_bytes())).decode()
    except (ValueError, RecursionError) as broken:
        raise ValueError(f"--jwks {path} is no JSON: {str(broken)[:80]}") from broken


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
        method = client.metadata.token_endpoint_auth_method
        if client.public or method not in SECRET_METHODS:
            kind = "is public" if client.public else f"authenticates by {method}"
            raise ValueError(f"The client {client_id} {kind}: it has no secret.")
        await store.change([AddSecret(client_id, stored, until)], now)
    return {
        "client_id": client_id,
        "client_secret": secret.reveal(),
        "old_secret_until": _time(until),
    }


async def invite(
    database: str, legal_name: str, profile: str, uses: int, days: int
) -> dict[str, Any]:
    """Make an initial access token, shown this once (RFC 7591 3). Raises ValueError."""
    problem = rules.name_problem(legal_name)
    if problem:
        raise ValueError(f"The name {legal_name!r} {problem}.")
    now = int(time.time())
    token, stored = invitations.invite(
        legal_name, profile, uses, days * DAY, now, secrets.token_bytes
    )
    async with _store(database) as store:
        await store.change([AddInvitation(stored)], now)
    return {
        "initial_access_token": token.reveal(),
        "profile": profile,
        "uses": uses,
        "good_until": _time(stored.expires_at),
    }


async def remove_client(database: str, client_id: str) -> None:
    """End an app, with its grants and tokens. Raises ValueError."""
    now = int(time.time())
    async with _store(database) as store:
        if not await store.change([RemoveClient(client_id, "bank", now)], now):
            raise ValueError(f"There is no client {client_id}. See: endorse client list")


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _shown(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "scope": " ".join(client.scope),
        "public": client.public,
        "profile": client.profile,
        "authenticates": "none" if client.public else client.metadata.token_endpoint_auth_method,
        "grant_types": " ".join(client.metadata.grant_types),
        "details": " ".join(client.metadata.authorization_details_types),
        "tokens": _tokens(client),
        "ways": " ".join(client.ways) or "all",
    }


def _tokens(client: Client) -> str:
    kinds = (("DPoP", profile.dpop_only(client)), ("certificate", profile.certificate_only(client)))
    bound = " and ".join(name for name, wanted in kinds if wanted)
    if not bound and profile.bound_tokens(client):
        bound = "DPoP or certificate"
    return f"bound by {bound}" if bound else "bearer or bound"


@asynccontextmanager
async def _store(database: str) -> AsyncIterator[Store]:
    require_database(database)
    store = await open_store(database)
    try:
        store.seal_audit(await audit_key(store, os.environ))
        yield store
    finally:
        await store.close()
