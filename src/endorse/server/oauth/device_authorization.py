"""The device authorization endpoint: what a device shows to the person before it."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import device
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused


async def offer(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /device_authorization` (RFC 8628 3.1, 3.2)."""
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)

    async def no_facts(_: object) -> None:
        return None

    offered = await desk.settle(
        no_facts,
        lambda _: device.begin(caller.params, caller.client, desk.terms, desk.clock(), desk.fresh),
    )
    if isinstance(offered, Refusal):
        return refused(offered)
    here = f"{desk.issuer}/device"
    return wire.json(
        {
            "device_code": offered.device_code.reveal(),
            "user_code": offered.user_code,
            "verification_uri": here,
            "verification_uri_complete": f"{here}?user_code={offered.user_code}",
            "expires_in": offered.expires_in,
            "interval": offered.interval,
        }
    )
