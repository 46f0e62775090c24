"""Reading proofs, hashes and options by other means than the phone does."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import webauthn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def proof_claims(proof: str) -> dict[str, Any]:
    """The claims of a proof after its signature and header are checked by hand."""
    head, body, signature = proof.split(".")
    header = json.loads(unb64(head))
    assert header["typ"] == "dpop+jwt"
    assert header["alg"] == "ES256"
    assert sorted(header["jwk"]) == ["crv", "kty", "x", "y"]
    assert (header["jwk"]["kty"], header["jwk"]["crv"]) == ("EC", "P-256")
    raw = unb64(signature)
    assert len(raw) == 64
    point = b"\x04" + unb64(header["jwk"]["x"]) + unb64(header["jwk"]["y"])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = json.loads(unb64(body))
    return {**claims, "thumbprint": thumbprint(header["jwk"])}


def thumbprint(jwk: dict[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(canonical.encode()).digest())


def challenge(document: str) -> bytes:
    return hashlib.sha256(b"endorse-consent-v1\0" + document.encode()).digest()


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def creation_options(
    challenge: bytes = b"enrol-challenge-32-bytes-long!!!", rp_id: str = "localhost"
) -> dict[str, Any]:
    options = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name="Sandbox Bank",
        user_name="Anna de Vries",
        user_id=b"handle-of-anna",
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    decoded: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return decoded
