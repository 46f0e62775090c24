"""The risk check that Endorse brings: plain rules, no outside service, nothing guessed.

It knows what the server itself has seen, and what the operator's place table says, if there is one.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, get_args

import msgspec

from endorse.core.policy import DAY
from endorse.risk import Circumstances, Level, Reason, Verdict
from endorse.server.places import Place, Places, distance_km

_ADDRESSES_KEPT: Final = 1024
_ORDER: Final[tuple[Reason, ...]] = get_args(Reason)

_AMBER: Final[frozenset[Reason]] = frozenset(
    {
        "hosting_network",
        "short_code",
        "other_country",
        "far_apart",
        "unverified_client",
        "young_client",
        "young_phone",
    }
)

# Addresses that many unrelated networks use at once. Documentation networks are not among them:
# nobody has them, and the examples in guides need some.
_PRIVATE: Final = tuple(
    ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


class Bounds(msgspec.Struct, frozen=True):
    """Where each rule begins to hold, with its reason. Times are seconds."""

    # An address is located by its network, which is often a city off; a phone on a mobile network
    # appears where that network meets the internet. A nearer bound would warn honest people of
    # many a country every time, who would then stop to read warnings.
    far_km: int = 300

    # A client that harms people is reported within days; who registers one to harm must wait.
    young_client: int = 7 * DAY

    # Who tricked a person into enrolling a stranger's phone wants to use it at once; the person
    # has a day to hear of the new phone.
    young_phone: int = DAY

    # An office or a mobile network shows its people under several neighbouring IPv4 addresses; /24
    # is the smallest network that is routed by itself. A household's IPv6 network is a /56, or
    # larger (RIPE-690), and the lower bits change from device to device.
    same_ipv4: int = 24
    same_ipv6: int = 56


IN_SANDBOX: Final = Bounds(young_client=0, young_phone=0)
"""A sandbox has made its client and its phones a moment ago."""


class Rules:
    """A `Risk` by rules over the circumstances and an optional place table."""

    def __init__(self, bounds: Bounds | None = None, places: Places | None = None) -> None:
        """Weigh by these bounds; without a table nothing is known about places."""
        self._bounds = bounds or Bounds()
        self._places = places

    async def weigh(self, it: Circumstances) -> Verdict:
        """Weigh at once; nothing is asked of anybody."""
        return self.verdict(it)

    def verdict(self, it: Circumstances) -> Verdict:
        """Say how much speaks against a claim: a pure function of what it is given."""
        browser, phone = public_address(it.browser_address), public_address(it.phone_address)
        same = _same_network(browser, phone, self._bounds)
        there, here = self._place(browser), self._place(phone)
        km = None if same else _apart(there, here)
        reasons = self._about_the_ends(it)
        if there is not None and there.hosting:
            reasons.add("hosting_network")
        if same:
            reasons.add("same_network")
        elif _two_countries(there, here):
            reasons.add("other_country")
        if km is not None and km > self._bounds.far_km:
            reasons.add("far_apart")
        place = there.name if there is not None and not there.hosting and there.name else None
        if place is None:
            reasons.add("place_unknown")
        return Verdict(
            level=_level(it, reasons),
            reasons=tuple(reason for reason in _ORDER if reason in reasons),
            place=place,
            distance_km=km,
        )

    def _place(self, address: IPv4Address | IPv6Address | None) -> Place | None:
        if address is None or self._places is None:
            return None
        return self._places.find(address)

    def _about_the_ends(self, it: Circumstances) -> set[Reason]:
        """What is known without any address."""
        held: dict[Reason, bool] = {
            "short_code": it.way == "short_code",
            "new_browser": not it.browser_known,
            "unverified_client": not it.client_verified,
            "young_client": it.now - it.client_registered_at < self._bounds.young_client,
            "young_phone": it.now - it.phone_enrolled_at < self._bounds.young_phone,
        }
        return {reason for reason, holds in held.items() if holds}


@lru_cache(_ADDRESSES_KEPT)
def public_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; None if it is not one, or one that says nothing about a place.

    IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4. Loopback, link-local, private and carriers'
    shared addresses (RFC 1918, 4193, 6598) say nothing: a proxy that is not named in the settings
    shows everybody under one of them.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or any(address in net for net in _PRIVATE)
    ):
        return None
    return address


def _level(it: Circumstances, reasons: set[Reason]) -> Level:
    # The mark of a relay: a machine in a data centre shows the code of a page that it opened for
    # the purpose. Somebody whose phone sits in the same network uses the same VPN on both.
    if "hosting_network" in reasons and "new_browser" in reasons and "same_network" not in reasons:
        return "red"
    if it.way == "near":
        return "green"  # the browser is proven to be beside the phone, wherever addresses point
    return "amber" if reasons & _AMBER else "green"


def _same_network(
    a: IPv4Address | IPv6Address | None, b: IPv4Address | IPv6Address | None, bounds: Bounds
) -> bool:
    if a is None or b is None or a.version != b.version:
        return False
    prefix = bounds.same_ipv4 if a.version == 4 else bounds.same_ipv6
    return (int(a) ^ int(b)) >> (a.max_prefixlen - prefix) == 0


def _two_countries(there: Place | None, here: Place | None) -> bool:
    if there is None or here is None or there.hosting or here.hosting:
        return False
    return "" not in (there.country, here.country) and there.country != here.country


def _apart(there: Place | None, here: Place | None) -> int | None:
    if there is None or here is None or there.hosting or here.hosting:
        return None
    return distance_km(there.spot, here.spot) if there.spot and here.spot else None
