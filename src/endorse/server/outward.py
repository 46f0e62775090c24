"""Calls to addresses that somebody else registered: never into the bank's own network (SSRF).

A name is looked up once, each of its addresses must be public, and the call goes to the very
address that was looked at: a name that says something else a moment later leads nowhere else.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host and port. Raises OSError where there are none."""

_HTTPS: Final = 443
# RFC 6052 2.1: an IPv4 address in its last four bytes.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(Exception):
    """The address leads to a private, local or reserved network; the message is for the log."""


class Aim(msgspec.Struct, frozen=True):
    """Where a call goes: the address by number, and the name that it must prove by TLS."""

    url: str
    headers: dict[str, str] = {}
    extensions: dict[str, str] = {}


async def resolved(host: str, port: int) -> Sequence[str]:
    """Look a name up as this machine does. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def aim(url: str, resolve: Resolve) -> Aim:
    """Aim a call at a public address of an https address. Raises NotPublic, OSError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _HTTPS
    found = await resolve(host, port)
    inside = [address for address in found if not is_public(address)]
    if inside or not found:
        # One private address among public ones is no slip that a good client makes.
        raise NotPublic(f"{host} is {inside[0] if inside else 'nowhere'}, which is not public")
    shown = f"[{found[0]}]" if ":" in found[0] else found[0]
    by_number = urlunsplit(("https", f"{shown}:{port}", parts.path, parts.query, ""))
    return Aim(by_number, {"Host": parts.netloc}, {"sni_hostname": host})


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet, also inside of another."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        # Among them an IPv6 address with a zone, which is of one network only.
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(ip.packed[-4:])))
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if embedded is not None:
            return is_public(str(embedded))
    return ip.is_global and not ip.is_multicast
