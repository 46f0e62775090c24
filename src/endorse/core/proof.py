"""Proofs that a call carries: PKCE, the device key's signature, the passkey's assertion.

Verification only; keys, times and what to expect are arguments.
"""

import re
from typing import Final, Literal

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from endorse.core import dpop, refusal
from endorse.core.coding import b64url, from_b64url, same, sha256
from endorse.core.jose import Unreadable
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
_CONSENT_TAG: Final = b"endorse-consent-v1\0"
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


def pkce_holds(verifier: str, challenge: str | None) -> bool:
    """Say whether a code_verifier answers the code_challenge (RFC 7636 4.6; RFC 9700 2.1.1).

    A verifier without a challenge is refused too: the sign of a downgrade.

    See also RFC 7636 4.1, 7.2, B; RFC 9700 4.8.2.
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


def device_of(call: Call, now: int, law: Policy) -> str | Refusal:
    """Verify a phone's proof; give the device key's thumbprint (RFC 9449 4.3, RFC 7638).

    The proof is a DPoP proof with one private claim: `bsh`, base64url of the body's SHA-256, so
    that the device key signs what is asked and not only that something is. There is no memory
    of `jti`: a repeated call is the same call, and each change is guarded by its own state.
    """
    if len(call.proof) > law.parameter:
        return refusal.PROOF_NOT_GOOD.because("longer than any real proof")
    shown = dpop.Call(call.method, (call.url,), call.session, call.proof)
    try:
        proof = dpop.read(shown, now, law.proof_age, ("ES256",))
    except Unreadable as why:
        return refusal.PROOF_NOT_GOOD.because(str(why))
    if proof.claims.get("bsh") != b64url(sha256(call.body)):
        return refusal.PROOF_NOT_GOOD.because("bsh is not this body's")
    return proof.jkt


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
    """Verify a passkey's answer (WebAuthn 7.2) over exactly this challenge, the user verified.

    The answer is kept as it came, so it must be written in the one way: its reader would take
    another text for the same bytes.
    """
    given = _given(credential)
    if given is None:
        return refusal.PASSKEY_NOT_GOOD.because("no passkey's answer, written in the one way")
    try:
        answer = verify_authentication_response(
            credential=given,
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


class _Coded(msgspec.Struct, frozen=True, rename={"client_data": "clientDataJSON"}):
    client_data: str
    authenticatorData: str  # noqa: N815 - as WebAuthn has it
    signature: str


class _Answered(msgspec.Struct, frozen=True):
    id: str
    rawId: str  # noqa: N815 - as WebAuthn has it
    type: Literal["public-key"]
    response: _Coded


_ANSWERED: Final = msgspec.json.Decoder(_Answered)


def _given(credential: bytes) -> AuthenticationCredential | None:
    """Read AuthenticationResponseJSON (WebAuthn 5.1) for the library, which would take more."""
    try:
        said = _ANSWERED.decode(credential)
    except _UNREADABLE:
        return None
    coded = (said.rawId, said.response.client_data, said.response.authenticatorData)
    raw_id, client_data, data = (from_b64url(text) for text in coded)
    signature = from_b64url(said.response.signature)
    if raw_id is None or client_data is None or data is None or signature is None:
        return None
    response = AuthenticatorAssertionResponse(client_data, data, signature)
    return AuthenticationCredential(said.id, raw_id, response)


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
