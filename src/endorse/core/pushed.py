"""Requests that a client pushes from its own server first (RFC 9126)."""

import re
from typing import Final

import msgspec

from endorse.core import alter, asked, refusal_requests
from endorse.core.change import Change, Decision, KeepRequest, UseOnce
from endorse.core.coding import Fresh, b64url, fingerprint, mac, new_flow
from endorse.core.model import Client, Grant, PushedRequest, Request
from endorse.core.params import Params
from endorse.core.policy import Policy, Terms
from endorse.core.refusal import Refusal
from endorse.core.request_object import Inside
from endorse.core.trust import Untrusted, trust

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_OURS: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}\Z")
_SPEC: Final = "RFC 9126 2.1"


class Accepted(msgspec.Struct, frozen=True):
    """What a client gets for a pushed request (RFC 9126 2.2)."""

    request_uri: str
    expires_in: int


def uri_of(server_key: bytes, pushed_id: str) -> str:
    """Derive the request_uri of a pushed request: 256 bits, the same at every call."""
    return PREFIX + b64url(mac(server_key, b"request-uri", pushed_id.encode()))


def push(
    params: Params,
    inside: Inside,
    client: Client,
    used: bool,
    terms: Terms,
    now: int,
    fresh: Fresh,
    grant: Grant | None = None,
) -> Decision[Accepted]:
    """Check a request as the authorization endpoint would, and keep it (RFC 9126 2.1, 3).

    `inside` are the parameters that count; `used` says that the jti of a signed request was shown
    before, `grant` is the one that the request names. A redirect_uri that is not registered is
    refused like any other: RFC 9126 2.4 would let a known client name a new one.
    """
    if "request_uri" in params.values or "request_uri" in params.doubled:
        return Decision(refusal_requests.REQUEST_URI_PUSHED)
    if used:
        return Decision(refusal_requests.REQUEST_OBJECT_NOT_GOOD.because("its jti was used"))
    trusted = trust(inside.params, client, terms.law)
    if isinstance(trusted, Untrusted):
        return Decision(Refusal(trusted.name, "invalid_request", 400, trusted.told, _SPEC))
    signed = bool(inside.text)
    request = asked.read(
        inside.params, client, trusted, terms.issuer, terms.law, pushed=True, signed=signed
    )
    if isinstance(request, Refusal):
        return Decision(request)
    no = alter.unnamed(request, grant, client, now)
    if no is not None:
        return Decision(no)
    pushed_id = b64url(fresh(16))
    uri, lives = uri_of(terms.server_key, pushed_id), terms.law.pushed_request
    request_hash = fingerprint(uri)
    request = msgspec.structs.replace(
        request, pushed_id=pushed_id, once=request_hash, flow=new_flow(fresh)
    )
    kept = PushedRequest(request_hash, client.client_id, request, now, now + lives)
    changes: tuple[Change, ...] = (KeepRequest(kept),)
    if inside.once:
        changes = (*changes, UseOnce(inside.once, now + terms.law.remember_journey))
    return Decision(Accepted(uri, lives), changes)


def hash_of(params: Params, law: Policy) -> str | Refusal:
    """Give the hash of the request_uri that came; refuse one that `/par` never answered.

    No address is ever fetched (RFC 9101 10.4). Beside a request_uri only client_id counts.
    """
    no = params.check(law, "RFC 9126 4", "client_id", "request_uri")
    if no is not None:
        return no
    uri = params.text("request_uri")
    if "request" in params.values:
        return refusal_requests.REQUEST_URI_NOT_GOOD.because("request beside it (RFC 9101 5)")
    if uri.startswith(PREFIX) and not _OURS.match(uri):
        return refusal_requests.REQUEST_URI_NOT_GOOD.because("not of our making")
    return fingerprint(uri) if uri.startswith(PREFIX) else refusal_requests.REQUEST_URI_FOREIGN


def found(kept: PushedRequest | None, used: bool, client_id: str, now: int) -> Request | Refusal:
    """Give the request of a request_uri to its own client, until one code answered it.

    It may be opened again before that: a reload, or a second try (RFC 9126 4, 7.3). Every
    failure has the same answer.

    See also RFC 9126 7.5; RFC 9101 5.2.
    """
    no = refusal_requests.REQUEST_URI_NOT_GOOD
    if kept is None or now >= kept.expires_at:
        return no.because("unknown or too old")
    if kept.client_id != client_id:
        return no.because("of another client")
    return no.because("answered already") if used else kept.request
