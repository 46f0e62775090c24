"""A client that shows itself by a signed assertion (RFC 7523 2.2, 3; OpenID Connect Core 9)."""

from typing import Any, Final

from endorse.core import jose, profile, refusal
from endorse.core.change import UseOnce
from endorse.core.coding import fingerprint
from endorse.core.jose import Jws, Unreadable
from endorse.core.model import Client
from endorse.core.params import Params
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES: Final = ("", "jwt", "client-authentication+jwt")
_PARAMETERS: Final = ("client_assertion", "client_assertion_type")
_JTI_AT_MOST: Final = 255


def read(params: Params) -> Jws | Refusal | None:
    """Read the assertion of a call, which is NOT verified yet; None if it brings none.

    The two parameters come together or not at all (RFC 7521 4.2).
    """
    if params.values.keys().isdisjoint(_PARAMETERS):
        return None
    text, kind = params.text("client_assertion"), params.text("client_assertion_type")
    if kind != JWT_BEARER or not text:
        return refusal.ASSERTION_TYPE
    try:
        token = jose.read(text, _TYPES)
    except Unreadable as why:
        return refusal.CLIENT_UNKNOWN.because(f"unreadable assertion: {why}")
    if not token.said("sub") or token.said("sub") != token.said("iss"):
        return refusal.CLIENT_UNKNOWN.because("iss and sub of the assertion are not one client_id")
    return token


def problem(
    token: Jws, client: Client, issuer: str, endpoints: tuple[str, ...], now: int, law: Policy
) -> str:
    """Say what keeps an assertion from showing that this client calls, or "" (RFC 7523 3).

    `endpoints` are the addresses of this server that a plain client may name as audience beside
    the issuer. That it was not used before is for the store to say: see `use`.
    """
    if token.said("sub") != client.client_id:
        return "sub is not this client"
    if not _for_us(token.claims.get("aud"), client, issuer, endpoints):
        return "aud is not this server"
    late = _time_problem(token, client, now, law)
    if late:
        return late
    if not 1 <= len(token.said("jti")) <= _JTI_AT_MOST:
        return f"jti must be a text of 1 to {_JTI_AT_MOST} characters"
    try:
        keys = jose.keys_of(client.metadata.jwks)
    except ValueError as broken:
        return f"the registered jwks: {broken}"
    allowed = profile.algorithms(client, client.metadata.token_endpoint_auth_signing_alg)
    return jose.verify(token, keys, allowed)


def use(token: Jws, client: Client, law: Policy) -> UseOnce:
    """Use a verified assertion up (RFC 7523 3, item 7: one `jti`, one call)."""
    what = f"client assertion\0{client.client_id}\0{token.said('jti')}"
    return UseOnce(fingerprint(what), (token.number("exp") or 0) + law.clocks_differ)


def _for_us(aud: Any, client: Client, issuer: str, endpoints: tuple[str, ...]) -> bool:
    """Find the server in `aud` (RFC 7523 3, item 3; FAPI 2.0 Security Profile 5.3.2.1)."""
    if profile.of(client).issuer_audience:
        return isinstance(aud, str) and aud == issuer
    named = aud if isinstance(aud, list) else [aud]
    return any(isinstance(one, str) and one in (issuer, *endpoints) for one in named)


def _time_problem(token: Jws, client: Client, now: int, law: Policy) -> str:
    """Check exp, and iat and nbf where they are (RFC 7523 3, items 4 to 6)."""
    lives = profile.of(client).assertion_lives
    expires_at = token.number("exp")
    if expires_at is None:
        return "exp is missing"
    if now >= expires_at + law.clocks_differ:
        return "expired"
    if expires_at > now + lives + law.clocks_differ:
        return f"exp is more than {lives} s ahead"
    for name in ("iat", "nbf"):
        if name not in token.claims:
            continue
        at = token.number(name)
        if at is None:
            return f"{name} is no number"
        if at > now + law.clocks_differ:
            return f"{name} is in the future"
        if name == "iat" and at < now - lives - law.clocks_differ:
            return f"iat is more than {lives} s ago"
    return ""
