"""The phone's device key and the proof that it signs for each call (RFC 9449 4.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from endorse.phone.encoding import RandomBytes, b64url, key_from_text, key_to_text, new_key


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A P-256 key that never leaves the phone."""

    _key: ec.EllipticCurvePrivateKey = field(repr=False)
    _jwk: ECKey = field(repr=False, compare=False)
    _header: dict[str, object] = field(repr=False, compare=False)

    @classmethod
    def create(cls, random: RandomBytes) -> DeviceKey:
        """A new key from `random`, which gives as many random bytes as asked."""
        return cls._of(new_key(random))

    @classmethod
    def from_text(cls, text: str) -> DeviceKey:
        """The key that `to_text` wrote. Raises `NotUnderstood`."""
        return cls._of(key_from_text(text))

    @classmethod
    def _of(cls, key: ec.EllipticCurvePrivateKey) -> DeviceKey:
        jwk = ECKey.import_key(key)
        whole = jwk.as_dict(private=False)
        public = {name: whole[name] for name in ("kty", "crv", "x", "y")}
        return cls(key, jwk, {"typ": "dpop+jwt", "alg": "ES256", "jwk": public})

    def to_text(self) -> str:
        """The private key as text. Keep it secret."""
        return key_to_text(self._key)

    @property
    def thumbprint(self) -> str:
        """The public key's SHA-256 thumbprint (RFC 7638)."""
        return self._jwk.thumbprint()

    def digits(self, code: str) -> str:
        """The six digits that a phone with this key shows once it is enrolled with `code`.

        As the API's document says: whoever confirms the phone compares them.
        """
        code_hash = b64url(hashlib.sha256(code.encode()).digest())
        text = f"endorse-digits-v1\0{self.thumbprint}\0{code_hash}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return str(number % 10**6).zfill(6)

    def proof(
        self, method: str, url: str, body: bytes, *, at: int, jti: str, session: str | None = None
    ) -> str:
        """The value of the `DPoP` header for one request (RFC 9449 4.2).

        `url` is the issuer's URL without query, `body` the exact bytes sent (empty if none), `at`
        the server's time in epoch seconds, `jti` a name used once, `session` the session sent
        along. `bsh` binds the body, which RFC 9449 leaves open.
        """
        claims: dict[str, object] = {"jti": jti, "htm": method, "htu": url, "iat": at}
        claims["bsh"] = b64url(hashlib.sha256(body).digest())
        if session is not None:
            claims["ath"] = b64url(hashlib.sha256(session.encode()).digest())
        payload = msgspec.json.encode(claims)
        return jws.serialize_compact(self._header, payload, self._jwk, algorithms=["ES256"])
