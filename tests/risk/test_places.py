"""The place table: what it finds, what it refuses and in which words, what it does not change."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endorse.server.places import HEADER, BadPlaces, Place, Places, distance_km, read_places
from tests.risk.scene import TABLE, table

HEAD = ",".join(HEADER) + "\n"
REST = ",NL,Utrecht,52.0907,5.1214,0\n"


def found(text: str, address: str) -> Place | None:
    """What a table says about an address."""
    return table(text).find(ip_address(address))


EDGES = [
    ("198.51.99.255", None),
    ("198.51.100.0", "Utrecht"),
    ("198.51.100.255", "Utrecht"),
    ("198.51.101.0", None),
    ("203.0.113.127", "Groningen"),
    ("203.0.113.128", "Paris"),
    ("0.0.0.0", None),
    ("255.255.255.255", None),
    ("2001:db8:0:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:db8:1::", "Utrecht"),
    ("2001:db8:1:ffff:ffff:ffff:ffff:ffff", "Utrecht"),
    ("2001:db8:2::", "Lille, Nord"),
    ("2001:db8:7::", None),
    ("::", None),
]


@pytest.mark.parametrize(("address", "name"), EDGES)
def test_an_address_is_found_in_its_network_and_not_beside_it(
    address: str, name: str | None
) -> None:
    place = found(TABLE, address)
    assert (place.name if place else None) == name


def test_a_row_says_country_name_spot_and_hosting() -> None:
    assert found(TABLE, "203.0.113.200") == Place("FR", "Paris", (48.8566, 2.3522), hosting=False)
    assert found(HEAD + "192.0.2.0/24,,,,,1\n", "192.0.2.1") == Place("", "", None, hosting=True)


def test_rows_may_come_in_any_order() -> None:
    head, *rows = TABLE.splitlines(keepends=True)
    backwards = Places([head, *reversed(rows)])
    forwards = table()
    for address, _ in EDGES:
        assert backwards.find(ip_address(address)) == forwards.find(ip_address(address))
    assert len(backwards) == len(forwards) == len(rows)


def test_an_empty_table_finds_nothing() -> None:
    assert found(HEAD, "198.51.100.7") is None
    assert found(HEAD, "2001:db8::7") is None


def test_the_whole_of_each_family_may_be_one_network() -> None:
    everything = HEAD + "0.0.0.0/0" + REST + "::/0" + REST
    for address in ("0.0.0.0", "255.255.255.255", "::", "ffff:" * 7 + "ffff"):
        assert found(everything, address) is not None


BAD_TABLES = [
    ("", "line 1: the header must be network,country,name,latitude,longitude,hosting"),
    ("network,country\n", "line 1: the header must be"),
    ("198.51.100.0/24" + REST, "line 1: the header must be"),
    (HEAD + "198.51.100.0/24,NL\n", "line 2: 2 fields, not 6."),
    (HEAD + "\n", "line 2: 0 fields, not 6."),
    (HEAD + "198.51.100.0" + REST, "line 2: '198.51.100.0' is no network, such as 192.0.2.0/24."),
    (HEAD + "198.51.100.0/33" + REST, "line 2: '198.51.100.0/33' is no network"),
    (HEAD + "198.51.100.0/024" + REST, "is no network"),
    (HEAD + "198.51.100.0/+24" + REST, "is no network"),
    (HEAD + "198.51.100/24" + REST, "is no network"),
    (HEAD + "198.51.0100.0/24" + REST, "is no network"),
    (HEAD + "example.com/24" + REST, "is no network"),
    (HEAD + "198.51.100.\u0661/24" + REST, "is no network"),
    (HEAD + "198.51.100.0\x00/24" + REST, "is no network"),
    (HEAD + "2001:db8::/129" + REST, "is no network"),
    (HEAD + "2001:db8::/65" + REST, "line 2: 2001:db8::/65 is longer than /64"),
    (HEAD + "198.51.100.1/24" + REST, "line 2: 198.51.100.1/24 has bits behind its prefix."),
    (HEAD + "2001:db8::1/48" + REST, "line 2: 2001:db8::1/48 has bits behind its prefix."),
    (HEAD + "2001:db8:1:1::/48" + REST, "has bits behind its prefix"),
    (
        HEAD + "10.0.0.0/8" + REST + "9.0.0.0/8" + REST + "10.1.0.0/16" + REST,
        "line 4: the network overlaps the one of line 2.",
    ),
    (
        HEAD + "10.1.0.0/16" + REST + "10.0.0.0/8" + REST,
        "line 3: the network overlaps the one of line 2.",
    ),
    (
        HEAD + "2001:db8::/32" + REST + "2001:db8::/32" + REST,
        "line 3: the network overlaps the one of line 2.",
    ),
    (
        HEAD + "192.0.2.1/32" + REST + "192.0.2.2/32" + REST + "192.0.2.1/32" + REST,
        "line 4: the network overlaps the one of line 2.",
    ),
    (HEAD + "198.51.100.0/24,nl,Utrecht,52,5,0\n", "line 2: the country must be two capital"),
    (HEAD + "198.51.100.0/24,NLD,Utrecht,52,5,0\n", "the country must be two capital"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,,5,0\n", "line 2: the latitude must be degrees"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,52,,0\n", "line 2: the longitude must be degrees"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,90.01,5,0\n", "latitude must be degrees from -90 to 90"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,52,-180.5,0\n", "degrees from -180 to 180"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,nan,5,0\n", "the latitude must be degrees"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,5e1,5,0\n", "the latitude must be degrees"),
    (HEAD + "198.51.100.0/24,NL,Utrecht,52,5,yes\n", "line 2: hosting must be 0 or 1."),
    (HEAD + "198.51.100.0/24,NL,Utrecht,52,5,\n", "hosting must be 0 or 1."),
    (HEAD + f"198.51.100.0/24,NL,{'U' * 65},52,5,0\n", "line 2: the name must be at most 64"),
    (HEAD + "198.51.100.0/24,NL,Utre\u202echt,52,5,0\n", "line 2: the name must be"),
    (HEAD + "198.51.100.0/24,NL, Utrecht,52,5,0\n", "line 2: the name must be"),
    (HEAD + '198.51.100.0/24,NL,"Utr"echt,52,5,0\n', "line 2: this is not CSV"),
    (HEAD + "198.51.100.0/24,NL," + "U" * 200_000 + ",52,5,0\n", "line 2: this is not CSV"),
]


@pytest.mark.parametrize(("text", "told"), BAD_TABLES, ids=lambda value: str(value)[-50:])
def test_a_bad_table_is_refused_with_its_line_and_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(BadPlaces) as refused:
        table(text)
    assert told in str(refused.value)


def test_a_table_has_a_largest_size() -> None:
    lines = TABLE.splitlines(keepends=True)
    assert len(Places(lines, rows=10, different=9)) == 10
    with pytest.raises(BadPlaces, match="line 11: the table has more than 9 networks"):
        Places(lines, rows=9)
    with pytest.raises(BadPlaces, match="line 11: the table has more than 8 different places"):
        Places(lines, different=8)


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        path = tmp_path / encoding
        path.write_text(TABLE.replace("\n", "\r\n").replace("Paris", "Orléans"), encoding)
        place = read_places(path).find(ip_address("203.0.113.200"))
        assert place is not None
        assert place.name == "Orléans"


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_bytes(TABLE.replace("Paris", "Orléans").encode("latin-1"))
    with pytest.raises(BadPlaces, match=r"places\.csv, line 4: the name must be"):
        read_places(path)


def test_what_is_no_file_or_too_large_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(BadPlaces, match="is not a file"):
            read_places(path)
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(500_000_001)  # a hole, which takes no room on the disk
    with pytest.raises(BadPlaces, match="has 500000001 bytes; a table has at most 500000000"):
        read_places(large)


V4 = st.tuples(st.integers(0, 2**32 - 1), st.integers(4, 32)).map(
    lambda it: IPv4Network(it, strict=False)
)
V6 = st.tuples(st.integers(0, 2**128 - 1), st.integers(4, 64)).map(
    lambda it: IPv6Network(it, strict=False)
)


@given(st.lists(V4 | V6, max_size=12), st.ip_addresses())
def test_the_table_finds_what_going_through_all_rows_finds(
    drawn: list[IPv4Network | IPv6Network], address: IPv4Address | IPv6Address
) -> None:
    networks: list[IPv4Network | IPv6Network] = []
    for network in drawn:
        if not any(network.version == n.version and network.overlaps(n) for n in networks):
            networks.append(network)
    rows = [f"{network},NL,Place {i},,,0\n" for i, network in enumerate(networks)]
    places = Places([HEAD, *rows])
    at_edges = [edge for n in networks for edge in (n[0], n[-1])]
    for one in [address, *at_edges]:
        expected = [f"Place {i}" for i, network in enumerate(networks) if one in network]
        place = places.find(one)
        assert ([place.name] if place else []) == expected


SPOTS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(SPOTS, SPOTS)
def test_a_distance_is_the_same_both_ways_and_at_most_half_round_the_earth(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    assert distance_km(a, b) == distance_km(b, a)
    assert 0 <= distance_km(a, b) <= 20_016
    assert distance_km(a, a) == 0
