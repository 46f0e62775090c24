"""How a token is found in the store: by the hash of an opaque one, by the `jti` of a signed one."""

from typing import Final

from endorse.core import jose
from endorse.core.coding import fingerprint
from endorse.core.jose import Unreadable
from endorse.server.desk import Desk

TYP: Final = "at+jwt"
ALG: Final = "ES256"


async def hash_of(desk: Desk, text: str) -> str:
    """Give the hash under which an access token is stored; "" for none of this server's.

    The `jti` of a signed token is that hash. It is no secret, so it counts only under our own
    signature, as a token of this issuer and for this issuer's API (RFC 9068 4).
    """
    if text.count(".") != 2:
        return fingerprint(text)
    try:
        token = jose.read(text, (TYP,))
    except Unreadable:
        return ""
    if token.said("iss") != desk.issuer or token.said("aud") != desk.issuer:
        return ""
    wrong = jose.verify(token, await desk.keyring.public_keys(), (ALG,))
    return "" if wrong else token.said("jti")
