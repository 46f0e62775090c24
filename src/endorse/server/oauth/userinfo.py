"""Who the person is, as far as they agreed to tell (OpenID Connect Core 5.3)."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import openid
from endorse.core.refusal import Refusal
from endorse.server import resource, wire
from endorse.server.bank import opened_for
from endorse.server.desk import Desk


async def userinfo(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET` and `POST /userinfo`, to an access token with `openid` in the header.

    The name comes from the bank at each call, and only where the person agreed to tell it; a
    person whom the bank knows no more has none. A token in a form or a query is not looked at.
    """
    opened = await opened_for(desk, request, "openid")
    if isinstance(opened, Refusal):
        return wire.refused(opened, resource.challenge(desk, request, opened))
    said = {"sub": openid.subject(desk.keys.handles, opened.client_id, opened.person_id)}
    if "profile" in opened.scope:
        person = await desk.bank.person(opened.person_id)
        if person is not None:
            said["name"] = person.name
    return wire.json(said)
