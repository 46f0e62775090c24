"""Proofs that a call carries: PKCE, the device key's signature, the passkey's assertion.

Verification only; keys, times and what to expect are arguments.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from endorse.core import refusal
from endorse.core.coding import b64url, from_b64url, same, sha256
from endorse.core.jose import thumbprint
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
_CONSENT_TAG: Final = b"endorse-consent-v1\0"
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# A phone calls several times in a row; reading its key costs as much as checking its signature.
_KEYS_KEPT: Final = 4096


def pkce_holds(verifier: str, challenge: str | None) -> bool:
    """Say whether a code_verifier answers the code_challenge (RFC 7636 4.6; RFC 9700 2.1.1).

    A verifier without a challenge is refused too: the sign of a downgrade.
    """
    if challenge is None:
        return verifier == ""
    if not _VERIFIER.match(verifier):
        return False
    return same(b64url(sha256(verifier.encode("ascii"))), challenge)


def consent_challenge(document: str) -> str:
    """Compute the challenge that the passkey signs for this consent document, base64url."""
    return b64url(sha256(_CONSENT_TAG + document.encode()))


class Call(msgspec.Struct, frozen=True):
    """One call of a phone, as it reached the server."""

    method: str
    url: str
    """The address by the issuer, without query: never by the Host header."""
    body: bytes
    session: str | None
    proof: str


class _Jwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kty: str
    crv: str
    x: str
    y: str


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    typ: str
    alg: str
    jwk: _Jwk


class _Claims(msgspec.Struct, frozen=True):
    jti: str
    htm: str
    htu: str
    iat: int
    bsh: str
    ath: str | None = None


def device_of(call: Call, now: int, law: Policy) -> str | Refusal:
    """Verify a phone's proof; give the device key's thumbprint (RFC 9449 4.3, RFC 7638).

    The proof is a DPoP proof with one private claim: `bsh`, base64url of the body's SHA-256, so
    that the device key signs what is asked and not only that something is. There is no memory
    of `jti`: a repeated call is the same call, and each change is guarded by its own state.
    """
    parts = call.proof.split(".")
    if len(parts) != 3 or len(call.proof) > law.parameter:
        return refusal.PROOF_NOT_GOOD.because("not a compact JWS")
    raw = [from_b64url(part) for part in parts]
    if raw[0] is None or raw[1] is None or raw[2] is None:
        return refusal.PROOF_NOT_GOOD.because("not strict base64url")
    try:
        header = msgspec.json.decode(raw[0], type=_Header)
        claims = msgspec.json.decode(raw[1], type=_Claims)
    except _UNREADABLE as broken:
        return refusal.PROOF_NOT_GOOD.because(str(broken))
    wrong = _wrong(header, claims, call, now, law)
    if wrong:
        return refusal.PROOF_NOT_GOOD.because(wrong)
    key = _public_key(header.jwk)
    if key is None:
        return refusal.PROOF_NOT_GOOD.because("jwk is not a point of P-256")
    try:
        jws.deserialize_compact(call.proof, key, algorithms=["ES256"])
    except (JoseError, ValueError) as bad:
        return refusal.PROOF_NOT_GOOD.because(f"signature: {type(bad).__name__}")
    return thumbprint(msgspec.structs.asdict(header.jwk))


def _wrong(header: _Header, claims: _Claims, call: Call, now: int, law: Policy) -> str:
    if (header.typ, header.alg) != ("dpop+jwt", "ES256"):
        return "typ or alg"
    if (header.jwk.kty, header.jwk.crv) != ("EC", "P-256"):
        return "jwk is not a P-256 key"
    if (claims.htm, claims.htu) != (call.method, call.url):
        return "htm or htu"
    if abs(now - claims.iat) > law.proof_age:
        return f"iat is {now - claims.iat} s old"
    if claims.bsh != b64url(sha256(call.body)):
        return "bsh is not this body's"
    if not 8 <= len(claims.jti) <= 128:
        return "jti"
    if call.session is not None and claims.ath != b64url(sha256(call.session.encode())):
        return "ath is not this session's"
    return ""


@lru_cache(_KEYS_KEPT)
def _public_key(jwk: _Jwk) -> ECKey | None:
    x, y = from_b64url(jwk.x), from_b64url(jwk.y)
    # RFC 7518 6.2.1.2: one spelling a key, or one key would have many thumbprints.
    if x is None or y is None or len(x) != 32 or len(y) != 32:
        return None
    try:
        key = ECKey.import_key(msgspec.structs.asdict(jwk))
        key.public_key  # noqa: B018 - reading it checks that the point is on the curve
    except (JoseError, ValueError):
        return None
    return key


class Passkey(msgspec.Struct, frozen=True):
    """A passkey that was just registered; id and COSE key in base64url."""

    credential_id: str
    public_key: str
    sign_count: int


class Assertion(msgspec.Struct, frozen=True):
    """A passkey's answer that was verified: what it signed, and the text to keep as evidence."""

    challenge: str
    credential_id: str
    sign_count: int
    text: str


class _Response(msgspec.Struct, frozen=True, rename={"client_data": "clientDataJSON"}):
    client_data: str


class _Credential(msgspec.Struct, frozen=True):
    response: _Response


class _ClientData(msgspec.Struct, frozen=True):
    challenge: str


def challenge_in(credential: bytes) -> str:
    """Read the challenge that a passkey's answer says it signed; "" if there is none."""
    try:
        inner = msgspec.json.decode(credential, type=_Credential).response.client_data
        data = from_b64url(inner) or b""
        return msgspec.json.decode(data, type=_ClientData).challenge
    except _UNREADABLE:
        return ""


def registered(credential: bytes, challenge: str, issuer: str, rp_id: str) -> Passkey | Refusal:
    """Verify a new passkey (WebAuthn 7.1): this challenge, origin and rpId, the user verified."""
    try:
        answer = verify_registration_response(
            credential=credential.decode(),
            expected_challenge=from_b64url(challenge) or b"",
            expected_rp_id=rp_id,
            expected_origin=issuer,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except _UNUSABLE as bad:
        return refusal.PASSKEY_NOT_GOOD.because(f"{type(bad).__name__}: {bad}")
    return Passkey(
        b64url(answer.credential_id), b64url(answer.credential_public_key), answer.sign_count
    )


def asserted(
    credential: bytes, passkey: Passkey, challenge: str, issuer: str, rp_id: str
) -> Assertion | Refusal:
    """Verify a passkey's answer (WebAuthn 7.2) over exactly this challenge, the user verified."""
    try:
        answer = verify_authentication_response(
            credential=credential.decode(),
            expected_challenge=from_b64url(challenge) or b"",
            expected_rp_id=rp_id,
            expected_origin=issuer,
            credential_public_key=from_b64url(passkey.public_key) or b"",
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _UNUSABLE as bad:
        return refusal.PASSKEY_NOT_GOOD.because(f"{type(bad).__name__}: {bad}")
    if b64url(answer.credential_id) != passkey.credential_id:
        return refusal.PASSKEY_NOT_GOOD.because("another credential")
    return Assertion(challenge, passkey.credential_id, answer.new_sign_count, credential.decode())


# A thousand brackets in one another are within every size, and too deep for any reader.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# py_webauthn lets what its CBOR and key parsers raise pass through for some malformed input.
_UNUSABLE: Final = (
    WebAuthnException,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    RecursionError,
)
