"""The TLS certificate that a client showed to the proxy (RFC 8705, RFC 9440)."""

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from cryptography import x509

from endorse.core import jose
from endorse.core.coding import b64url, sha256
from endorse.core.metadata import Metadata

# RFC 9440 2.2 and RFC 8941 3.3.5: base64 between two colons, and nothing else.
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_AT_MOST: Final = 16 * 1024
_KEPT: Final = 256
_NAMES: Final = {"organizationIdentifier": x509.ObjectIdentifier("2.5.4.97")}
"""What eIDAS certificates have beyond the names of RFC 4514 3 (ETSI TS 119 495)."""


class Certificate(msgspec.Struct, frozen=True):
    """A certificate whose private key the client has: the proxy's handshake proved that."""

    thumbprint: str
    """`x5t#S256`: base64url of the SHA-256 of its DER (RFC 8705 3.1)."""
    parsed: x509.Certificate
    chain_checked: bool
    """Whether the proxy verified its chain up to an authority that the bank trusts."""


def read(header: str, *, chain_checked: bool) -> Certificate:
    """Read the `Client-Cert` header of a trusted proxy. Raises ValueError, saying why."""
    thumbprint, certificate = _read(header)
    return Certificate(thumbprint, certificate, chain_checked)


@lru_cache(_KEPT)
def _read(header: str) -> tuple[str, x509.Certificate]:
    found = _BYTES.fullmatch(header) if len(header) <= _AT_MOST else None
    if found is None:
        raise ValueError("no byte sequence of a usual length")
    try:
        der = base64.b64decode(found[1], validate=True)
    except binascii.Error as broken:
        raise ValueError("no base64") from broken
    if base64.b64encode(der).decode() != found[1]:
        raise ValueError("another spelling of the same base64")
    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.subject, certificate.public_key()  # what cannot be read is refused here
    return b64url(sha256(der)), certificate


def problem(shown: Certificate | None, registered: Metadata) -> str:
    """Say why a certificate does not show the client of this metadata, or "" (RFC 8705 2).

    See also RFC 8705 2.1, 2.2.
    """
    if shown is None:
        return "no certificate, or not by the host for certificates and a trusted proxy"
    if registered.token_endpoint_auth_method == "tls_client_auth":
        if not shown.chain_checked:
            return "the proxy did not check the certificate's chain"
        return _name_problem(shown.parsed, registered)
    try:
        keys = jose.keys_of(registered.jwks)
    except ValueError as broken:
        return f"the registered jwks: {broken}"
    mine = shown.parsed.public_key()
    return "" if any(key.public_key == mine for key in keys) else "its key is not registered"


def names_of(metadata: Metadata) -> tuple[tuple[str, str], ...]:
    """Give the names that are registered for `tls_client_auth`: (parameter, value)."""
    said = ((name, str(getattr(metadata, name))) for name in _MATCH)
    return tuple((name, value) for name, value in said if value)


def names_problem(metadata: Metadata) -> str:
    """Say what is wrong with the registered names, or "": exactly one is (RFC 8705 2.1.2)."""
    names = names_of(metadata)
    if len(names) != 1:
        return f"tls_client_auth needs exactly one of {', '.join(_MATCH)}"
    name, value = names[0]
    try:
        if name == "tls_client_auth_subject_dn" and not _distinguished(value).rdns:
            raise ValueError
        if name == "tls_client_auth_san_ip":
            ip_address(value)
    except ValueError:
        return f"{name} is not readable"
    return ""


def _name_problem(certificate: x509.Certificate, registered: Metadata) -> str:
    if names_problem(registered):
        return names_problem(registered)
    name, value = names_of(registered)[0]
    try:
        return "" if _MATCH[name](certificate, value) else f"{name} is not the certificate's"
    except (ValueError, x509.ExtensionNotFound) as broken:
        return f"{name}: {str(broken)[:80]}"


def _distinguished(text: str) -> x509.Name:
    """Read a distinguished name (RFC 4514). Raises ValueError."""
    return x509.Name.from_rfc4514_string(text, _NAMES)


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _dns(certificate: x509.Certificate, value: str) -> bool:
    names = _alternatives(certificate).get_values_for_type(x509.DNSName)
    return value.lower() in [name.lower() for name in names]


def _san(kind: Any) -> Callable[[x509.Certificate, str], bool]:
    return lambda it, value: value in _alternatives(it).get_values_for_type(kind)


def _ip(certificate: x509.Certificate, value: str) -> bool:
    return ip_address(value) in _alternatives(certificate).get_values_for_type(x509.IPAddress)


_MATCH: Final[dict[str, Callable[[x509.Certificate, str], bool]]] = {
    # As parsed names, so that two spellings of one name are the same (RFC 8705 2.1.2).
    "tls_client_auth_subject_dn": lambda it, value: _distinguished(value) == it.subject,
    "tls_client_auth_san_dns": _dns,
    "tls_client_auth_san_uri": _san(x509.UniformResourceIdentifier),
    "tls_client_auth_san_ip": _ip,
    "tls_client_auth_san_email": _san(x509.RFC822Name),
}
