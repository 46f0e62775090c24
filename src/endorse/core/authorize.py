"""What a client may ask for, and the one way back to it (RFC 6749 4.1.1, 4.1.2)."""

import re
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from endorse.core import refusal
from endorse.core.change import Decision, Move
from endorse.core.coding import b64url, fingerprint, mac, sha256
from endorse.core.journey import Event, State
from endorse.core.model import Client, Journey, Request, Trusted
from endorse.core.params import Params
from endorse.core.policy import SCOPES, Policy
from endorse.core.refusal import Refusal

_SPEC: Final = "RFC 6749 4.1.2.1"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}\Z", re.ASCII)
_TAGS_AT_MOST: Final = 8
_CODE_PREFIX: Final = "ec_"


class Untrusted(msgspec.Struct, frozen=True):
    """Nothing may be sent anywhere: the client or its redirect_uri is not known (RFC 6749 4.1.2.1).

    The developer is told on a page what came and, where that is safe, what is registered.
    """

    name: str
    told: str
    client_id: str
    received: str | None = None
    registered: tuple[str, ...] = ()


class Reply(msgspec.Struct, frozen=True):
    """A redirect back to the client. `refusal` is set when it carries an error."""

    location: str
    refusal: Refusal | None = None


def present(
    params: Params, client: Client | None, issuer: str, law: Policy
) -> Request | Untrusted | Reply:
    """Decide about an authorization request. The order of the checks is policy (RFC 6749 4.1.2.1).

    Until client and redirect_uri are known, nothing is redirected; from then on every error is.
    """
    trusted = _trust(params, client, law)
    if isinstance(trusted, Untrusted) or client is None:
        return trusted if isinstance(trusted, Untrusted) else _unknown_client(params)
    state = params.values.get("state")
    bad_state = "state" in params.doubled or len(state or b"") > law.parameter
    no = (
        params.check_all(law, _SPEC)
        or (refusal.too_long("state", law.parameter) if bad_state else None)
        or params.check(law, _SPEC, "response_type", "response_mode", "scope")
        or params.check(law, _SPEC, "code_challenge", "code_challenge_method")
        or _response_type(params)
        or _scope_problem(params, client)
        or _pkce_problem(params, client)
    )
    if no is not None:
        return _error(trusted, issuer, no, None if bad_state else state)
    scope = _scope(params, client)
    return Request(
        trusted, scope, state, params.text("code_challenge") or None, _ui_locales(params)
    )


def digest(request: Request, issuer: str) -> str:
    """Compute D, the digest of a frozen request, which frames and consent are bound to."""
    return b64url(sha256(issuer.encode() + b"\0" + msgspec.json.encode(request)))


def query(request: Request) -> str:
    """Write the request as the query it came from: the way to try again."""
    pairs = {
        "response_type": b"code",
        "client_id": request.returns_to.client_id.encode(),
        "redirect_uri": request.returns_to.redirect_uri.encode(),
        "scope": " ".join(request.scope).encode(),
    }
    if request.state is not None:
        pairs["state"] = request.state
    if request.code_challenge is not None:
        pairs["code_challenge"] = request.code_challenge.encode()
        pairs["code_challenge_method"] = b"S256"
    if request.ui_locales:
        pairs["ui_locales"] = " ".join(request.ui_locales).encode()
    return urlencode(pairs, quote_via=quote)


def code_of(server_key: bytes, journey_id: str) -> str:
    """Derive the authorization code of a journey: one code ever, the same at every call."""
    return _CODE_PREFIX + b64url(mac(server_key, b"authorization-code", journey_id.encode()))


def reply(
    journey: Journey, now: int, server_key: bytes, issuer: str, law: Policy
) -> Decision[Reply]:
    """Answer the browser that came back for its redirect (RFC 6749 4.1.2, RFC 9207 2).

    The first call makes the code; until that is redeemed or old, a repeated call answers the
    same redirect. A journey without approval answers `access_denied`; one that still waits, or
    whose code was redeemed, is refused: there is nothing to fetch.
    """
    request = journey.request
    state = journey.at(now)
    if state is State.APPROVED and not journey.may_resume:
        return Decision(refusal.wrong_state(state, Event.RESUME))
    if state is State.APPROVED:
        code = code_of(server_key, journey.journey_id)
        after = msgspec.structs.replace(
            journey,
            state=State.REDIRECTED,
            code_hash=fingerprint(code),
            expires_at=now + law.code,
        )
        answer = Reply(_location(request.returns_to, issuer, request.state, code=code))
        return Decision(answer, (Move(Event.RESUME, journey, after),))
    if state is State.REDIRECTED:
        code = code_of(server_key, journey.journey_id)
        return Decision(Reply(_location(request.returns_to, issuer, request.state, code=code)))
    never_approved = (State.REJECTED, State.CANCELLED, State.KILLED, State.EXPIRED)
    if state in never_approved and journey.code_hash is None:
        return Decision(_error(request.returns_to, issuer, refusal.ACCESS_DENIED, request.state))
    return Decision(refusal.wrong_state(state, Event.RESUME))


def _trust(params: Params, client: Client | None, law: Policy) -> Trusted | Untrusted:
    for name in ("client_id", "redirect_uri"):
        no = params.check(law, _SPEC, name)
        if no is not None:
            return Untrusted(no.name, no.told, params.text("client_id")[:64])
    if client is None:
        return _unknown_client(params)
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


def _unknown_client(params: Params) -> Untrusted:
    client_id = params.text("client_id")
    if not client_id:
        return Untrusted(
            "client_id_missing", "The parameter client_id is missing. Send it once.", ""
        )
    return Untrusted("client_unknown", "No client with this client_id is registered.", client_id)


def _response_type(params: Params) -> Refusal | None:
    if "response_type" not in params.values:
        return refusal.missing("response_type", "RFC 6749 4.1.1")
    if params.text("response_type") != "code":
        return refusal.RESPONSE_TYPE_UNSUPPORTED
    if params.text("response_mode") not in ("", "query"):
        return refusal.RESPONSE_MODE_UNSUPPORTED
    return None


def _scope(params: Params, client: Client) -> tuple[str, ...]:
    asked = set(params.text("scope").split()) or set(client.scope)
    return tuple(scope for scope in SCOPES if scope in asked)


def _scope_problem(params: Params, client: Client) -> Refusal | None:
    asked = set(params.text("scope").split()) or set(client.scope)
    if not asked <= set(client.scope) or asked <= {"offline_access"}:
        return refusal.SCOPE_UNKNOWN
    return None


def _ui_locales(params: Params) -> tuple[str, ...]:
    """Read the language tags, of which none is worth a refusal (OpenID Connect Core 3.1.2.1)."""
    tags = params.text("ui_locales").split(" ", _TAGS_AT_MOST)[:_TAGS_AT_MOST]
    return tuple(tag for tag in tags if _LANGUAGE_TAG.match(tag))


def _pkce_problem(params: Params, client: Client) -> Refusal | None:
    challenge, method = params.text("code_challenge"), params.text("code_challenge_method")
    if not challenge and not method:
        return refusal.PKCE_REQUIRED if client.public else None
    # RFC 7636 4.3 lets a missing method mean "plain", which is not offered here.
    if method != "S256" or not _CHALLENGE.match(challenge):
        return refusal.PKCE_METHOD
    return None


def _error(trusted: Trusted, issuer: str, no: Refusal, state: bytes | None) -> Reply:
    answer = {"error": no.error, "error_description": no.told}
    answer["error_uri"] = refusal.page_of(no, issuer)
    return Reply(_location(trusted, issuer, state, **answer), no)


def _location(trusted: Trusted, issuer: str, state: bytes | None, **answer: str) -> str:
    """Write the redirect. `Trusted` is the proof that the place was registered."""
    pairs: dict[str, str | bytes] = dict(answer)
    if state is not None:
        pairs["state"] = state
    pairs["iss"] = issuer
    joint = "&" if "?" in trusted.redirect_uri else "?"
    return trusted.redirect_uri + joint + urlencode(pairs, quote_via=quote)
