"""The server's address, and which addresses a phone may speak to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from endorse.phone.errors import UnsafeIssuer

_DEFAULT_PORT = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer without path, such as `https://login.bank.example` (RFC 8414 2)."""

    url: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Issuer:
        """Read an issuer. Raises `UnsafeIssuer` for anything but an origin safe to speak to."""
        issuer = cls.of(text)
        parts = urlsplit(text)
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise UnsafeIssuer(f"An issuer has no path, but {text!r} has one.")
        return issuer

    @classmethod
    def of(cls, url: str) -> Issuer:
        """The issuer that a URL belongs to. Raises `UnsafeIssuer`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as problem:
            raise UnsafeIssuer(f"{url!r} is no address: {problem}.") from None
        if parts.scheme not in _DEFAULT_PORT or not host:
            raise UnsafeIssuer(f"{url!r} is no http address.")
        if "@" in parts.netloc:
            raise UnsafeIssuer("An issuer's address holds no user name.")
        if parts.scheme == "http" and not is_loopback(host):
            raise UnsafeIssuer(f"{parts.scheme}://{host} would send secrets unprotected.")
        shown = f"[{host}]" if ":" in host else host
        tail = "" if port is None or port == _DEFAULT_PORT[parts.scheme] else f":{port}"
        return cls(f"{parts.scheme}://{shown}{tail}", host)

    def at(self, path: str) -> str:
        """The URL of a path of this issuer."""
        return self.url + path

    def owns(self, url: str) -> bool:
        """Whether a URL has this issuer's origin."""
        try:
            return Issuer.of(url) == self
        except UnsafeIssuer:
            return False


def is_loopback(host: str) -> bool:
    """Whether a host name is this computer for certain, whatever a name server says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
