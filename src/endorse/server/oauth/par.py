"""The endpoint for requests that a client pushes before it sends the browser (RFC 9126)."""

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import alter, dpop, profile, pushed, refusal_proofs, request_object
from endorse.core.model import Grant
from endorse.core.refusal import SLOW_DOWN, Refusal
from endorse.server import wire
from endorse.server.browser import address
from endorse.server.desk import Desk
from endorse.server.oauth import sender
from endorse.server.oauth.caller import called, refused
from endorse.store import reads, requests
from endorse.store.connection import Connection


async def push(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /par`: a request_uri for a good request of this client (RFC 9126 2.2).

    A proof in its header pins the code to that key (RFC 9449 10.1). A public client proves nothing,
    so that what it lets be stored is limited by address.

    See also RFC 9126 2, 2.3.
    """
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)
    params, client = caller.params, caller.client
    if client.public and not desk.pushes.take(address(desk, request), desk.clock()):
        return wire.refused(SLOW_DOWN, {"Retry-After": "60"})
    now, law = desk.clock(), desk.law
    inside = request_object.unwrapped(params, client, desk.issuer, now, law, law.signed_parameter)
    if isinstance(inside, Refusal):
        return refused(inside)
    proof = sender.proof_of(desk, request, profile.of(client).nonces)
    nonce = sender.nonce_for(desk, request)
    if isinstance(proof, Refusal):
        return refused(proof, nonce)
    if proof is not None:
        pinned = dpop.pinned(inside.params, proof)
        if pinned is None or await sender.came_before(desk, proof):
            why = "its jti came before" if pinned else "dpop_jkt is another key"
            return refused(refusal_proofs.DPOP_NOT_GOOD.because(why), nonce)
        inside = msgspec.structs.replace(inside, params=pinned)
    grant_id = alter.named(inside.params)

    async def facts(db: Connection) -> tuple[bool, Grant | None]:
        used = await requests.was_used(db, inside.once)
        return used, await reads.grant(db, grant_id) if grant_id else None

    answer = await desk.settle(
        facts,
        lambda read: pushed.push(
            params, inside, client, read[0], desk.terms, now, desk.fresh, read[1]
        ),
    )
    if isinstance(answer, Refusal):
        return refused(answer, nonce)
    return wire.json(answer, 201, nonce)
