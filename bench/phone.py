"""An enrolled phone with as little work around its real signatures as can be."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping

import httpx2
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bench.http import Answer, Broken, Connection
from bench.passkey import Passkey, b64url
from endorse.phone import Phone, sandbox_code

_ECDSA = ec.ECDSA(SHA256())
_CONSENT_TAG = b"endorse-consent-v1\0"


def from_b64url(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Passkey(msgspec.Struct, frozen=True):
    rp_id: str
    credential_id: str
    user_handle: str
    key: str


class _Person(msgspec.Struct, frozen=True):
    id: str


class _Enrolled(msgspec.Struct, frozen=True):
    device: str
    session: str
    person: _Person
    passkey: _Passkey


class _Account(msgspec.Struct, frozen=True):
    resource_id: str = msgspec.field(name="resourceId")


class _Claimed(msgspec.Struct, frozen=True):
    journey: str
    state: str


class _Matched(msgspec.Struct, frozen=True):
    state: str
    accounts: list[_Account]


class _Options(msgspec.Struct, frozen=True):
    challenge: str
    rp_id: str = msgspec.field(name="rpId")


class _Reviewed(msgspec.Struct, frozen=True):
    state: str
    document: str
    options: _Options


class _Document(msgspec.Struct, frozen=True):
    accounts: list[_Account]
    device: str
    issuer: str
    person: str


class _Moved(msgspec.Struct, frozen=True):
    journey: str
    state: str


_CLAIMED = msgspec.json.Decoder(_Claimed)
_MATCHED = msgspec.json.Decoder(_Matched)
_REVIEWED = msgspec.json.Decoder(_Reviewed)
_DOCUMENT = msgspec.json.Decoder(_Document)
_MOVED = msgspec.json.Decoder(_Moved)


class SwiftPhone:
    """One phone of one person, on one keep-alive connection. Every answer is checked."""

    def __init__(self, issuer: str, enrolled: _Enrolled, connection: Connection) -> None:
        """Take the keys of a phone that is enrolled and signed in; see `enrol`."""
        self._issuer = issuer
        self.person = enrolled.person.id
        self._device = _key(enrolled.device)
        passkey = enrolled.passkey
        self._passkey = Passkey(
            _key(passkey.key), passkey.rp_id, passkey.credential_id, passkey.user_handle
        )
        self.connection = connection
        public = self._device.public_key().public_numbers()
        jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": b64url(public.x.to_bytes(32, "big")),
            "y": b64url(public.y.to_bytes(32, "big")),
        }
        self._thumbprint = b64url(_sha256(msgspec.json.encode(jwk)))
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
        self._jose_header = b64url(msgspec.json.encode(header))
        self._ath = b64url(_sha256(enrolled.session.encode()))
        self._session = enrolled.session

    async def claim(self, frame: str) -> str:
        """Claim a scanned frame; give the journey."""
        claimed = _CLAIMED.decode(await self._call("/phone/claim", {"code": frame}))
        _must(claimed.state == "claimed", "claim")
        return claimed.journey

    async def match(self, journey: str, number: int | None) -> list[str]:
        """Give the ids of the accounts to choose from."""
        matched = _MATCHED.decode(
            await self._call("/phone/match", {"journey": journey, "number": number})
        )
        _must(matched.state == "matched" and len(matched.accounts) > 0, "match")
        return [account.resource_id for account in matched.accounts]

    async def review(self, journey: str, accounts: list[str]) -> str:
        """Give the challenge to sign, after checking the document as a phone must."""
        body = {"journey": journey, "accounts": accounts}
        reviewed = _REVIEWED.decode(await self._call("/phone/review", body))
        raw = reviewed.document.encode()
        challenge = reviewed.options.challenge
        _must(challenge == b64url(_sha256(_CONSENT_TAG + raw)), "challenge")
        document = _DOCUMENT.decode(raw)
        named = [account.resource_id for account in document.accounts]
        about = (document.issuer, document.person, document.device, reviewed.options.rp_id)
        _must(
            about == (self._issuer, self.person, self._thumbprint, self._passkey.rp_id), "document"
        )
        _must(named == accounts and reviewed.state == "review", "review")
        return challenge

    def signed(self, journey: str, challenge: str) -> Mapping[str, object]:
        """Make the body of an approval: the passkey's answer over this challenge."""
        return {"journey": journey, "credential": self._passkey.signed(challenge, self._issuer)}

    async def approve(self, approval: Mapping[str, object]) -> None:
        """Send what `signed` made."""
        moved = _MOVED.decode(await self._call("/phone/approve", approval))
        _must(moved.state == "approved", "approve")

    async def _call(self, path: str, content: Mapping[str, object]) -> bytes:
        body = msgspec.json.encode(content)
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._issuer[7:]}\r\n"
            "User-Agent: bench-phone\r\nAccept: application/json\r\n"
            "Content-Type: application/json\r\n"
            f"Authorization: DPoP {self._session}\r\nDPoP: {self._proof(path, body)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        answer = await self.connection.send(request.encode() + body)
        return _good(answer, path)

    def _proof(self, path: str, body: bytes) -> str:
        claims = (
            f'{{"jti":"{secrets.token_urlsafe(12)}","htm":"POST","htu":"{self._issuer}{path}",'
            f'"iat":{int(time.time())},"bsh":"{b64url(_sha256(body))}","ath":"{self._ath}"}}'
        )
        return _signed(self._device, f"{self._jose_header}.{b64url(claims.encode())}")


async def enrol(issuer: str, count: int, port: int = 0) -> list[SwiftPhone]:
    """Enrol phones of as many different invented people, by the real headless phone.

    Afterwards they call `port`, if one is given, in place of the issuer's own.
    """
    phones, port = [], port or int(issuer.rsplit(":", 1)[1])
    async with httpx2.AsyncClient(timeout=30) as http:
        for _ in range(count):
            phone = Phone(issuer, http)
            await phone.enrol(await sandbox_code(issuer, http, None))
            phones.append(swift(phone, issuer, Connection(port)))
    return phones


def swift(phone: Phone, issuer: str, connection: Connection) -> SwiftPhone:
    """Take over an enrolled headless phone, to call by this connection."""
    return SwiftPhone(issuer, msgspec.convert(phone.to_dict(), _Enrolled), connection)


def jws(key: ec.EllipticCurvePrivateKey, header: object, claims: object) -> str:
    """Sign claims by ES256 as a compact JWS (RFC 7515 7.1)."""
    parts = (b64url(msgspec.json.encode(part)) for part in (header, claims))
    return _signed(key, ".".join(parts))


def _signed(key: ec.EllipticCurvePrivateKey, text: str) -> str:
    r, s = decode_dss_signature(key.sign(text.encode(), _ECDSA))
    return f"{text}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _key(text: str) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(from_b64url(text), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Broken("a phone's key is none on a curve")
    return key


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _good(answer: Answer, path: str) -> bytes:
    if answer.status != 200:
        raise Broken(f"{path} answered {answer.status}: {answer.body.decode()}")
    return answer.body


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(f"the answer to {what} is not what it must be")
