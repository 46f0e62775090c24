"""The authorization endpoint: what is shown for a request, and what goes back (RFC 6749 4.1)."""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from endorse.core import asked, pushed, refusal, refusal_requests, request_object
from endorse.core.answer import Reply, answer, error
from endorse.core.change import Change, Decision, Move, UseOnce
from endorse.core.coding import b64url, fingerprint, mac, sha256
from endorse.core.journey import Event, State
from endorse.core.model import Client, Journey, Request, Trusted
from endorse.core.params import Params
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal
from endorse.core.step import moved
from endorse.core.trust import Untrusted, stranger, trust

_CODE_PREFIX: Final = "ec_"


def present(
    params: Params, client: Client | None, issuer: str, now: int, law: Policy
) -> Request | Untrusted | Reply:
    """Decide about an authorization request. The order of the checks is policy (RFC 6749 4.1.2.1).

    Until client and redirect_uri are known, nothing is redirected; from then on every error is.
    Of a signed request only what is inside counts (RFC 9101 6.3); one that cannot be believed is
    told to a registered redirect_uri beside it, and else to nobody but the developer.
    """
    if client is None:
        return stranger(params, law)
    inside = request_object.unwrapped(params, client, issuer, now, law, law.request_by_value)
    if isinstance(inside, Refusal):
        beside = trust(params, client, law)
        if isinstance(beside, Untrusted):
            return Untrusted(inside.name, inside.told, client.client_id)
        return _error(params, client, beside, issuer, inside, law)
    trusted = trust(inside.params, client, law)
    if isinstance(trusted, Untrusted):
        return trusted
    request = asked.read(inside.params, client, trusted, issuer, law, signed=bool(inside.text))
    if isinstance(request, Refusal):
        return _error(inside.params, client, trusted, issuer, request, law)
    return msgspec.structs.replace(request, request_object=inside.text, once=inside.once)


def showable(
    request: Request, used: bool, issuer: str, named: Refusal | None = None
) -> Request | Reply:
    """Say whether a good request is shown to a person; `used` if its jti was (RFC 9101 10.2).

    `named` is what is wrong with the grant that it names, if anything is (`alter.unnamed`).

    Nobody is signed in in a browser here, so that `prompt=none` can only be answered with an
    error (OpenID Connect Core 3.1.2.1).
    """
    no = refusal_requests.REQUEST_OBJECT_NOT_GOOD.because("its jti was used") if used else named
    if no is None and "none" in request.prompt:
        no = refusal_requests.LOGIN_REQUIRED
    if no is None:
        return request
    return error(request.returns_to, request.response_mode, issuer, request.state, no)


def digest(request: Request, issuer: str) -> str:
    """Compute D, the digest of a frozen request, which frames and consent are bound to."""
    return b64url(sha256(issuer.encode() + b"\0" + msgspec.json.encode(request)))


def again(request: Request, server_key: bytes) -> str:
    """Write the query that asks for the same again: the way in which it came."""
    client_id = request.returns_to.client_id
    if request.pushed_id:
        uri = pushed.uri_of(server_key, request.pushed_id)
        return urlencode({"client_id": client_id, "request_uri": uri}, quote_via=quote)
    if request.request_object:
        return urlencode({"client_id": client_id, "request": request.request_object})
    return asked.query(request)


def code_of(server_key: bytes, journey_id: str) -> str:
    """Derive the authorization code of a journey: one code ever, the same at every call."""
    return _CODE_PREFIX + b64url(mac(server_key, b"authorization-code", journey_id.encode()))


def reply(
    journey: Journey, now: int, server_key: bytes, issuer: str, law: Policy, used: bool = False
) -> Decision[Reply]:
    """Answer the browser that came back for its redirect (RFC 6749 4.1.2, RFC 9207 2).

    The first call makes the code; until that is redeemed or old, a repeated call answers the
    same redirect. A journey without approval answers `access_denied`; one that still waits, or
    whose code was redeemed, is refused: there is nothing to fetch. There never is where the client
    polls for the answer.

    A request that may be answered once is used up with its first code; `used` says that it was,
    by another journey: this one is over then (RFC 9126 7.3).
    """
    request = journey.request
    state = journey.at(now)
    if journey.poll_hash is not None:
        return Decision(refusal.wrong_state(state, Event.RESUME))
    if state is State.APPROVED and not journey.may_resume:
        return Decision(refusal.wrong_state(state, Event.RESUME))
    if state is State.APPROVED and used:
        over = moved(Event.EXPIRE, journey)
        return Decision(refusal.wrong_state(State.EXPIRED, Event.RESUME), over.changes)
    if state is State.APPROVED:
        code = code_of(server_key, journey.journey_id)
        after = msgspec.structs.replace(
            journey,
            state=State.REDIRECTED,
            version=journey.version + 1,
            code_hash=fingerprint(code),
            expires_at=now + law.code,
        )
        changes: tuple[Change, ...] = (Move(Event.RESUME, journey, after),)
        if request.once:
            changes = (*changes, UseOnce(request.once, now + law.remember_journey))
        return Decision(_approved(request, issuer, code), changes)
    if state is State.REDIRECTED:
        code = code_of(server_key, journey.journey_id)
        return Decision(_approved(request, issuer, code))
    never_approved = (State.REJECTED, State.CANCELLED, State.KILLED, State.EXPIRED)
    if state in never_approved and journey.code_hash is None:
        mode, no = request.response_mode, refusal.ACCESS_DENIED
        return Decision(error(request.returns_to, mode, issuer, request.state, no))
    return Decision(refusal.wrong_state(state, Event.RESUME))


def _approved(request: Request, issuer: str, code: str) -> Reply:
    return answer(request.returns_to, request.response_mode, issuer, request.state, code=code)


def _error(
    params: Params, client: Client, trusted: Trusted, issuer: str, no: Refusal, law: Policy
) -> Reply:
    mode, state = asked.mode(params, client), asked.state(params, client, law)
    return error(trusted, mode, issuer, state, no)
