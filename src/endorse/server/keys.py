"""Every key of the server, derived from its one secret; and what is sealed with them."""

import base64
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from endorse.core.coding import Secret, b64url, from_b64url
from endorse.server.keyring import KeyHolder, SealedKeys

SECRET_BYTES: Final = 32
_SEALED_AT_MOST: Final = 16 * 1024
# A phone sends its session with each of several calls in a row; all else is opened once.
_SESSIONS_KEPT: Final = 2048
_AHEAD: Final = 60  # seconds that another server's clock may be ahead, as Fernet itself allows

T = TypeVar("T")


class Seal:
    """Hands something to a browser or phone that comes back unread and unchanged, for a time."""

    def __init__(self, key: bytes, kept: int = 0) -> None:
        """Use 32 bytes that serve nothing else; remember the last `kept` that were opened."""
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._opened = lru_cache(kept)(self._decrypt) if kept else self._decrypt

    def close(self, value: object, now: int) -> str:
        """Seal a struct or other JSON value."""
        return self._fernet.encrypt_at_time(msgspec.json.encode(value), now).decode()

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
        # Fernet passes over foreign characters, so that many texts would open as one.
        if len(sealed) > _SEALED_AT_MOST or from_b64url(sealed.rstrip("=")) is None:
            return None
        try:
            token = sealed.encode()
            return self._fernet.extract_timestamp(token), self._fernet.decrypt(token)
        except InvalidToken:
            return None


class Keys:
    """The keys of one server."""

    def __init__(self, secret: bytes, holder: KeyHolder | None = None) -> None:
        """Derive them from the server's secret of at least 32 random bytes.

        Without a `holder`, the private halves of signing keys are sealed in the database.
        """
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"The server's secret must have at least {SECRET_BYTES} bytes.")
        self.handles: Final = _derive(secret, "handles")
        """For frames, codes and refresh tokens, which must be computed again."""
        self.requests: Final = Seal(_derive(secret, "requests"))
        self.sessions: Final = Seal(_derive(secret, "phone sessions"), _SESSIONS_KEPT)
        self.ceremonies: Final = Seal(_derive(secret, "passkey ceremonies"))
        self.pings: Final = Seal(_derive(secret, "client notification tokens"))
        self.renewals = Seal(_derive(secret, "renewals"))
        self.audit: Final = _derive(secret, "audit log")
        """Links the audit trail."""
        self.holder: Final = holder or SealedKeys(_derive(secret, "signing keys"))
        """Holds the private halves of the key ring."""
        self.sandbox_client: Final = Secret("ecs_" + b64url(_derive(secret, "sandbox client")))

    def __repr__(self) -> str:
        return "Keys(…)"


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"endorse {purpose} 1".encode()).derive(secret)


def read_secret(text: str) -> bytes:
    """Read a secret written as base64url. Raises ValueError if it is too short or not base64url."""
    raw = from_b64url(text.rstrip("="))
    if raw is None or len(raw) < SECRET_BYTES:
        raise ValueError(
            f"must be base64url of at least {SECRET_BYTES} random bytes; make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return raw
