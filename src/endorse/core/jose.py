"""Signed tokens of others, read strictly (RFC 7515, RFC 8725); the signature itself is a library's.

Everything that a lenient reader could take in two ways is refused before the signature is looked
at: another spelling of the same base64url, a member that comes twice, an algorithm that the
caller did not name, a header that brings or points to its own key.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from endorse.core.coding import b64url, from_b64url, sha256, strict_json

Key = ECKey | RSAKey | OKPKey

SIGNATURES: Final = ("ES256", "PS256", "EdDSA", "Ed25519")
"""What may sign for a client everywhere (FAPI 2.0 Security Profile 5.4.1)."""
PLAIN_SIGNATURES: Final = (*SIGNATURES, "RS256")
"""What may sign for a client of the plain profile."""

_AT_MOST: Final = 16 * 1024
_HEADER_AT_MOST: Final = 4096
_HEADERS_KEPT: Final = 1024
_RSA_BITS_AT_LEAST: Final = 2048
_KEYS_AT_MOST: Final = 20
_SETS_KEPT: Final = 1024
_ECDSA: Final = ECDSA(SHA256())
_KINDS: Final = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}
# RFC 7515 4.1: who signs does not say which key to believe; `crit` and `b64` change the reading.
_FOREIGN_KEYS: Final = ("jku", "jwk", "x5u", "x5c", "crit", "b64")


# RFC 7638 3.2, RFC 8037 2: the members that make the key, in the order of their names.
_NEEDED: Final = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
}


_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}


# By name, and never by what a header says: `verify` looks up what its caller allows. joserfc's own
# reading of a token is passed by, for `read` has read it more strictly, once.
_ALGORITHMS: Final = {alg: jws.JWSRegistry.algorithms[alg] for alg in PLAIN_SIGNATURES}


class Jws(msgspec.Struct, frozen=True):
    """A compact JWS that was read and NOT verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def said(self, name: str) -> str:
        """Give a text claim, "" if there is none or it is no text."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int | None:
        """Give a numeric claim in whole units; None if there is none or it is no number."""
        value = self.claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return int(value) if abs(value) < 2**53 else None


class Unreadable(ValueError):
    """A text is no JWS that this server takes; the message is for the log."""


def read(text: str, typ: Collection[str], *, may_carry_key: bool = False) -> Jws:
    """Read a compact JWS whose payload is a JSON object. Raises Unreadable.

    `typ` are the types that are accepted, in lower case and without `application/`; "" among them
    accepts a token that names none (RFC 8725 3.11). `may_carry_key` is for DPoP proofs alone.
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > _AT_MOST or len(parts[0]) > _HEADER_AT_MOST:
        raise Unreadable("not a compact JWS")
    header, payload, signature = _header(parts[0]), from_b64url(parts[1]), from_b64url(parts[2])
    if payload is None or not signature:
        raise Unreadable("not strict base64url, or without a signature")
    claims = _object(payload)
    said = header.get("typ", "")
    if not isinstance(said, str) or said.lower().removeprefix("application/") not in typ:
        raise Unreadable("typ")
    barred = [name for name in _FOREIGN_KEYS if name in header]
    if may_carry_key:
        barred = [name for name in barred if name != "jwk"]
    if barred:
        raise Unreadable(f"the header holds {barred[0]}")
    return Jws(header, claims, text.rpartition(".")[0].encode(), signature)


@lru_cache(_HEADERS_KEPT)
def _header(text: str) -> dict[str, Any]:
    """Read a header. Whoever signs with one key sends the same one again and again."""
    raw = from_b64url(text)
    if raw is None:
        raise Unreadable("not strict base64url")
    return _object(raw)


def verify(token: Jws, keys: Sequence[Key], algorithms: Collection[str]) -> str:
    """Verify a signature by one of these keys; give why not, or "".

    A `kid` chooses among the keys and never brings one; without a `kid`, each key of the right
    kind is tried, of which a client has few (RFC 7515 4.1.4).

    See also RFC 9101 6.2; FAPI 2.0 5.4.3.
    """
    alg = token.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        return "alg is not allowed"
    problems = [problem_of(token.header, key) for key in keys]
    tried = [key for key, problem in zip(keys, problems, strict=True) if not problem]
    if any(signed_by(key, token) for key in tried):
        return ""
    if tried:
        return "the signature is of none of the keys"
    return problems[0] if problems else "no key for this alg and kid"


def _may_verify(key: Key, alg: str, kid: str | None) -> bool:
    """Say whether a key is of the kind of an algorithm, of this name, and made for signatures."""
    if key.key_type != _KINDS[alg] or key.get("alg") not in (None, alg):
        return False
    if kid is not None and key.kid not in (kid, None):
        return False
    try:
        _ALGORITHMS[alg].check_key(key)
        key.check_key_op("verify")
    except JoseError:
        return False
    return True


def problem_of(header: dict[str, Any], key: Key) -> str:
    """Say why a key may not verify what has this header; "" if it may."""
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        return "alg is not allowed"
    if kid is not None and not isinstance(kid, str):
        return "kid is no text"
    return "" if _may_verify(key, alg, kid) else "no key for this alg and kid"


def signed_by(key: Key, token: Jws) -> bool:
    """Verify a signature by a key of which `problem_of` the header found none."""
    if isinstance(key, ECKey):
        return _signed_by_es256(key, token)
    try:
        return _ALGORITHMS[token.header["alg"]].verify(token.signed, token.signature, key)
    except (JoseError, ValueError, TypeError):
        return False


def _signed_by_es256(key: ECKey, token: Jws) -> bool:
    """Verify two numbers of 32 bytes each (RFC 7518 3.4). Every call of a phone comes here."""
    if len(token.signature) != 64:
        return False
    r, s = int.from_bytes(token.signature[:32], "big"), int.from_bytes(token.signature[32:], "big")
    try:
        key.public_key.verify(encode_dss_signature(r, s), token.signed, _ECDSA)
    except InvalidSignature:
        return False
    return True


@lru_cache(_SETS_KEPT)
def keys_of(jwks: str) -> tuple[Key, ...]:
    """Read the public signing keys of a JWK set (RFC 7517 5); keys for other uses are left out.

    Raises ValueError, saying what is wrong with which key.
    """
    said = _object(jwks.encode()) if jwks else {"keys": []}
    listed = said.get("keys")
    if not isinstance(listed, list) or len(listed) > _KEYS_AT_MOST:
        raise ValueError(f"must be a JSON object with at most {_KEYS_AT_MOST} keys")
    return tuple(_key(jwk) for jwk in listed if _signs(jwk))


def key_of(jwk: dict[str, Any]) -> Key:
    """Read one public key. Raises ValueError, saying what is wrong."""
    return _key(jwk)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Compute the SHA-256 thumbprint of a key, base64url (RFC 7638 3).

    See also RFC 7638 3.1.
    """
    needed = {name: jwk[name] for name in _NEEDED[jwk["kty"]]}
    return b64url(sha256(msgspec.json.encode(needed)))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = strict_json(raw)
    except (ValueError, RecursionError) as broken:
        raise Unreadable(f"not JSON: {str(broken)[:80]}") from broken
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return value


def _signs(jwk: Any) -> bool:
    if not isinstance(jwk, dict):
        raise ValueError("a key is no JSON object")
    return jwk.get("use", "sig") == "sig" and "verify" in jwk.get("key_ops", ["verify"])


def _key(jwk: dict[str, Any]) -> Key:
    kinds: dict[Any, type[Key]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    kty = jwk.get("kty")
    kind = kinds.get(kty) if isinstance(kty, str) else None
    if kind is None or not isinstance(kty, str):
        raise ValueError("kty must be EC, RSA or OKP: a shared secret is no public key")
    if any(name in jwk for name in ("d", "k", "p", "q")):
        raise ValueError("holds a private key: send the public one only")
    # First of all: joserfc fails in its own way at a curve that it does not know.
    if kty in _CURVES and jwk.get("crv") != _CURVES[kty]:
        raise ValueError(f"an {kty} key must be on {_CURVES[kty]}")
    numbers = [name for name in _NEEDED[kty] if len(name) == 1]
    if not all(_one_spelling(jwk.get(name), kty) for name in numbers):
        raise ValueError(f"{' and '.join(numbers)} must be base64url, of the right length")
    if kind is RSAKey and _bits(jwk.get("n")) < _RSA_BITS_AT_LEAST:
        raise ValueError(f"an RSA key must have at least {_RSA_BITS_AT_LEAST} bits")
    try:
        key: Key = kind.import_key(jwk)
        key.public_key  # noqa: B018 - reading it checks the point or the numbers
    except (JoseError, ValueError, TypeError, KeyError) as bad:
        raise ValueError(f"is no public key: {str(bad)[:80]}") from bad
    return key


def _one_spelling(number: Any, kty: str) -> bool:
    """Say whether a key's number is written as RFC 7518 6 has it: else a key had many thumbprints.

    On a curve it has 32 bytes, in RSA as few as it needs.
    """
    raw = from_b64url(number) if isinstance(number, str) else None
    if not raw:
        return False
    return raw[0] != 0 if kty == "RSA" else len(raw) == 32


def _bits(modulus: Any) -> int:
    raw = from_b64url(modulus) if isinstance(modulus, str) else None
    return int.from_bytes(raw or b"", "big").bit_length()
