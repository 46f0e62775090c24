"""Every key of the server, derived from its one secret; and what is sealed with them."""

import base64
import secrets
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from endorse.core.coding import Secret, b64url, from_b64url
from endorse.server.keyring import KeyHolder, SealedKeys

SECRET_BYTES: Final = 32
_SEALED_AT_MOST: Final = 16 * 1024
# A phone sends its session with each of several calls in a row; all else is opened once.
_SESSIONS_KEPT: Final = 2048
_AHEAD: Final = 60  # seconds that another server's clock may be ahead, as Fernet itself allows

# The newer form begins with this byte and the time; Fernet begins with 0x80.
_MARK: Final = b"\x02"
_TIME: Final = 8
_HEAD: Final = 1 + _TIME
_NONCE: Final = 12

T = TypeVar("T")


class Seal:
    """Hands something to a browser or phone that comes back unread and unchanged, for a time.

    There are two forms (ADR 49). Every server opens both; one that shares its database writes the
    older one, which a server of the version before opens too.
    """

    def __init__(self, secret: bytes, purpose: str, *, alone: bool = True, kept: int = 0) -> None:
        """Derive keys that serve this purpose only; remember the last `kept` that were opened."""
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret, purpose)))
        self._cipher = AESGCMSIV(_derive(secret, purpose, 2))
        self._alone = alone
        self._opened = lru_cache(kept)(self._decrypt) if kept else self._decrypt

    def close(self, value: object, now: int) -> str:
        """Seal a struct or other JSON value."""
        text = msgspec.json.encode(value)
        if not self._alone:
            return self._fernet.encrypt_at_time(text, now).decode()
        head = _MARK + now.to_bytes(_TIME, "big")
        nonce = secrets.token_bytes(_NONCE)
        return b64url(head + nonce + self._cipher.encrypt(nonce, text, head))

    def open(self, sealed: str, kind: type[T], now: int, lives: int) -> T | None:
        """Open what this seal closed at most `lives` seconds ago; None for anything else."""
        opened = self._opened(sealed)
        if opened is None or not -_AHEAD <= now - opened[0] <= lives:
            return None
        try:
            return msgspec.json.decode(opened[1], type=kind)
        except msgspec.DecodeError:
            return None

    def _decrypt(self, sealed: str) -> tuple[int, bytes] | None:
        """Give when this was sealed, and what; None if this seal did not make it."""
        if len(sealed) > _SEALED_AT_MOST:
            return None
        raw = from_b64url(sealed)
        if raw is None or not raw.startswith(_MARK):
            return self._decrypt_older(sealed)
        head, nonce = raw[:_HEAD], raw[_HEAD : _HEAD + _NONCE]
        try:
            text = self._cipher.decrypt(nonce, raw[_HEAD + _NONCE :], head)
        except (InvalidTag, ValueError):  # a nonce that is cut short is a ValueError
            return None
        return int.from_bytes(head[1:], "big"), text

    def _decrypt_older(self, sealed: str) -> tuple[int, bytes] | None:
        # Fernet passes over foreign characters, so that many texts would open as one.
        if from_b64url(sealed.rstrip("=")) is None:
            return None
        try:
            token = sealed.encode()
            return self._fernet.extract_timestamp(token), self._fernet.decrypt(token)
        except InvalidToken:
            return None


class Keys:
    """The keys of one server."""

    def __init__(
        self, secret: bytes, holder: KeyHolder | None = None, *, alone: bool = True
    ) -> None:
        """Derive them from the server's secret of at least 32 random bytes.

        Without a `holder`, the private halves of signing keys are sealed in the database. `alone`
        says that no other server opens what this one seals.
        """
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"The server's secret must have at least {SECRET_BYTES} bytes.")
        self.handles: Final = _derive(secret, "handles")
        """For frames, codes and refresh tokens, which must be computed again."""
        self.requests: Final = Seal(secret, "requests", alone=alone)
        kept = _SESSIONS_KEPT
        self.sessions: Final = Seal(secret, "phone sessions", alone=alone, kept=kept)
        self.ceremonies: Final = Seal(secret, "passkey ceremonies", alone=alone)
        self.pings: Final = Seal(secret, "client notification tokens", alone=alone)
        self.renewals: Final = Seal(secret, "renewals", alone=alone)
        self.audit: Final = _derive(secret, "audit log")
        """Links the audit trail."""
        self.holder: Final = holder or SealedKeys(_derive(secret, "signing keys"))
        """Holds the private halves of the key ring."""
        self.sandbox_client: Final = Secret("ecs_" + b64url(_derive(secret, "sandbox client")))

    def __repr__(self) -> str:
        return "Keys(…)"


def _derive(secret: bytes, purpose: str, number: int = 1) -> bytes:
    info = f"endorse {purpose} {number}".encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(secret)


def read_secret(text: str) -> bytes:
    """Read a secret written as base64url. Raises ValueError if it is too short or not base64url."""
    raw = from_b64url(text.rstrip("="))
    if raw is None or len(raw) < SECRET_BYTES:
        raise ValueError(
            f"must be base64url of at least {SECRET_BYTES} random bytes; make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return raw
