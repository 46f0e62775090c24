"""How an answer leaves for the client: as a redirect or a posted form, as it is or signed."""

from typing import Any

import msgspec
from starlette.responses import Response

from endorse.core import signing
from endorse.core.answer import FORM, Reply, is_signed, way_of
from endorse.core.model import Client
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.pages import Pages


async def leave(desk: Desk, pages: Pages, reply: Reply, language: str) -> Response:
    """Send the browser back to the client with an answer, in the way that the client asked."""
    if reply.mode == "query":
        return wire.see_other(reply.location)
    client_id = reply.returns_to.client_id
    client = await desk.store.registration(client_id)
    if client is None:
        raise LookupError(f"The client {client_id} of an answer is gone.")
    if is_signed(reply.mode):
        reply = await _signed(desk, reply, client)
    if way_of(reply.mode) != FORM:
        return wire.see_other(reply.location)
    fields = [(name, value.decode()) for name, value in reply.pairs]
    return pages.form_page(language, reply.returns_to.redirect_uri, client.name, fields)


async def _signed(desk: Desk, reply: Reply, client: Client) -> Reply:
    """Put the whole answer into one signed parameter (JARM 2.1, 2.2).

    It is for this client alone, and for no longer than the code in it counts.
    """
    claims: dict[str, Any] = {name: value.decode() for name, value in reply.pairs}
    claims |= {
        "iss": desk.issuer,
        "aud": client.client_id,
        "exp": desk.clock() + desk.law.code,
    }
    registered = client.metadata.authorization_signed_response_alg
    alg = registered if registered in signing.ALGORITHMS else signing.usual(client)
    text = await desk.keyring.sign(claims, typ="JWT", alg=alg)
    return msgspec.structs.replace(reply, pairs=(("response", text.encode()),))
