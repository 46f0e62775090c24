"""The registration endpoint, and where a client looks after its registration."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import dynamic, refusal, statement
from endorse.core.change import Decision
from endorse.core.coding import fingerprint, strict_json
from endorse.core.dynamic import Registered
from endorse.core.invitation import Invitation
from endorse.core.metadata import BANKS_OWN, CODE
from endorse.core.model import Client
from endorse.core.refusal import Refusal
from endorse.core.registration import bad_metadata
from endorse.core.statement import Statement
from endorse.server import wire
from endorse.server.browser import address
from endorse.server.desk import Desk
from endorse.store import reads
from endorse.store.connection import Connection


async def register(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /register` (RFC 7591 3): a new client, for whoever was invited or vouched for.

    No address in it is ever fetched: not `jwks_uri`, not a logo, not a policy.
    """
    if not desk.registrations.take(address(desk, request), desk.clock()):
        return _refused(refusal.SLOW_DOWN)
    said = await _said(desk, request)
    if isinstance(said, Refusal):
        return _refused(said)
    vouched = _statement(desk, said)
    if isinstance(vouched, Refusal):
        return _refused(vouched)
    bearer = _bearer(request)
    if bearer is None and vouched is None:
        return _refused(dynamic.INVITATION_NOT_GOOD.because("neither token nor statement"))
    token_hash = fingerprint(bearer or "")

    def decide(invitation: Invitation | None) -> Decision[Registered]:
        if bearer is not None and invitation is None:
            return Decision(dynamic.INVITATION_NOT_GOOD.because("unknown"))
        return dynamic.register(said, invitation, vouched, desk.clock(), desk.fresh, desk.law)

    made = await desk.settle(lambda db: reads.invitation(db, token_hash), decide)
    return _answer(desk, made, said, 201)


async def look(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /register/{client_id}` (RFC 7592 2.1). Secrets are not shown twice."""
    bearer = _bearer(request) or ""
    read = _client(request)
    found = await desk.settle(read, lambda client: dynamic.look(client, bearer))
    return _answer(desk, found, {}, 200)


async def change(desk: Desk, request: HttpRequest) -> Response:
    """Answer `PUT /register/{client_id}` (RFC 7592 2.2): another registration in place of this."""
    bearer = _bearer(request) or ""
    read = _client(request)
    # First who it is: nobody else is told what is wrong with what was sent.
    me = dynamic.known(await desk.store.read(read), bearer)
    if isinstance(me, Refusal):
        return _refused(me)
    said = await _said(desk, request)
    if isinstance(said, Refusal):
        return _refused(said)
    vouched = _statement(desk, said)
    if isinstance(vouched, Refusal):
        return _refused(vouched)
    changed = await desk.settle(
        read,
        lambda client: dynamic.change(said, client, bearer, vouched, desk.clock(), desk.fresh),
    )
    return _answer(desk, changed, said, 200)


async def remove(desk: Desk, request: HttpRequest) -> Response:
    """Answer `DELETE /register/{client_id}` (RFC 7592 2.3): its grants and tokens end with it."""
    bearer = _bearer(request) or ""
    gone = await desk.settle(
        _client(request), lambda client: dynamic.remove(client, bearer, desk.clock())
    )
    if isinstance(gone, Refusal):
        return _refused(gone)
    return Response(None, 204, wire.NO_STORE)


async def _said(desk: Desk, request: HttpRequest) -> dict[str, Any] | Refusal:
    """Read a JSON object in which no name comes twice (RFC 7591 3.1)."""
    if not wire.has_type(request, "application/json"):
        return wire.WRONG_TYPE
    raw = await wire.body(request, desk.law.body)
    if isinstance(raw, Refusal):
        return raw
    try:
        said = strict_json(raw)
    except (ValueError, RecursionError) as broken:
        return bad_metadata(f"The body is no JSON: {ascii(str(broken))[1:80]}.")
    return said if isinstance(said, dict) else bad_metadata("The body must be a JSON object.")


def _statement(desk: Desk, said: dict[str, Any]) -> Statement | Refusal | None:
    text = said.get("software_statement")
    if text is None:
        return None
    if not isinstance(text, str):
        return statement.NOT_GOOD.because("no text")
    return statement.read(text, desk.software_issuers, desk.issuer, desk.clock(), desk.law)


def _bearer(request: HttpRequest) -> str | None:
    """Give the token of the header, "" for a header that holds none (RFC 6750 2.1)."""
    header = wire.authorization(request)
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _client(request: HttpRequest) -> Callable[[Connection], Any]:
    client_id = str(request.path_params["client_id"])
    wire.known_as(request, client_id)
    readable = len(client_id) <= 64 and client_id.isprintable()
    return lambda db: reads.client(db, client_id if readable else "")


def _answer(desk: Desk, made: Registered | Refusal, said: dict[str, Any], status: int) -> Response:
    """Tell a client what it is registered with (RFC 7591 3.2.1, RFC 7592 3)."""
    if isinstance(made, Refusal):
        return _refused(made)
    body = {
        "client_id": made.client.client_id,
        "client_id_issued_at": made.client.created_at,
        "registration_access_token": made.token.reveal(),
        "registration_client_uri": f"{desk.issuer}/register/{made.client.client_id}",
        **_described(made.client),
    }
    if made.secret is not None:
        # Secrets do not run out by themselves (RFC 7591 3.2.1: 0 then).
        body |= {"client_secret": made.secret.reveal(), "client_secret_expires_at": 0}
    if "software_statement" in said:
        body["software_statement"] = said["software_statement"]
    return wire.json(body, status)


def _described(client: Client) -> dict[str, Any]:
    """Write a registration in the names of RFC 7591 2, most of what is usual left out."""
    metadata = msgspec.to_builtins(client.metadata)
    told = {name: value for name, value in metadata.items() if name not in BANKS_OWN}
    if client.metadata.jwks:
        told["jwks"] = msgspec.Raw(client.metadata.jwks.encode())
    return {
        **told,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "scope": " ".join(client.scope),
        "token_endpoint_auth_method": client.metadata.token_endpoint_auth_method,
        "grant_types": client.metadata.grant_types,
        "response_types": ["code"] if CODE in client.metadata.grant_types else [],
    }


def _refused(no: Refusal) -> Response:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if no.status == 401 else None
    return wire.refused(no, headers)
