"""The table and the harmless claim that the tests of the risk check begin with."""

from __future__ import annotations

from msgspec.structs import replace

from endorse.core.policy import DAY
from endorse.risk import Circumstances
from endorse.server.places import Places

NOW = 1_800_000_000

TABLE = """\
network,country,name,latitude,longitude,hosting
198.51.100.0/24,NL,Utrecht,52.0907,5.1214,0
203.0.113.0/25,NL,Groningen,53.2194,6.5665,0
203.0.113.128/25,FR,Paris,48.8566,2.3522,0
192.0.2.0/24,US,Data centre,39.0438,-77.4874,1
2001:db8:1::/48,NL,Utrecht,52.0907,5.1214,0
2001:db8:2::/48,FR,"Lille, Nord",50.6292,3.0573,0
2001:db8:3::/48,NL,,,,0
2001:db8:4::/48,US,Anchorage,61.2181,-149.9003,0
2001:db8:5::/48,US,Miami,25.7617,-80.1918,0
2001:db8:6::/48,,At sea,52.4,3.9,0
"""

UTRECHT, UTRECHT_TOO = "198.51.100.7", "198.51.100.200"
GRONINGEN, PARIS = "203.0.113.5", "203.0.113.200"
HOSTING = "192.0.2.9"
UTRECHT_V6, LILLE_V6 = "2001:db8:1::7", "2001:db8:2::7"
NAMELESS_V6, ANCHORAGE_V6, MIAMI_V6 = "2001:db8:3::7", "2001:db8:4::7", "2001:db8:5::7"
AT_SEA_V6 = "2001:db8:6::7"

HARMLESS = Circumstances(
    way="qr",
    browser_address=UTRECHT,
    phone_address=UTRECHT_V6,
    browser="Chrome on Windows",
    browser_known=True,
    client_registered_at=NOW - 365 * DAY,
    client_verified=True,
    phone_enrolled_at=NOW - 30 * DAY,
    now=NOW,
)
"""A person at home: the browser by IPv4, the phone by IPv6, so no network is shared."""


def table(text: str = TABLE) -> Places:
    """The places of a table."""
    return Places(text.splitlines(keepends=True))


def claim(**changed: object) -> Circumstances:
    """The harmless claim, but for what is changed."""
    return replace(HARMLESS, **changed)
