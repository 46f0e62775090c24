"""Who approved, as a client may know it (OpenID Connect Core)."""

from collections.abc import Sequence
from typing import Any, Final

from endorse.core import jose, signing
from endorse.core.coding import b64url, mac, sha256
from endorse.core.metadata import CIBA
from endorse.core.model import Client
from endorse.core.policy import Terms
from endorse.core.redeem import Tokens

ACR: Final = "urn:openbanking:psd2:sca"
"""How the person authenticated: strong customer authentication (RTS 2018/389 article 4), in the
word that open banking has for it. No word for more: a code on a screen can be relayed."""
AMR: Final = ("pop", "user", "mfa")
"""A key was shown, the person was there, by two factors: the phone's passkey (RFC 8176 2)."""

CLAIMS: Final = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash"),
    "name",
)
"""All that is ever said of a person, in ID tokens and at /userinfo."""


def subject(server_key: bytes, client_id: str, person_id: str) -> str:
    """Derive what a client knows a person by: the same for ever, and another at each client.

    A pairwise identifier (OpenID Connect Core 8.1): two clients that compare theirs learn nothing,
    and the bank's own name for the person cannot be found from it without the server's key.
    """
    return b64url(mac(server_key, b"openid-subject", client_id.encode(), person_id.encode()))


def subject_of(server_key: bytes, client_id: str, person_id: str) -> str:
    """Give the `sub` of a token: its person, or the client itself where it concerns nobody.

    RFC 9068 2.2; a client_id cannot be taken for a person's: it never has 43 characters.
    """
    return subject(server_key, client_id, person_id) if person_id else client_id


def claims(
    tokens: Tokens, access_token: str, client: Client, terms: Terms, now: int
) -> dict[str, Any]:
    """Write what an ID token says (OpenID Connect Core 2, 3.1.3.6).

    `access_token` is the text as the client gets it. Every algorithm here hashes by SHA-256, so
    `at_hash` is the left half of that. After a refresh there is no nonce: none asked for it
    (OpenID Connect Core 12.2). Where the client may ask on phones, the token names the grant: shown
    as id_token_hint it leads back to the person, whom nobody can find by `sub`.
    """
    said = {
        "iss": terms.issuer,
        "sub": subject(terms.server_key, client.client_id, tokens.person_id),
        "aud": client.client_id,
        "exp": now + terms.law.id_token,
        "iat": now,
        "auth_time": tokens.approved_at,
        "acr": ACR,
        "amr": list(AMR),
        "at_hash": b64url(sha256(access_token.encode())[:16]),
    }
    if tokens.token is not None and CIBA in client.metadata.grant_types:
        said["grant_id"] = tokens.token.grant_id
    return {**said, "nonce": tokens.nonce} if tokens.nonce is not None else said


def grant_of_id_token(text: str, keys: Sequence[jose.Key], issuer: str, client_id: str) -> str:
    """Read whose grant an ID token of ours is about, however old it is; "" if it is none for this
    client, or was signed by a key that is published no more (CIBA Core 7.1).
    """
    try:
        token = jose.read(text, ("jwt",))
    except jose.Unreadable:
        return ""
    mine = token.said("iss") == issuer and token.claims.get("aud") == client_id
    if not mine or jose.verify(token, keys, signing.ALGORITHMS):
        return ""
    return token.said("grant_id")
