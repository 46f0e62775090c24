"""Requests that a client signed (RFC 9101): what stands inside is asked, and nothing else."""

from typing import Any, Final

import msgspec

from endorse.core import jose, profile, refusal, refusal_requests
from endorse.core.coding import fingerprint
from endorse.core.metadata import FAPI2
from endorse.core.model import Client
from endorse.core.params import Params
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal

_TYPE: Final = "oauth-authz-req+jwt"
_OF_THE_TOKEN: Final = ("iss", "aud", "exp", "nbf", "iat", "jti", "sub")
_NO: Final = refusal_requests.REQUEST_OBJECT_NOT_GOOD


class Inside(msgspec.Struct, frozen=True):
    """The parameters that count: those of the call, or those inside its signed request."""

    params: Params
    text: str = ""
    """The signed request itself; "" where there was none."""
    once: str = ""
    """What stands for its jti among the things that are used once; "" without one."""


def unwrapped(
    params: Params,
    client: Client,
    issuer: str,
    now: int,
    law: Policy,
    at_most: int,
    backchannel: bool = False,
) -> Inside | Refusal:
    """Give the parameters that count; refuse a signed request that cannot be believed.

    Beside it only client_id is looked at, which must be the same (RFC 9101 5, 6.3). `backchannel`
    requests are those of CIBA, by its own rules.
    """
    no = params.check(law, "RFC 9101 5", "request")
    if no is not None:
        return no
    text = params.text("request")
    if not text:
        return Inside(params)
    if len(text) > at_most:
        return refusal.too_long("request", at_most)
    if "client_id" in params.doubled:
        return refusal.doubled("client_id", "RFC 9101 5")
    return opened(text, client, issuer, now, law, backchannel)


def opened(
    text: str, client: Client, issuer: str, now: int, law: Policy, backchannel: bool = False
) -> Inside | Refusal:
    """Verify a signed request and read what is inside (RFC 9101 6.1 to 6.3).

    For a fapi2 client nbf and exp are required and bounded (FAPI 2.0 Message Signing 5.3.1);
    for every client those that came must hold. CIBA has no type of its own, names the client by
    iss alone, and requires all that keeps a request from being used twice (CIBA Core 7.1.1).
    """
    strict = client.profile == FAPI2 or backchannel
    try:
        token = jose.read(text, (_TYPE,) if strict and not backchannel else (_TYPE, "jwt", ""))
        keys = jose.keys_of(client.metadata.jwks)
    except ValueError as wrong:
        return _NO.because(str(wrong))
    metadata = client.metadata
    asked_alg, ciba_alg = (
        metadata.request_object_signing_alg,
        metadata.backchannel_authentication_request_signing_alg,
    )
    allowed = profile.algorithms(client, ciba_alg if backchannel else asked_alg)
    wrong_signature = jose.verify(token, keys, allowed)
    if wrong_signature:
        return _NO.because(wrong_signature)
    if backchannel and not (token.said("jti") and token.number("iat")):
        return _NO.because("jti or iat is missing")
    named = (client.client_id, "") if backchannel else (client.client_id,)
    detail = _claims_problem(token, client, issuer, named)
    detail = detail or _time_problem(token, now, strict, law)
    if detail:
        return _NO.because(detail)
    inside = _inside(token.claims)
    if inside is None:
        return _NO.because("a parameter is no text")
    jti = token.said("jti")
    once = fingerprint(f"request object\0{client.client_id}\0{jti}") if jti else ""
    return Inside(inside, text, once)


def _claims_problem(token: jose.Jws, client: Client, issuer: str, named: tuple[str, ...]) -> str:
    aud = token.claims.get("aud")
    if token.said("iss") != client.client_id:
        return "iss is not the client"
    if not (aud == issuer or (isinstance(aud, list) and issuer in aud)):
        return "aud is not this issuer"
    if token.said("client_id") not in named:
        return "client_id inside is another one"
    if token.said("sub") == client.client_id:
        # RFC 9101 10.8: it could be a client assertion that somebody overheard.
        return "sub is the client"
    nested = [name for name in ("request", "request_uri") if name in token.claims]
    return f"{nested[0]} inside" if nested else ""


def _time_problem(token: jose.Jws, now: int, strict: bool, law: Policy) -> str:
    exp, nbf, iat = (token.number(name) for name in ("exp", "nbf", "iat"))
    for name, number in (("exp", exp), ("nbf", nbf), ("iat", iat)):
        if name in token.claims and number is None:
            return f"{name} is no number"
    if exp is not None and exp <= now - law.clocks_differ:
        return "expired"
    if max(nbf or 0, iat or 0) > now + law.clocks_differ:
        return "from the future"
    if not strict:
        return ""
    if nbf is None or exp is None:
        return "nbf and exp are required here"
    if now - nbf > law.request_object_age or exp - nbf > law.request_object_age:
        return "nbf too old, or exp too far from it"
    return ""


def _inside(claims: dict[str, Any]) -> Params | None:
    """Read claims as parameters; JSON that is no text becomes its text (RFC 9101 4)."""
    values: dict[str, bytes] = {}
    for name, value in claims.items():
        if name in _OF_THE_TOKEN or value == "":
            continue
        try:
            values[name] = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        except UnicodeEncodeError:
            return None
    return Params(values)
