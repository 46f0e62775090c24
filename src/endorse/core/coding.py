"""Bytes to text and back, strict JSON, digests, and values that must not be printed."""

import hashlib
import hmac
import unicodedata
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from json import JSONDecoder
from typing import Any, Final

import msgspec

Fresh = Callable[[int], bytes]
"""Draws that many unpredictable bytes. An argument everywhere, so that tests can repeat a run."""

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


def b64url(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 2)."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def from_b64url(text: str) -> bytes | None:
    """Read base64url without padding; None if it is not exactly what `b64url` would have written.

    The strictness matters: Python's decoder skips foreign characters and ignores stray final
    bits, so two different texts could stand for the same bytes.
    """
    try:
        data = a2b_base64(text.encode("ascii").translate(_STANDARD) + b"==")
    except ValueError:
        return None
    return data if b64url(data) == text else None


def strict_json(raw: bytes) -> Any:
    """Read JSON in which no name comes twice in one object. Raises ValueError, RecursionError."""
    # A text that is as we would write what it says names nothing twice, and is read much faster.
    try:
        said = msgspec.json.decode(raw)
        if msgspec.json.encode(said) == raw:
            return said
    except ValueError:
        pass
    return _STRICT.decode(raw.decode())


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(members)
    if len(names) != len(members):
        raise ValueError("a member came twice")
    return names


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_STRICT: Final = JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def shown(text: str) -> str:
    """Give a text of somebody else as people may be shown it: NFC, one line, no tricks.

    Control and direction characters could make one name look like another, so they go; every
    run of spaces, of whatever kind, becomes one.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    # What stood apart by a character that went may compose now.
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def sha256(data: bytes) -> bytes:
    """SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def fingerprint(secret: str) -> str:
    """How a secret that is only recognised is stored: base64url of its SHA-256.

    Right for values with 256 bits of randomness, wrong for anything a person chose.
    """
    return b64url(hashlib.sha256(secret.encode()).digest())


def new_flow(fresh: Fresh) -> str:
    """Name an authorization for the log: nothing can be opened with it."""
    return b64url(fresh(9))


def same(left: str, right: str) -> bool:
    """Compare two texts in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def mac(key: bytes, *fields: bytes) -> bytes:
    """HMAC-SHA256 over fields, each with its length in front, so that no two lists collide."""
    message = b"".join([len(field).to_bytes(4, "big") + field for field in fields])
    return hmac.digest(key, message, "sha256")


class Secret:
    """A value that is used and never shown: not in a log, a repr or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Wrap the value."""
        self._value = value

    def reveal(self) -> str:
        """Give the value itself. Every call is a place to look at in a review."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and same(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))
