"""Software statements: what somebody whom the bank trusts says of a client (RFC 7591 2.3)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from endorse.core import jose
from endorse.core.metadata import PROFILES
from endorse.core.policy import DAY, Policy
from endorse.core.profile import TABLE
from endorse.core.refusal import Refusal

_TYPES: Final = ("", "jwt", "software-statement+jwt")
_ABOUT_ITSELF: Final = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "software_statement")
# A statement that says only when it was made is as good as a fresh one for this long.
_FRESH: Final = DAY

NOT_GOOD: Final = Refusal(
    "software_statement_not_good",
    "invalid_software_statement",
    400,
    "The software statement cannot be read, is not signed by a key of its issuer, or is over.",
    "RFC 7591 3.2.2",
)
UNAPPROVED: Final = Refusal(
    "software_statement_unapproved",
    "unapproved_software_statement",
    400,
    "This bank takes no software statements of this issuer.",
    "RFC 7591 3.2.2",
)


class Issuer(msgspec.Struct, frozen=True):
    """Whose statements the operator trusts, by which keys, and for clients of which profile."""

    issuer: str
    profile: str
    jwks: str


class Statement(msgspec.Struct, frozen=True):
    """A verified statement: who says what."""

    by: Issuer
    claims: dict[str, Any]


def read(
    text: str, trusted: Mapping[str, Issuer], issuer: str, now: int, law: Policy
) -> Statement | Refusal:
    """Verify a statement (RFC 7591 3.1.1). `issuer` is this server, should it name an audience."""
    try:
        token = jose.read(text, _TYPES)
    except jose.Unreadable as why:
        return NOT_GOOD.because(str(why))
    by = trusted.get(token.said("iss"))
    if by is None:
        return UNAPPROVED.because("an issuer that is not trusted")
    wrong = jose.verify(token, jose.keys_of(by.jwks), TABLE[by.profile].signatures)
    wrong = wrong or _time_problem(token, now, law)
    if not wrong and token.claims.get("aud", issuer) not in (issuer, [issuer]):
        wrong = "made for another server"
    if wrong:
        return NOT_GOOD.because(wrong)
    said = {name: it for name, it in token.claims.items() if name not in _ABOUT_ITSELF}
    return Statement(by, said)


def why_unusable(one: Issuer) -> str:
    """Say what is wrong with what the operator set, or ""."""
    if not one.issuer.startswith("https://"):
        return f"{one.issuer!r} is no https address"
    if one.profile not in PROFILES:
        return f"the profile of {one.issuer} must be one of {', '.join(PROFILES)}"
    try:
        keys = jose.keys_of(one.jwks)
    except ValueError as broken:
        return f"the keys of {one.issuer}: {broken}"
    return "" if keys else f"{one.issuer} has no keys"


def _time_problem(token: jose.Jws, now: int, law: Policy) -> str:
    times = {name: token.number(name) for name in ("exp", "iat", "nbf") if name in token.claims}
    if None in times.values():
        return "a time is no number"
    for name in ("iat", "nbf"):
        if (times.get(name) or 0) > now + law.clocks_differ:
            return f"{name} is in the future"
    if "exp" in times:
        return "expired" if now >= (times["exp"] or 0) + law.clocks_differ else ""
    if "iat" not in times:
        return "it says neither when it was made nor until when it is good"
    return "made too long ago, and without exp" if (times["iat"] or 0) < now - _FRESH else ""
