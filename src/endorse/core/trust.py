"""Where an answer may go: the client and its redirect_uri, exactly as registered."""

from typing import Final

import msgspec

from endorse.core.model import Client, Trusted
from endorse.core.params import Params
from endorse.core.policy import Policy

_SPEC: Final = "RFC 6749 4.1.2.1"


class Untrusted(msgspec.Struct, frozen=True):
    """Nothing may be sent anywhere: the client or its redirect_uri is not known (RFC 6749 4.1.2.1).

    The developer is told on a page what came and, where that is safe, what is registered.
    """

    name: str
    told: str
    client_id: str
    received: str | None = None
    registered: tuple[str, ...] = ()


def trust(params: Params, client: Client, law: Policy) -> Trusted | Untrusted:
    """Find the redirect_uri registered for this client (RFC 6749 3.1.2.3; RFC 9700 2.1).

    See also RFC 6749 3.1.2.4, 10.6, 10.14; RFC 9700 4.10.2, 4.11.2.
    """
    misshapen = _misshapen(params, law)
    if misshapen is not None:
        return misshapen
    received = params.text("redirect_uri")
    if received in client.redirect_uris:
        return Trusted(client.client_id, received)
    told = (
        "The redirect_uri is not registered for this client. It must match exactly, character "
        "for character."
        if received
        else "The parameter redirect_uri is missing. Send it once, with a registered value."
    )
    name = "redirect_uri_mismatch" if received else "redirect_uri_missing"
    return Untrusted(name, told, client.client_id, received, client.redirect_uris)


def stranger(params: Params, law: Policy) -> Untrusted:
    """Say what is wrong with a client_id that nobody registered."""
    misshapen = _misshapen(params, law)
    if misshapen is not None:
        return misshapen
    client_id = params.text("client_id")
    if not client_id:
        return Untrusted(
            "client_id_missing", "The parameter client_id is missing. Send it once.", ""
        )
    return Untrusted("client_unknown", "No client with this client_id is registered.", client_id)


def _misshapen(params: Params, law: Policy) -> Untrusted | None:
    for name in ("client_id", "redirect_uri"):
        no = params.check(law, _SPEC, name)
        if no is not None:
            return Untrusted(no.name, no.told, params.text("client_id")[:64])
    return None
