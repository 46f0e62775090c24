"""Who is calling: client authentication, and what a registration must hold (RFC 6749 2.3)."""

import unicodedata
from binascii import a2b_base64
from typing import Final
from urllib.parse import unquote_plus, urlsplit

import msgspec

from endorse.core import assertion, profile, refusal
from endorse.core import certificate as certificates
from endorse.core.certificate import Certificate
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, same
from endorse.core.jose import Jws
from endorse.core.metadata import SECRET_METHODS
from endorse.core.model import Client, ClientSecret
from endorse.core.params import Params
from endorse.core.policy import ASKABLE, IDENTITY, Policy
from endorse.core.refusal import Refusal

_SPEC: Final = "RFC 6749 2.3.1"
_SECRET_PREFIX: Final = "ecs_"
_NAME_AT_MOST: Final = 80
_LOOPBACK: Final = ("127.0.0.1", "[::1]", "localhost")


class Credentials(msgspec.Struct, frozen=True):
    """What a call says of its client; all but the id is missing for a public one.

    `basic`: the secret came by the header. `assertion`: read, and not verified yet.
    """

    client_id: str
    secret: Secret | None = None
    basic: bool = False
    assertion: Jws | None = None


class Call(msgspec.Struct, frozen=True):
    """What a call is beside its form: to whom, by which addresses, with which certificate."""

    issuer: str
    endpoints: tuple[str, ...]
    """What plain clients may name as audience in place of the issuer."""
    certificate: Certificate | None = None


def credentials(params: Params, authorization: str | None, law: Policy) -> Credentials | Refusal:
    """Read how a client authenticates, in one way only (RFC 6749 2.3, 2.3.1; RFC 7521 4.2).

    A certificate is no part of it: a client may show one beside any of these, for its tokens.
    """
    names = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
    no = params.check(law, _SPEC, *names)
    if no is not None:
        return no
    client_id, secret = params.text("client_id"), params.text("client_secret")
    signed = assertion.read(params)
    if (authorization is not None) + (secret != "") + (signed is not None) > 1:
        return refusal.CLIENT_AUTH_TWICE
    if isinstance(signed, Refusal):
        return signed
    if signed is not None:
        said = Credentials(signed.said("sub"), assertion=signed)
    elif authorization is not None:
        basic = _basic(authorization)
        if basic is None:
            return refusal.CLIENT_UNKNOWN.because("unusable Authorization header")
        said = basic
    else:
        said = Credentials(client_id, Secret(secret) if secret else None)
    if not said.client_id:
        return refusal.CLIENT_UNKNOWN.because("no client_id")
    if client_id and client_id != said.client_id:
        return refusal.CLIENT_UNKNOWN.because("client_id differs from the one that authenticates")
    return said


def authenticate(
    said: Credentials, client: Client | None, call: Call, now: int, law: Policy
) -> Client | Refusal:
    """Find whether this client calls, by the one method that it is registered for.

    An unknown client is refused like any other. An assertion that is good must still be used up.

    See also RFC 6749 2.2, 3.2.1.
    """
    no = refusal.CLIENT_UNKNOWN
    if client is None:
        return no.because("unknown client")
    method = "none" if client.public else client.metadata.token_endpoint_auth_method
    if method not in profile.of(client).auth_methods:
        return no.because(f"{method} is not allowed in the profile {client.profile}")
    if said.assertion is not None and method != "private_key_jwt":
        return no.because(f"an assertion of a client registered for {method}")
    if said.secret is not None and method not in SECRET_METHODS:
        return no.because(f"a secret of a client registered for {method}")
    if method == "none":
        return client
    if method in SECRET_METHODS:
        problem = _secret_problem(said.secret, client, now)
    elif said.assertion is not None:
        problem = assertion.problem(said.assertion, client, call.issuer, call.endpoints, now, law)
    elif method == "private_key_jwt":
        problem = "no client_assertion of a client registered for private_key_jwt"
    else:
        problem = certificates.problem(call.certificate, client.metadata)
    return no.because(problem) if problem else client


def _secret_problem(secret: Secret | None, client: Client, now: int) -> str:
    """Say why a secret does not show this client, or "". Header and form are both good."""
    if secret is None:
        return "no client_secret"
    received = fingerprint(secret.reveal())
    good = [
        kept
        for kept in client.secrets
        if same(kept.secret_hash, received) and (kept.expires_at is None or now < kept.expires_at)
    ]
    return "" if good else "wrong or replaced client_secret"


def new_secret(fresh: Fresh, now: int) -> tuple[Secret, ClientSecret]:
    """Make a secret of 256 random bits: the one to show once, and what is stored of it.

    See also RFC 6749 10.10; FAPI 2.0 5.4.1.
    """
    text = _SECRET_PREFIX + b64url(fresh(32))
    return Secret(text), ClientSecret(fingerprint(text), now)


def scope_of(asked: str) -> tuple[str, ...] | str:
    """Read the scope of a registration; or say what is wrong with it."""
    names = asked.split()
    unknown = [name for name in names if name not in ASKABLE]
    if unknown:
        return f"Unknown scope: {unknown[0]}. There are: {' '.join(ASKABLE)}."
    if not set(names) - {"offline_access", *IDENTITY}:
        return "A client needs at least one of accounts, balances, transactions."
    return tuple(name for name in ASKABLE if name in names)


def name_problem(name: str) -> str:
    """Say what keeps a name from being shown to people, or "".

    Control and direction characters could make one name look like another on the phone.
    """
    if not 1 <= len(name) <= _NAME_AT_MOST or name != name.strip():
        return f"must have 1 to {_NAME_AT_MOST} characters, without spaces around them"
    if unicodedata.normalize("NFC", name) != name:
        return "must be in Unicode's composed form (NFC)"
    if any(unicodedata.category(letter)[0] in "CZ" and letter != " " for letter in name):
        return "must hold no control, direction or unusual space characters"
    return ""


def redirect_uri_problem(uri: str) -> str:
    """Say what keeps a redirect_uri from being registered, or "" (RFC 6749 3.1.2; RFC 9700 2.1).

    Absolute, without fragment, in visible ASCII; https, or http on this very machine, or a
    private scheme of a native app in reverse domain form (RFC 8252 7.1).

    See also RFC 6749 3.1.2.2; RFC 9700 4.1.3.
    """
    if not uri or any(not "!" <= c <= "~" for c in uri):
        return "must be visible ASCII without spaces"
    try:
        parts = urlsplit(uri)
        port = parts.port  # reading it is what checks it
    except ValueError:
        return "is not a URI"
    if not parts.scheme:
        return "must be absolute, with its scheme"
    if "#" in uri:
        return "must have no fragment"
    if "@" in parts.netloc:
        return "must hold no user name"
    if parts.scheme == "https":
        return "" if parts.hostname else "needs a host"
    if parts.scheme == "http":
        host = parts.netloc.rsplit(":", 1)[0] if port else parts.netloc
        return "" if host in _LOOPBACK else "must be https (http only on this machine)"
    return "" if "." in parts.scheme else "a private scheme must be a reversed domain name"


def _basic(header: str) -> Credentials | None:
    """Read `Basic`, whose two parts are form-encoded first (RFC 6749 2.3.1, appendix B)."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = a2b_base64(value.strip(), strict_mode=True).decode()
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    if not colon or not client_id:
        return None
    if "%" in text or "+" in text:
        client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    return Credentials(client_id, Secret(secret) if secret else None, basic=True)
