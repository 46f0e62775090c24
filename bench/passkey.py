"""A passkey that signs with as little work around its real signature as can be."""

import base64
import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import CoseKey

_ECDSA = ec.ECDSA(SHA256())
_ES256 = -7
_USER_PRESENT_AND_VERIFIED = 0x05


def b64url(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Passkey:
    """One credential of a person at a relying party."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, rp_id: str, credential_id: str, user_handle: str
    ) -> None:
        """Take the key, and what both are called there (base64url)."""
        self._key = key
        self.rp_id = rp_id
        seen = hashlib.sha256(rp_id.encode()).digest()
        self._authenticator_data = seen + bytes([_USER_PRESENT_AND_VERIFIED, 0, 0, 0, 0])
        self._credential = {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "clientExtensionResults": {},
        }
        self._user_handle = user_handle

    @property
    def public(self) -> bytes:
        """Give the public key as a relying party keeps it (COSE, RFC 9053 7.1)."""
        key = CoseKey.for_alg(_ES256).from_cryptography_key(self._key.public_key())
        return cbor.encode(key)

    def signed(self, challenge: str, origin: str) -> Mapping[str, object]:
        """Give the answer over a challenge (WebAuthn 5.2.2), as JSON has it."""
        said = (
            f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}",'
            '"crossOrigin":false}'
        ).encode()
        signature = self._key.sign(self._authenticator_data + hashlib.sha256(said).digest(), _ECDSA)
        response = {
            "clientDataJSON": b64url(said),
            "authenticatorData": b64url(self._authenticator_data),
            "signature": b64url(signature),
            "userHandle": self._user_handle,
        }
        return {**self._credential, "response": response}
