"""A software passkey: what a phone's authenticator and browser answer together (WebAuthn 3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import CoseKey
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from endorse.phone.answers import JsonObject
from endorse.phone.encoding import (
    RandomBytes,
    b64url,
    from_b64url,
    key_from_text,
    key_to_text,
    new_key,
)
from endorse.phone.errors import NotUnderstood, PasskeyNotUsable

_ES256 = -7
_FLAG = AuthenticatorData.FLAG
# Passkeys that sync between devices count nothing, so their counter stays 0.
_COUNTER = 0
_AUTHENTICATED = {"type": "public-key", "authenticatorAttachment": "platform"}


T = TypeVar("T")


class _RelyingParty(msgspec.Struct, frozen=True):
    id: str


class _User(msgspec.Struct, frozen=True):
    id: str


class _Choice(msgspec.Struct, frozen=True):
    alg: int


class _Creation(msgspec.Struct, frozen=True, rename="camel"):
    """What counts here of PublicKeyCredentialCreationOptionsJSON."""

    rp: _RelyingParty
    user: _User
    challenge: str
    pub_key_cred_params: tuple[_Choice, ...]


class _Descriptor(msgspec.Struct, frozen=True):
    id: str


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    """What counts here of PublicKeyCredentialRequestOptionsJSON."""

    challenge: str
    rp_id: str | None = None
    allow_credentials: tuple[_Descriptor, ...] = ()


@dataclass(frozen=True, slots=True)
class Passkey:
    """One discoverable P-256 credential for one relying party."""

    rp_id: str
    credential_id: bytes
    user_handle: bytes
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(
        cls,
        options: JsonObject,
        origin: str,
        *,
        random: RandomBytes,
        user_verified: bool = True,
    ) -> tuple[Passkey, JsonObject]:
        """Answer `PublicKeyCredentialCreationOptionsJSON` (WebAuthn 5.1.3, 6.3.2).

        Gives the new passkey and its RegistrationResponseJSON, attestation "none". `origin` is
        the page's origin. A test of a server's refusals gives another one, or
        `user_verified=False`. Raises `PasskeyNotUsable` or `NotUnderstood`.
        """
        asked = _read(options, _Creation)
        if _ES256 not in [choice.alg for choice in asked.pub_key_cred_params]:
            raise PasskeyNotUsable("The server does not accept ES256 passkeys.")
        passkey = cls(asked.rp.id, random(16), from_b64url(asked.user.id), new_key(random))
        return passkey, passkey._registration(from_b64url(asked.challenge), origin, user_verified)

    def _registration(self, challenge: bytes, origin: str, user_verified: bool) -> JsonObject:
        public = self._key.public_key()
        attested = AttestedCredentialData.create(
            Aaguid.NONE,
            self.credential_id,
            CoseKey.for_alg(_ES256).from_cryptography_key(public),
        )
        seen = self._authenticator_data(user_verified, attested)
        said = CollectedClientData.create(CollectedClientData.TYPE.CREATE, challenge, origin)
        spki = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return self._credential(
            {
                "clientDataJSON": b64url(said),
                "attestationObject": b64url(AttestationObject.create("none", seen, {})),
                "authenticatorData": b64url(seen),
                "publicKey": b64url(spki),
                "publicKeyAlgorithm": _ES256,
                "transports": ["internal", "hybrid"],
            }
        )

    def sign(self, options: JsonObject, origin: str, *, user_verified: bool = True) -> JsonObject:
        """Answer `PublicKeyCredentialRequestOptionsJSON` with an AuthenticationResponseJSON.

        WebAuthn 5.1.4, 6.3.3. A test of a server's refusals gives another `origin` or
        `user_verified=False`. Raises `PasskeyNotUsable` if the options are for another
        relying party or allow only other credentials.
        """
        asked = _read(options, _Request)
        if asked.rp_id != self.rp_id:
            raise PasskeyNotUsable(f"The passkey is for {self.rp_id}, not {asked.rp_id}.")
        allowed = [credential.id for credential in asked.allow_credentials]
        if allowed and b64url(self.credential_id) not in allowed:
            raise PasskeyNotUsable("The server allows only other passkeys than this one.")
        seen = self._authenticator_data(user_verified)
        challenge = from_b64url(asked.challenge)
        said = CollectedClientData.create(CollectedClientData.TYPE.GET, challenge, origin)
        signature = self._key.sign(seen + said.hash, ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": b64url(said),
                "authenticatorData": b64url(seen),
                "signature": b64url(signature),
                "userHandle": b64url(self.user_handle),
            }
        )

    def _authenticator_data(
        self, user_verified: bool, attested: AttestedCredentialData | None = None
    ) -> AuthenticatorData:
        flags = _FLAG.UP | _FLAG.BE | _FLAG.BS
        if user_verified:
            flags |= _FLAG.UV
        if attested is not None:
            flags |= _FLAG.AT
        rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        seen: AuthenticatorData = AuthenticatorData.create(
            rp_id_hash, flags, _COUNTER, attested or b""
        )
        return seen

    def _credential(self, response: JsonObject) -> JsonObject:
        name = b64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            **_AUTHENTICATED,
            "clientExtensionResults": {},
            "response": response,
        }

    def to_dict(self) -> dict[str, str]:
        """The passkey with its private key, for `from_dict`. Keep it secret."""
        return {
            "rp_id": self.rp_id,
            "credential_id": b64url(self.credential_id),
            "user_handle": b64url(self.user_handle),
            "key": key_to_text(self._key),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, str]) -> Passkey:
        """The passkey that `to_dict` wrote. Raises `NotUnderstood`."""
        try:
            return cls(
                saved["rp_id"],
                from_b64url(saved["credential_id"]),
                from_b64url(saved["user_handle"]),
                key_from_text(saved["key"]),
            )
        except KeyError as missing:
            raise NotUnderstood(f"The saved passkey lacks {missing}.") from None


def _read(options: JsonObject, shape: type[T]) -> T:
    try:
        return msgspec.convert(options, shape)
    except msgspec.ValidationError as problem:
        raise NotUnderstood(f"The WebAuthn options are malformed: {problem}.") from problem
