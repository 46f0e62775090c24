"""What a client asks for, parameter by parameter: good, or what is wrong with it."""

import re
from typing import Final
from urllib.parse import quote, urlencode

from endorse.core import alter, details, profile, refusal, refusal_requests
from endorse.core.answer import MODES, is_signed
from endorse.core.coding import strict_json
from endorse.core.details import Details
from endorse.core.model import Client, Request, Trusted
from endorse.core.params import Params
from endorse.core.policy import ASKABLE, IDENTITY, Policy
from endorse.core.refusal import Refusal

_SPEC: Final = "RFC 6749 4.1.2.1"
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_SECONDS: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}\Z", re.ASCII)
_TAGS_AT_MOST: Final = 8
_PROMPTS: Final = ("login", "consent")

HINT_NOT_TAKEN: Final = Refusal(
    "id_token_hint_not_taken",
    "login_required",
    400,
    "Nobody is signed in here whom id_token_hint could name. Leave it out, and compare the sub "
    "of the ID token with the one that you expect.",
    "OpenID Connect Core 3.1.2.1",
)


def read(
    params: Params,
    client: Client,
    trusted: Trusted,
    issuer: str,
    law: Policy,
    *,
    pushed: bool = False,
    signed: bool = False,
) -> Request | Refusal:
    """Freeze a request of this client, or say what is wrong. The order of the checks is policy.

    `pushed` and `signed` say how it came: some clients may ask in no other way (RFC 9126 5,
    RFC 9101 10.5). Parameters that are not known are ignored (RFC 6749 3.1).

    See also RFC 6749 3.1.1; RFC 7636 4.4, 4.4.1; RFC 9700 2.1.2.
    """
    no = (
        params.check_all(law, _SPEC)
        or _state_problem(params, law)
        or params.check(law, _SPEC, "response_type", "response_mode", "scope")
        or params.check(law, _SPEC, "code_challenge", "code_challenge_method")
        or params.check(law, _SPEC, "nonce", "prompt", "max_age", "dpop_jkt")
        or params.check(law, _SPEC, "grant_management_action", "grant_id")
        or params.check(law, _SPEC, "authorization_details")
        or _way_problem(client, pushed, signed)
        or _response_type(params, client)
        or _carried(params, client, law)
    )
    if no is not None:
        return no
    asked = _details(params, client, issuer, law)
    if isinstance(asked, Refusal):
        return asked
    no = (
        _scope_problem(params, client, asked)
        or _pkce_problem(params, client)
        or _openid_problem(params)
        or _dpop_problem(params)
        or alter.problem(params, client)
    )
    if no is not None:
        return no
    max_age = params.text("max_age")
    return Request(
        returns_to=trusted,
        scope=_scope(params, client, asked),
        state=params.values.get("state"),
        code_challenge=params.text("code_challenge") or None,
        ui_locales=_ui_locales(params),
        response_mode=params.text("response_mode") or _usual_mode(client),
        nonce=params.text("nonce") or None,
        prompt=tuple(params.text("prompt").split()),
        max_age=int(max_age) if max_age else None,
        authorization_details=asked,
        dpop_jkt=params.text("dpop_jkt") or None,
        grant_action=params.text("grant_management_action"),
        grant_id=params.text("grant_id"),
    )


def scope(params: Params, client: Client) -> tuple[str, ...] | Refusal:
    """Give the scope that is asked, as every kind of request asks it (RFC 6749 3.3)."""
    return _scope_problem(params, client, ()) or _scope(params, client, ())


def query(request: Request) -> str:
    """Write a request as the query it came from: what `read` reads as the same again."""
    implied = details.scope_of(request.authorization_details)
    texts = {
        "response_type": "code",
        "client_id": request.returns_to.client_id,
        "redirect_uri": request.returns_to.redirect_uri,
        "scope": " ".join(it for it in request.scope if it not in implied),
        "code_challenge": request.code_challenge or "",
        "code_challenge_method": "S256" if request.code_challenge else "",
        "ui_locales": " ".join(request.ui_locales),
        "response_mode": "" if request.response_mode == "query" else request.response_mode,
        "nonce": request.nonce or "",
        "prompt": " ".join(request.prompt),
        "max_age": "" if request.max_age is None else str(request.max_age),
        "dpop_jkt": request.dpop_jkt or "",
        "grant_management_action": request.grant_action,
        "grant_id": request.grant_id,
    }
    if request.authorization_details:
        texts["authorization_details"] = details.write(request.authorization_details)
    pairs = {name: text.encode() for name, text in texts.items() if text}
    if request.state is not None:
        pairs["state"] = request.state
    return urlencode(pairs, quote_via=quote)


def state(params: Params, client: Client, law: Policy) -> bytes | None:
    """Give the state as it can go back: byte for byte, and not at all if it is a bad one."""
    bad = _state_problem(params, law)
    if bad is None and mode(params, client) != "query":
        bad = params.check(law, _SPEC, "state")
    return None if bad else params.values.get("state")


def mode(params: Params, client: Client) -> str:
    """Give the response_mode in which an error travels: the asked one, if it is a good one."""
    said = params.text("response_mode")
    good = said in MODES and "response_mode" not in params.doubled
    if not good or (profile.signed_response(client) and not is_signed(said)):
        return _usual_mode(client)
    return said


def _state_problem(params: Params, law: Policy) -> Refusal | None:
    bad = "state" in params.doubled or len(params.values.get("state", b"")) > law.parameter
    return refusal.too_long("state", law.parameter) if bad else None


def _way_problem(client: Client, pushed: bool, signed: bool) -> Refusal | None:
    if profile.pushed_only(client) and not pushed:
        return refusal_requests.PUSH_REQUIRED
    if profile.signed_request(client) and not signed:
        return refusal_requests.SIGNED_REQUEST_REQUIRED
    return None


def _usual_mode(client: Client) -> str:
    return "jwt" if profile.signed_response(client) else "query"


def _carried(params: Params, client: Client, law: Policy) -> Refusal | None:
    """Refuse a state that a form or a signed answer could not carry back as it came."""
    if (params.text("response_mode") or _usual_mode(client)) == "query":
        return None
    return params.check(law, _SPEC, "state")


def _response_type(params: Params, client: Client) -> Refusal | None:
    if "response_type" not in params.values:
        return refusal.missing("response_type", "RFC 6749 4.1.1")
    if params.text("response_type") != "code":
        return refusal.RESPONSE_TYPE_UNSUPPORTED
    if params.text("response_mode") not in ("", *MODES):
        return refusal.RESPONSE_MODE_UNSUPPORTED
    asked = params.text("response_mode") or _usual_mode(client)
    if profile.signed_response(client) and not is_signed(asked):
        return refusal_requests.SIGNED_RESPONSE_ONLY
    return None


def _details(params: Params, client: Client, issuer: str, law: Policy) -> Details | Refusal:
    """Read authorization_details of a type that this client may ask for (RFC 9396 5, 10)."""
    text = params.values.get("authorization_details")
    if text is None:
        return ()
    no = refusal_requests.DETAILS_NOT_GOOD
    try:
        generic = strict_json(text)
    except (ValueError, RecursionError):
        return no.because("not strict JSON")
    asked = details.read(generic, issuer, law.accounts_chosen)
    if isinstance(asked, str):
        return no.because(asked)
    if not set(details.types_of(asked)) <= set(client.metadata.authorization_details_types):
        return no.because("a type that the client is not registered for")
    return asked


def _words(params: Params, client: Client, asked: Details) -> set[str]:
    """Give what is asked; without scope and details all that the client may, but not who it is of.

    A request without `openid` is none of OpenID Connect (OpenID Connect Core 3.1.2.1).
    """
    said = set(params.text("scope").split())
    if asked:
        return said | set(details.scope_of(asked))
    return said or set(client.scope) - set(IDENTITY)


def _scope(params: Params, client: Client, asked: Details) -> tuple[str, ...]:
    words = _words(params, client, asked)
    return tuple(scope for scope in ASKABLE if scope in words)


def _scope_problem(params: Params, client: Client, asked: Details) -> Refusal | None:
    words = _words(params, client, asked)
    if asked:
        # A payment is shown alone, and nothing else is signed with it.
        payment = details.payment_of(asked) is not None
        beside = () if payment else ("offline_access", *IDENTITY)
        if not set(params.text("scope").split()) <= set(beside):
            return refusal_requests.SCOPE_BESIDE_DETAILS
        if payment:
            return None
    if not words <= set(client.scope) or words <= {"offline_access", *IDENTITY}:
        return refusal.SCOPE_UNKNOWN
    if "profile" in words and "openid" not in words:
        return refusal.SCOPE_UNKNOWN.because("profile without openid")
    return None


def _ui_locales(params: Params) -> tuple[str, ...]:
    """Read the language tags, of which none is worth a refusal (OpenID Connect Core 3.1.2.1)."""
    tags = params.text("ui_locales").split(" ", _TAGS_AT_MOST)[:_TAGS_AT_MOST]
    return tuple(tag for tag in tags if _LANGUAGE_TAG.match(tag))


def _pkce_problem(params: Params, client: Client) -> Refusal | None:
    challenge, method = params.text("code_challenge"), params.text("code_challenge_method")
    if not challenge and not method:
        return refusal.PKCE_REQUIRED if profile.pkce(client) else None
    # RFC 7636 4.3 lets a missing method mean "plain", which is not offered here.
    if method != "S256" or not _THUMBPRINT.match(challenge):
        return refusal.PKCE_METHOD
    return None


def _openid_problem(params: Params) -> Refusal | None:
    # Who approves is known on the phone alone, so nothing can be promised about somebody
    # (OpenID Connect Core 3.1.2.1).
    if "id_token_hint" in params.values:
        return HINT_NOT_TAKEN
    prompt = params.text("prompt").split()
    if prompt != ["none"] and not set(prompt) <= set(_PROMPTS):
        return refusal_requests.PROMPT_UNSUPPORTED
    max_age = params.text("max_age")
    return None if not max_age or _SECONDS.match(max_age) else refusal_requests.MAX_AGE_WRONG


def _dpop_problem(params: Params) -> Refusal | None:
    jkt = params.text("dpop_jkt")
    return None if not jkt or _THUMBPRINT.match(jkt) else refusal_requests.DPOP_JKT_WRONG
