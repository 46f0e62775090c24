"""Which proxies are believed when they tell who called them: single addresses and networks."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_WIDEST: Final = {4: 8, 6: 7}
"""By version: the prefix of the widest network that is nobody's alone in the world, 10.0.0.0/8 and
fc00::/7 (RFC 1918 3, RFC 4193 3.1). A wider one holds strangers."""
_KEPT: Final = 4096


class Proxies:
    """The trusted ones. `address in proxies` is asked for each request, so it costs a look-up."""

    def __init__(self, said: Iterable[str] = ()) -> None:
        """Take addresses and networks that have no `proxy_problem`."""
        alone = {one: _read(one) for one in said}
        exact = {str(address) for address in alone.values() if address is not None}
        # A socket for both versions tells of IPv4 addresses in this way (RFC 4291 2.5.5.2).
        self._addresses: Final = frozenset(exact | {f"::ffff:{it}" for it in exact if "." in it})
        self._networks: Final = tuple(ip_network(it) for it, one in alone.items() if one is None)
        # Kept by address, and bounded: a proxy's connections and requests all come from a few.
        self._looked = lru_cache(_KEPT)(self._look)

    def __contains__(self, address: object) -> bool:
        """Say whether an address is one of them. What is no address is none."""
        return address in self._addresses or (bool(self._networks) and self._looked(address))

    def _look(self, said: object) -> bool:
        address = _read(str(said))
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        return address is not None and any(address in network for network in self._networks)


def proxy_problem(said: str) -> str:
    """Say what is wrong with an address or network, and what to write in its place; or ""."""
    if _read(said) is not None:
        return ""
    try:
        network = ip_network(said, strict=False)
    except ValueError:
        return "is no address and no network: write such as 10.0.0.7 or 10.0.0.0/24"
    if network.prefixlen < _WIDEST[network.version]:
        return "would believe strangers: name the network in which your proxies are"
    if _read(said.partition("/")[0]) != network.network_address:
        return f"is one address within a network: write {network}, or the address alone"
    return ""


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
