"""How often something may be tried from one address. Counted in memory, and bounded."""

from collections import OrderedDict
from collections.abc import Container
from ipaddress import IPv6Address
from typing import Final

from starlette.types import Scope

_ADDRESSES: Final = 10_000


class Limit:
    """At most `count` tries in `seconds`, for each address."""

    def __init__(self, count: int, seconds: int) -> None:
        """Allow `count` tries in a window of `seconds`."""
        self._count = count
        self._seconds = seconds
        self.hits = 0
        """How many tries were one too many."""
        self._tries: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        self._last_hit = -1
        """The window in which somebody last had one try too many."""

    def take(self, address: str, now: int, of: str = "") -> bool:
        """Take one try `of` something; False if the address has had its share of this window."""
        key = network_of(address), of
        window = now // self._seconds
        seen, tries = self._tries.pop(key, (window, 0))
        tries = tries + 1 if seen == window else 1
        self._tries[key] = (window, tries)
        if len(self._tries) > _ADDRESSES:
            self._tries.popitem(last=False)
        if tries <= self._count:
            return True
        self.hits += 1
        self._last_hit = window
        return False

    def stops_anybody(self, now: int) -> bool:
        """Say whether some address had one try too many in this window: most often none had."""
        return self._last_hit == now // self._seconds

    def stops(self, address: str, now: int, of: str = "") -> bool:
        """Say whether an address has had one try too many already. This is none."""
        seen, tries = self._tries.get((network_of(address), of), (0, 0))
        stopped = seen == now // self._seconds and tries > self._count
        self.hits += stopped
        return stopped


class Allowance:
    """What each address may do, which fills up again steadily: a flood has no burst each minute."""

    def __init__(self, count: int, seconds: int) -> None:
        """Allow `count` tries at once, and again after `seconds`: some more in each second."""
        self._count = count
        self._each_second = count / seconds
        self.hits = 0
        """How many tries were one too many."""
        self._left: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def take(self, address: str, now: int) -> bool:
        """Take one try; False if the address has none left."""
        address = network_of(address)
        seen, left = self._left.pop(address, (now, float(self._count)))
        left = min(self._count, left + (now - seen) * self._each_second)
        may = left >= 1
        self._left[address] = (now, left - may)
        if len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
        self.hits += not may
        return may


def network_of(address: str) -> str:
    """Give what one caller has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177 2).

    What is no IPv6 address is given back.
    """
    if ":" not in address:
        return address
    try:
        whole = IPv6Address(address)
    except ValueError:
        return address
    return str(whole.ipv4_mapped or IPv6Address(int(whole) >> 64 << 64))


def address_of(scope: Scope, trusted_proxies: Container[str]) -> str:
    """Give the caller's address: the peer's, or what a trusted proxy says it forwarded.

    Of several proxies one behind the other each is believed that a trusted one names.
    """
    client = scope.get("client")
    peer: str = client[0] if client else ""
    if peer not in trusted_proxies:
        return peer
    # Several headers of one name are one list (RFC 9110 5.3), and the proxy wrote its last entry.
    told = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    forwarded = told[-1].decode("latin-1") if told else ""
    caller = peer
    for said in reversed(forwarded.split(",")):
        caller = said.strip()[:64] or caller
        if caller not in trusted_proxies:
            break
    return caller
