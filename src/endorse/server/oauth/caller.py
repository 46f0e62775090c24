"""Which client calls: its form, its authentication, and how it is told no (RFC 6749 2.3, 5.2)."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import assertion, refusal
from endorse.core import client as clients
from endorse.core.client import Call
from endorse.core.model import Client
from endorse.core.params import Params, parse
from endorse.core.refusal import Refusal
from endorse.server import certificate, wire
from endorse.server.browser import address
from endorse.server.desk import Desk, log

_STOPPED: Final = refusal.CREDENTIALS_WRONG_TOO_OFTEN
TOO_MANY: Final = Refusal(
    "parameters_too_many", "invalid_request", 400, "There are more than 64 parameters."
)


class Caller(msgspec.Struct, frozen=True):
    """A call of a client that authenticated, or that is public: what it sent and who it is."""

    params: Params
    client: Client
    certificate_thumbprint: str = ""
    """`x5t#S256` of the TLS certificate that the client showed, "" for none (RFC 8705 3.1)."""


async def called(desk: Desk, request: HttpRequest) -> Caller | Refusal:
    """Read the form of a client and find out whose it is. Its query is not looked at.

    A client whose credentials came wrong too often from an address is not looked for when it is
    called from there; whoever has the right ones elsewhere notices nothing.
    """
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return raw
    params = parse(raw)
    if params is None:
        return TOO_MANY
    spec = "RFC 6749 3.2"
    no = params.check_all(desk.law, spec) or params.check(desk.law, spec, *params.values)
    if no is not None:
        return no
    header = wire.authorization(request)
    said = clients.credentials(params, header, desk.law)
    if isinstance(said, Refusal):
        return _failed(desk, request, said, header)
    wire.known_as(request, said.client_id)
    limit, now = desk.wrong_credentials, desk.clock()
    # Most often nobody is stopped, and then no address is looked for.
    if limit.stops_anybody(now) and limit.stops(address(desk, request), now, said.client_id):
        return _STOPPED
    client = await desk.store.client(said.client_id)
    shown = certificate.shown(desk, request)
    if isinstance(shown, Refusal):
        return shown
    call = Call(desk.issuer, _named(desk, request) if said.assertion else (), shown)
    known = clients.authenticate(said, client, call, desk.clock(), desk.law)
    if isinstance(known, Refusal):
        return _failed(desk, request, known, header, client)
    if said.assertion is not None:
        # On its own and at once: an assertion is used up by any call, also one that is refused.
        used = assertion.use(said.assertion, known, desk.law)
        if not await desk.store.change([used], desk.clock()):
            no = refusal.CLIENT_UNKNOWN.because("the jti of the assertion was used before")
            return _failed(desk, request, no, header, client)
    return Caller(params, known, shown.thumbprint if shown else "")


def _named(desk: Desk, request: HttpRequest) -> tuple[str, ...]:
    """Give the addresses by which an assertion may name this endpoint."""
    path = request.scope["path"]
    return tuple(f"{at}{end}" for at in desk.settings.urls for end in ("/token", path))


def _failed(
    desk: Desk,
    request: HttpRequest,
    no: Refusal,
    header: str | None,
    client: Client | None = None,
) -> Refusal:
    """Count wrong credentials by address and client; say no, and from the limit on no more.

    Clients that do not exist count as one: who invents them must not make others be forgotten. So
    do public ones, which must not be stopped: many people may call with one from one address.
    """
    at = address(desk, request)
    client_id = "" if client is None or client.public else client.client_id
    stopped = desk.wrong_credentials.stops(at, desk.clock(), client_id)
    if not stopped and desk.wrong_credentials.take(at, desk.clock(), client_id):
        return _unauthenticated(no, header)
    if not stopped:
        whose = f"client {client_id}" if client_id else "clients that have none"
        log.warning("too many wrong credentials of %s: stopped at one address", whose)
    return _STOPPED


def _unauthenticated(no: Refusal, header: str | None) -> Refusal:
    """Answer 401 to a client that tried the header, 400 to one that used the form (RFC 6749 5.2).

    A 401 must carry a challenge (RFC 9110 15.5.2), and clients that find one look no further: the
    developer would see "Basic" and not what is wrong. The log tells what is: the answer does not.
    """
    if no.status != 401 or header is not None:
        return no
    return msgspec.structs.replace(no, status=400)


def refused(no: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a refusal as the token endpoint does (RFC 6749 5.2)."""
    if no is _STOPPED:
        # Counted, and not logged: a flood must not fill the log.
        return wire.refused(no, {"Retry-After": "60"}, logged=False)
    challenge = {"WWW-Authenticate": 'Basic realm="endorse"'} if no.status == 401 else {}
    return wire.refused(no, {**challenge, **(headers or {})})
