"""The endpoint at which a client asks a person on their phone, without a browser (CIBA Core 7)."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import ciba, request_object
from endorse.core.ciba import Prompted
from endorse.core.model import Grant
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused
from endorse.store import polls, reads, requests


async def ask(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /bc-authorize` (CIBA Core 7.1 to 7.3)."""
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)
    client, now, law = caller.client, desk.clock(), desk.law
    inside = request_object.unwrapped(
        caller.params, client, desk.issuer, now, law, law.signed_parameter, backchannel=True
    )
    if isinstance(inside, Refusal):
        return refused(inside)
    params, key = inside.params, desk.keys.handles
    grant_id = ciba.grant_of_hint(params.text("login_hint_token"), key, client.client_id)
    token = params.text("client_notification_token")
    notify = desk.keys.pings.close(token, now) if token else None

    async def facts(db: Any) -> tuple[Grant | None, Prompted, bool]:
        grant = await reads.grant(db, grant_id) if grant_id else None
        person_id = grant.person_id if grant else ""
        prompted = await polls.prompted(db, person_id, client.client_id, now, law)
        return grant, prompted, await requests.was_used(db, inside.once)

    asked = await desk.settle(
        facts,
        lambda read: ciba.begin(inside, client, *read, notify, desk.terms, now, desk.fresh),
    )
    if isinstance(asked, Refusal):
        return refused(asked)
    answer = {
        "auth_req_id": asked.auth_req_id.reveal(),
        "expires_in": asked.expires_in,
        "interval": asked.interval,
    }
    return wire.json(answer)
