"""The endpoint for requests that a client pushes before it sends the browser (RFC 9126)."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import pushed, request_object
from endorse.core.refusal import SLOW_DOWN, Refusal
from endorse.server import wire
from endorse.server.browser import address
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused
from endorse.store import reads


async def push(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /par`: a request_uri for a good request of this client (RFC 9126 2.2).

    A public client proves nothing, so that what it lets be stored is limited by address.
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
    answer = await desk.settle(
        lambda db: reads.was_used(db, inside.once),
        lambda used: pushed.push(params, inside, client, used, desk.terms, now, desk.fresh),
    )
    if isinstance(answer, Refusal):
        return refused(answer)
    return wire.json(answer, 201)
