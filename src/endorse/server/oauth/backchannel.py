"""The endpoint at which a client asks a person on their phone, without a browser (CIBA Core 7)."""

from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.bank import NamingBank
from endorse.core import ciba, openid, request_object
from endorse.core.ciba import Prompted
from endorse.core.metadata import CIBA
from endorse.core.model import Client, Grant
from endorse.core.params import Params
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused
from endorse.store import polls, reads, requests

_LOGIN_HINT_AT_MOST: Final = 128


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
    params = inside.params
    grant_id = await _hinted(desk, params, client)
    named = await _named(desk, params, client)
    token = params.text("client_notification_token")
    notify = desk.keys.pings.close(token, now) if token else None

    async def facts(db: Any) -> tuple[Grant | None, Prompted, bool]:
        grant = await reads.grant(db, grant_id) if grant_id else None
        if named:
            grant = await polls.last_grant(db, named, client.client_id)
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


async def _hinted(desk: Desk, params: Params, client: Client) -> str:
    """Give the grant that a token of ours names; "" for none."""
    id_token = params.text("id_token_hint")
    if id_token:
        keys = await desk.keyring.public_keys()
        return openid.grant_of_id_token(id_token, keys, desk.issuer, client.client_id)
    token = params.text("login_hint_token")
    return ciba.grant_of_hint(token, desk.keys.handles, client.client_id)


async def _named(desk: Desk, params: Params, client: Client) -> str:
    """Give the person whom the bank knows by a login_hint; "" for nobody."""
    hint = params.text("login_hint")
    if not 0 < len(hint) <= _LOGIN_HINT_AT_MOST or not hint.isprintable():
        return ""
    if CIBA not in client.metadata.grant_types or not isinstance(desk.bank, NamingBank):
        return ""
    person = await desk.bank.person_of(hint)
    return person.id if person else ""
