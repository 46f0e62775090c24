"""The token endpoint: what a client gives for tokens."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import details, dpop, own, polling, redeem, refusal
from endorse.core.coding import fingerprint
from endorse.core.metadata import CIBA, CLIENT_CREDENTIALS, DEVICE
from endorse.core.refusal import Refusal
from endorse.core.refusal_polling import CLIENT_NOT_FOR_THIS
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth import sender, signed_token
from endorse.server.oauth.caller import called, refused
from endorse.server.oauth.sender import Sender
from endorse.store import polls, reads


async def token(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /token`: a code or a refresh token for tokens (RFC 6749 4.1.3, 6).

    See also RFC 6749 7.1; RFC 9700 2.4.
    """
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)
    kind = caller.params.text("grant_type")
    if not kind:
        return refused(refusal.missing("grant_type", "RFC 6749 4.1.3"))
    exchange = EXCHANGES.get(kind)
    if exchange is None:
        return refused(refusal.GRANT_TYPE_UNSUPPORTED)
    if kind not in caller.client.metadata.grant_types:
        return refused(CLIENT_NOT_FOR_THIS)
    who = sender.of(desk, request, caller)
    if isinstance(who, Refusal):
        return refused(who, sender.nonce_for(desk, request, who))
    answer = await exchange(desk, who)
    if isinstance(answer, Refusal):
        return refused(answer, sender.nonce_for(desk, request))
    client = who.caller.client
    access_token = await signed_token.access_token(desk, client, answer)
    body: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if who.bound_to.startswith(dpop.BOUND) else "Bearer",
        "expires_in": answer.expires_in,
        "scope": " ".join(answer.scope),
    }
    if answer.authorization_details:
        body["authorization_details"] = details.plain(answer.authorization_details)
    if answer.refresh_token is not None:
        body["refresh_token"] = answer.refresh_token.reveal()
    if answer.login_hint_token is not None:
        body["login_hint_token"] = answer.login_hint_token.reveal()
    if "openid" in answer.scope:
        body["id_token"] = await signed_token.id_token(desk, client, answer, access_token)
    if answer.grant_id:
        body["grant_id"] = answer.grant_id
    return wire.json(body, headers=sender.nonce_for(desk, request))


async def _redeem_code(desk: Desk, who: Sender) -> redeem.Tokens | Refusal:
    params, client = who.caller.params, who.caller.client
    code_hash = fingerprint(params.text("code"))
    return await sender.settle(
        desk,
        who,
        lambda db: reads.approval_by_code(db, code_hash),
        lambda approval: redeem.code(
            params,
            client,
            approval,
            desk.keys.handles,
            desk.clock(),
            desk.fresh,
            desk.law,
            who.bound_to,
        ),
    )


async def _refresh(desk: Desk, who: Sender) -> redeem.Tokens | Refusal:
    params, client = who.caller.params, who.caller.client
    held = redeem.read_refresh_token(params.text("refresh_token"), desk.keys.handles)
    grant_id = held.grant_id if held else ""
    return await sender.settle(
        desk,
        who,
        lambda db: reads.grant(db, grant_id),
        lambda grant: redeem.refresh(
            params,
            client,
            held,
            grant,
            desk.keys.handles,
            desk.clock(),
            desk.fresh,
            desk.law,
            who.bound_to,
        ),
    )


async def _collect_for_device(desk: Desk, who: Sender) -> redeem.Tokens | Refusal:
    """Answer a device that polls (RFC 8628 3.4)."""
    return await _collect(desk, who, "device", "device_code", "RFC 8628 3.4")


async def _collect_for_asked(desk: Desk, who: Sender) -> redeem.Tokens | Refusal:
    """Answer a client that asked a person on their phone (CIBA Core 10.1)."""
    return await _collect(desk, who, "ciba", "auth_req_id", "CIBA Core 10.1")


async def _collect(
    desk: Desk, who: Sender, kind: str, name: str, spec: str
) -> redeem.Tokens | Refusal:
    handle, client = who.caller.params.text(name), who.caller.client
    if not handle:
        return refusal.missing(name, spec)
    poll_hash = fingerprint(handle)
    return await sender.settle(
        desk,
        who,
        lambda db: polls.poll(db, poll_hash),
        lambda found: polling.collect(client, kind, *found, desk.terms, desk.clock(), desk.fresh),
    )


async def _give_own(desk: Desk, who: Sender) -> redeem.Tokens | Refusal:
    """Give a client a token of its own: one insert, for which nothing needs to be read."""
    params, client = who.caller.params, who.caller.client
    now, fresh, law = desk.clock(), desk.fresh, desk.law
    return await sender.settle(
        desk, who, reads.nothing, lambda _: own.give(params, client, now, fresh, law)
    )


EXCHANGES: Final[dict[str, Callable[[Desk, Sender], Awaitable[redeem.Tokens | Refusal]]]] = {
    "authorization_code": _redeem_code,
    "refresh_token": _refresh,
    CLIENT_CREDENTIALS: _give_own,
    DEVICE: _collect_for_device,
    CIBA: _collect_for_asked,
}
"""Every grant_type that there is, and who answers it."""
