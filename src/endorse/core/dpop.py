"""Proof of possession of a key, with each call (RFC 9449)."""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from endorse.core import jose
from endorse.core.change import UseOnce
from endorse.core.coding import b64url, fingerprint, from_b64url, mac, same, sha256, strict_json
from endorse.core.jose import Jws, Key, Unreadable
from endorse.core.params import Params
from endorse.core.policy import Policy

BOUND: Final = "jkt:"
"""How `AccessToken.bound_to` begins for a token that is bound by DPoP."""

_TYP: Final = ("dpop+jwt",)
_JTI_AT_MOST: Final = 255
_PORTS: Final = {"https": ":443", "http": ":80"}
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
# A client calls again and again with one key; reading it costs as much as checking a signature.
_KEYS_KEPT: Final = 4096


class Call(msgspec.Struct, frozen=True):
    """A call that carries a proof, as it reached the server."""

    method: str
    urls: tuple[str, ...]
    """Its address at each host of the server: never by the Host header, which anybody sets."""
    token: str | None
    """The access token that is shown with it, None at an endpoint that takes none."""
    proof: str


class Proof(msgspec.Struct, frozen=True):
    """A proof that holds for its call; whether it came before is for the caller to find out."""

    jkt: str
    """The thumbprint of its key (RFC 7638)."""
    jti: str
    nonce: str
    """The server's nonce in it, "" for none."""
    claims: dict[str, Any]


def read(
    call: Call, now: int, tolerance: int, algorithms: tuple[str, ...] = jose.SIGNATURES
) -> Proof:
    """Check a proof, but for its nonce and that it is new (RFC 9449 4.3). Raises Unreadable.

    `iat` may differ by `tolerance` seconds either way: clocks go wrong in both directions.
    """
    token = jose.read(call.proof, _TYP, may_carry_key=True)
    key, jkt = _key(call.proof.partition(".")[0])
    problem = _problem(token, call, now, tolerance)
    if not problem and token.header["alg"] not in algorithms:
        problem = "alg is not allowed"
    if not problem and not jose.signed_by(key, token):
        problem = "the signature is not of the key in it"
    if problem:
        raise Unreadable(problem)
    return Proof(jkt, token.said("jti"), token.said("nonce"), token.claims)


def _problem(token: Jws, call: Call, now: int, tolerance: int) -> str:
    if token.said("htm") != call.method:
        return "htm is not this call's method"
    if normalised(token.said("htu")) not in map(normalised, call.urls):
        return "htu is not this call's address"
    iat = token.number("iat")
    if iat is None or abs(now - iat) > tolerance:
        return "iat is missing" if iat is None else f"iat is {now - iat} s old"
    if not 1 <= len(token.said("jti")) <= _JTI_AT_MOST:
        return f"jti must be a text of 1 to {_JTI_AT_MOST} characters"
    if "nonce" in token.claims and not token.said("nonce"):
        return "nonce is no text"
    if call.token is not None and token.said("ath") != b64url(sha256(call.token.encode())):
        return "ath is not this access token's"
    return ""


@lru_cache(_KEYS_KEPT)
def _key(header: str) -> tuple[Key, str]:
    """Read the key of a proof's header, which `jose.read` took, and its thumbprint."""
    said = strict_json(from_b64url(header) or b"")
    jwk = said.get("jwk")
    if not isinstance(jwk, dict):
        raise Unreadable("jwk is missing")
    try:
        key, jkt = jose.key_of(jwk), jose.thumbprint(jwk)
    except ValueError as bad:
        raise Unreadable(f"jwk: {bad}") from bad
    problem = jose.problem_of(said, key)
    if problem:
        raise Unreadable(problem)
    return key, jkt


@lru_cache(_KEYS_KEPT)
def normalised(url: str) -> str:
    """Give an address without query and fragment, in one spelling (RFC 9449 4.3; RFC 3986 6.2)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, "\0"))
    return f"{parts.scheme}://{host}{_ESCAPED.sub(_unescaped, parts.path) or '/'}"


def _unescaped(escaped: re.Match[str]) -> str:
    letter = chr(int(escaped[1], 16))
    plain = letter.isascii() and (letter.isalnum() or letter in "-._~")
    return letter if plain else escaped[0].upper()


def nonce(server_key: bytes, now: int, law: Policy, ago: int = 0) -> str:
    """Compute the nonce of the present window of time, or of one that is `ago` windows over.

    Nothing is stored, and every server with this key gives and takes the same (RFC 9449 8).
    """
    window = (now // law.nonce - ago).to_bytes(8, "big", signed=True)
    return b64url(mac(server_key, b"dpop-nonce", window)[:16])


def nonce_holds(said: str, server_key: bytes, now: int, law: Policy) -> bool:
    """Say whether a nonce is of this window or of the one before: one to two windows old."""
    return any(same(said, nonce(server_key, now, law, ago)) for ago in (0, 1))


def use(proof: Proof, law: Policy) -> UseOnce:
    """Use a proof up, where that must be remembered by all servers (RFC 9449 11.1)."""
    iat = int(proof.claims["iat"])
    return UseOnce(once(proof), iat + law.dpop_age + 1)


def pinned(params: Params, proof: Proof) -> Params | None:
    """Give a pushed request with the proof's key as its `dpop_jkt`; None if it names another.

    RFC 9449 10.1: the header says what the parameter says.
    """
    if params.text("dpop_jkt") not in ("", proof.jkt):
        return None
    values = {**params.values, "dpop_jkt": proof.jkt.encode()}
    return msgspec.structs.replace(params, values=values)


def once(proof: Proof) -> str:
    """Give what may be seen once: this name under this key."""
    return fingerprint(f"dpop\0{proof.jkt}\0{proof.jti}")
