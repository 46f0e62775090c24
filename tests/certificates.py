"""Certificates of clients, made for the tests, and the header of a proxy that shows them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

CLIENT_KEY = ec.generate_private_key(ec.SECP256R1())
SUBJECT = "CN=app.example,2.5.4.97=PSDNL-DNB-1,O=Budget & Co\\, B.V.,C=NL"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(
    *names: x509.GeneralName,
    key: CertificateIssuerPrivateKeyTypes = CLIENT_KEY,
    subject: str = SUBJECT,
    comment: bytes = b"",
) -> bytes:
    """The DER of a certificate that this key signed itself; `comment` makes it as large as that."""
    name = x509.Name.from_rfc4514_string(subject)
    making = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_BEGIN + timedelta(days=3650))
    )
    if names:
        making = making.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if comment:
        where = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
        making = making.add_extension(x509.UnrecognizedExtension(where, comment), critical=False)
    return making.sign(key, SHA256()).public_bytes(Encoding.DER)


def header(der: bytes) -> str:
    """The value of `Client-Cert` (RFC 9440 2.2)."""
    return f":{base64.b64encode(der).decode()}:"


def shown(der: bytes, verified: str = "SUCCESS", **more: Any) -> dict[str, str]:
    """The headers with which a proxy shows this certificate."""
    return {"Client-Cert": header(der), "Client-Cert-Verify": verified, **more}
