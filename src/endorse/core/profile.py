"""What each profile demands of a client and its requests, in one table; who needs one asks here.

`plain` is the simple code flow that third parties know. `fapi2` is the FAPI 2.0 Security Profile,
and is enforced whole. A client may ask for more than its profile demands, never for less: the
functions below take both together.
"""

from typing import Final

import msgspec

from endorse.core.jose import PLAIN_SIGNATURES, SIGNATURES
from endorse.core.metadata import AUTH_METHODS, FAPI2, KEY_METHODS, PLAIN
from endorse.core.model import Client
from endorse.core.policy import HOUR


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the table. Sections are those of the FAPI 2.0 Security Profile."""

    public_clients: bool
    """Whether a client may be without any key or secret (5.3.2.1)."""
    auth_methods: tuple[str, ...]
    """How a client may authenticate (5.3.2.1)."""
    issuer_audience: bool
    """Whether an assertion's `aud` must be the issuer alone, as a text (5.3.2.1)."""
    assertion_lives: int
    """For how many seconds an assertion may be good at most."""
    signatures: tuple[str, ...]
    """What may sign for a client (5.4.1)."""
    bound_tokens: bool
    """Whether access tokens must be bound to a key, by DPoP or mutual TLS (5.3.2.1)."""
    nonces: bool
    """Whether a DPoP proof must hold a nonce of the server (RFC 9449 8; FAPI leaves it open)."""
    rotates: bool
    """Whether refresh tokens rotate (5.3.2.1: not in FAPI, whose clients hold a key)."""
    pushed_only: bool
    """Whether an authorization request must be pushed (5.3.2.2)."""
    pkce: bool
    """Whether a request must bring a code_challenge; the method is S256 in any case (5.3.2.2)."""
    no_private_schemes: bool
    """Whether a redirect_uri must be https, or http on this very machine (5.3.2.2)."""
    signed_backchannel: bool
    """Whether what a client asks on the phone must be signed (FAPI-CIBA 5.2.2)."""


TABLE: Final = {
    PLAIN: Profile(
        public_clients=True,
        auth_methods=AUTH_METHODS,
        issuer_audience=False,
        # Authlib signs for an hour, and a plain client's library is taken as it is.
        assertion_lives=HOUR,
        signatures=PLAIN_SIGNATURES,
        bound_tokens=False,
        nonces=False,
        rotates=True,
        pushed_only=False,
        pkce=False,
        no_private_schemes=False,
        signed_backchannel=False,
    ),
    FAPI2: Profile(
        public_clients=False,
        auth_methods=KEY_METHODS,
        issuer_audience=True,
        # An assertion is made for one call: minutes are for clocks that differ, not for use.
        assertion_lives=600,
        signatures=SIGNATURES,
        bound_tokens=True,
        nonces=True,
        rotates=False,
        pushed_only=True,
        pkce=True,
        no_private_schemes=True,
        signed_backchannel=True,
    ),
}
"""The profiles. Codes live 60 s and are used once in both (5.3.2.1; `Policy.code`)."""


def of(client: Client) -> Profile:
    """Give the column of the table that this client is held to."""
    return TABLE[client.profile]


def pushed_only(client: Client) -> bool:
    """Say whether its authorization requests must be pushed (RFC 9126 6, FAPI 2.0 5.3.2.2)."""
    return of(client).pushed_only or client.metadata.require_pushed_authorization_requests


def pkce(client: Client) -> bool:
    """Say whether its requests must bring a code_challenge (RFC 9700 2.1.1, FAPI 2.0 5.3.2.2)."""
    return of(client).pkce or client.public


def signed_request(client: Client) -> bool:
    """Say whether its requests must be signed (RFC 9101 10.5; FAPI 2.0 Message Signing 5.3.1)."""
    return client.metadata.require_signed_request_object


def signed_backchannel(client: Client) -> bool:
    """Say whether what it asks on the phone must be signed (CIBA Core 7.1.1, FAPI-CIBA 5.2.2).

    A client that registers an algorithm for that sends nothing else.
    """
    registered = client.metadata.backchannel_authentication_request_signing_alg
    return of(client).signed_backchannel or bool(registered)


def signed_response(client: Client) -> bool:
    """Say whether authorization responses must be signed (JARM; FAPI 2.0 Message Signing 5.4.1).

    A client that registers an algorithm for them gets no other responses.
    """
    return bool(client.metadata.authorization_signed_response_alg)


def signed_introspection(client: Client) -> bool:
    """Say whether introspection answers must be signed (RFC 9701; Message Signing 5.5.1)."""
    return bool(client.metadata.introspection_signed_response_alg)


def bound_tokens(client: Client) -> bool:
    """Say whether its access tokens must be bound to a key (RFC 8705 3.4, RFC 9449 5.2)."""
    return of(client).bound_tokens or dpop_only(client) or certificate_only(client)


def rotates(client: Client, bound_to: str) -> bool:
    """Say whether a refresh gives a new refresh token (RFC 9700 2.2.2, FAPI 2.0 5.3.2.1).

    Rotation finds out that a stolen one was used. It loses connections where an answer is lost, so
    it is not done where a thief could use nothing: the client authenticates, and its tokens are
    bound to a key.
    """
    return of(client).rotates and (client.public or not bound_to)


def dpop_only(client: Client) -> bool:
    """Say whether its tokens must be bound by DPoP (RFC 9449 5.2)."""
    return client.metadata.dpop_bound_access_tokens


def certificate_only(client: Client) -> bool:
    """Say whether its tokens must be bound to its certificate (RFC 8705 3.4)."""
    return client.metadata.tls_client_certificate_bound_access_tokens


def algorithms(client: Client, registered: str = "") -> tuple[str, ...]:
    """Give what may sign for it: what it registered for this use, or all of its profile."""
    allowed = of(client).signatures
    if not registered:
        return allowed
    return tuple(alg for alg in allowed if alg == registered)
