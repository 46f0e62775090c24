"""The introspection endpoint: what a token is, for its client and for the APIs of the bank."""

from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import introspection, profile, redeem, refusal, signing
from endorse.core.model import Client
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused
from endorse.server.oauth.token_hash import hash_of
from endorse.store import reads

_SIGNED: Final = "token-introspection+jwt"
_MEDIA_TYPE: Final = f"application/{_SIGNED}"


async def introspect(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /introspect` (RFC 7662 2). `token_type_hint` is not needed: a token tells.

    See also RFC 7662 2.3.
    """
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)
    params, client = caller.params, caller.client
    if client.public:
        # RFC 7662 2.1, 4: who only names itself could try tokens that it found.
        return refused(refusal.CLIENT_UNKNOWN.because("a public client introspects nothing"))
    text = params.text("token")
    if not text:
        return refused(refusal.missing("token", "RFC 7662 2.1"))
    told = await _told(desk, client, text)
    if profile.signed_introspection(client) or _MEDIA_TYPE in wire.header(request, b"accept"):
        return await _signed(desk, client, told)
    return wire.json(told)


async def _told(desk: Desk, client: Client, text: str) -> dict[str, Any]:
    held = redeem.read_refresh_token(text, desk.keys.handles)
    if held is not None:
        grant = await desk.store.read(lambda db: reads.grant(db, held.grant_id))
        return introspection.of_refresh(client, held, grant, desk.terms, desk.clock())
    token_hash = await hash_of(desk, text)
    access = await desk.store.read(lambda db: reads.access(db, token_hash, desk.clock()))
    return introspection.of_access(client, access, desk.terms, desk.clock())


async def _signed(desk: Desk, client: Client, told: dict[str, Any]) -> Response:
    """Answer with a signature, which can be kept and shown to others (RFC 9701 5)."""
    claims = {
        "iss": desk.issuer,
        "aud": client.client_id,
        "iat": desk.clock(),
        "token_introspection": told,
    }
    alg = client.metadata.introspection_signed_response_alg or signing.usual(client)
    text = await desk.keyring.sign(claims, typ=_SIGNED, alg=alg)
    return Response(text, 200, wire.NO_STORE, media_type=_MEDIA_TYPE)
