"""Base64url without padding (RFC 7515 2), and key material from injected randomness."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from endorse.phone.errors import NotUnderstood

RandomBytes = Callable[[int], bytes]

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64url(data: bytes) -> str:
    """Bytes to base64url text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Base64url text to bytes. Raises `NotUnderstood` for anything but the one right spelling."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")
    except (binascii.Error, ValueError):
        raise NotUnderstood(f"{text[:40]!r} is no base64url text.") from None
    if b64url(data) != text:
        raise NotUnderstood(f"{text[:40]!r} is no base64url text in its shortest form.")
    return data


def new_key(random: RandomBytes) -> ec.EllipticCurvePrivateKey:
    """A P-256 key; 64 bits more than the order keep it even (FIPS 186-5 A.2.1)."""
    number = int.from_bytes(random(40)) % (_P256_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def key_to_text(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as base64url PKCS #8, unencrypted."""
    return b64url(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def key_from_text(text: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key that `key_to_text` wrote. Raises `NotUnderstood`."""
    try:
        key = serialization.load_der_private_key(from_b64url(text), password=None)
    except ValueError:
        raise NotUnderstood("The saved key is damaged.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise NotUnderstood("The saved key is none on P-256.")
    return key
