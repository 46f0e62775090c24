"""The place table: which network is where, from a file that the operator gives, if any.

The format, and what it costs, stand in `docs/risk.md`. The table lies in flat arrays that are
searched by bisection; nothing of it changes while the server runs.
"""

import csv
import re
import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Final

import msgspec

HEADER: Final = ["network", "country", "name", "latitude", "longitude", "hosting"]
"""The first line of a table."""

ROWS: Final = 5_000_000
"""Most networks of a table. One that is that fine splits towns, which no rule asks for."""

DIFFERENT: Final = 1_000_000
"""Most different places of a table: each costs about 0.6 kB of memory, and there are not that many
towns. A table with more has coordinates finer than a town, which are to be rounded."""

BYTES: Final = 500_000_000
"""Most bytes of a table's file: `ROWS` lines of a hundred bytes."""

NAME: Final = 64
"""Most characters of a place's name: it stands on one or two lines of a phone."""

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,10})?")
_PREFIX: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_EARTH_KM: Final = 6371.0


class BadPlaces(ValueError):
    """The file is not a place table; the text says in which line, and what is wrong there."""


class Place(msgspec.Struct, frozen=True):
    """Where a network is, as far as the table says.

    `country` is an ISO 3166-1 code and `name` a place's name, each "" where the table has none.
    `spot` is latitude and longitude in degrees. `hosting` marks the networks of data centres, VPNs
    and anonymisers: their place is that of a machine, not of the person behind it.
    """

    country: str
    name: str
    spot: tuple[float, float] | None
    hosting: bool


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> int:
    """Whole kilometres between two spots as the crow flies, on a round earth."""
    (north_a, east_a), (north_b, east_b) = (map(radians, spot) for spot in (a, b))
    half = (
        sin((north_b - north_a) / 2) ** 2
        + cos(north_a) * cos(north_b) * sin((east_b - east_a) / 2) ** 2
    )
    return round(2 * _EARTH_KM * asin(sqrt(min(1.0, half))))


class _Ranges:
    """Networks of one family: where each begins and ends, its place, its line in the file."""

    def __init__(self, numbers: str) -> None:
        self.begins = array(numbers)
        self.ends = array(numbers)
        self.at = array("I")
        self.lines = array("I")

    def add(self, begin: int, end: int, at: int, line: int) -> None:
        self.begins.append(begin)
        self.ends.append(end)
        self.at.append(at)
        self.lines.append(line)

    def order(self) -> None:
        """Sort, and see that no two networks overlap. Raises BadPlaces."""
        begins = self.begins
        if any(begins[i] > begins[i + 1] for i in range(len(begins) - 1)):
            order = sorted(range(len(begins)), key=begins.__getitem__)
            for name in ("begins", "ends", "at", "lines"):
                column = getattr(self, name)
                setattr(self, name, array(column.typecode, map(column.__getitem__, order)))
        for i in range(len(self.begins) - 1):
            if self.ends[i] >= self.begins[i + 1]:
                one, other = sorted((self.lines[i], self.lines[i + 1]))
                raise BadPlaces(f"line {other}: the network overlaps the one of line {one}.")
        self.lines = array("I")  # only errors need them

    def find(self, number: int) -> int | None:
        i = bisect_right(self.begins, number) - 1
        return self.at[i] if i >= 0 and number <= self.ends[i] else None


class Places:
    """A place table in memory."""

    def __init__(self, lines: Iterable[str], rows: int = ROWS, different: int = DIFFERENT) -> None:
        """Take the lines of the file, the header first. Raises BadPlaces.

        `rows` and `different` bound how many networks and how many different places it may have.
        """
        self._places: list[Place] = []
        self._v4 = _Ranges("I")
        self._v6 = _Ranges("Q")  # the upper half of an address: no network is longer than /64
        self._read(_rows(lines), rows, different)
        self._v4.order()
        self._v6.order()

    def _read(self, lines: Iterator[tuple[int, list[str]]], rows: int, different: int) -> None:
        if next(lines, (1, []))[1] != HEADER:
            raise BadPlaces(f"line 1: the header must be {','.join(HEADER)}")
        known: dict[tuple[str, ...], int] = {}
        for line, row in lines:
            if len(self) >= rows:
                raise BadPlaces(f"line {line}: the table has more than {rows} networks.")
            if len(row) != len(HEADER):
                raise BadPlaces(f"line {line}: {len(row)} fields, not {len(HEADER)}.")
            network, *told = row
            key = tuple(told)
            at = known.get(key)
            try:
                if at is None:
                    at = known[key] = len(self._places)
                    if at >= different:
                        raise ValueError(f"the table has more than {different} different places")
                    self._places.append(_place(*told))
                v6, begin, end = _network(network)
            except ValueError as error:
                raise BadPlaces(f"line {line}: {error}.") from error
            (self._v6 if v6 else self._v4).add(begin, end, at, line)

    def __len__(self) -> int:
        """The number of networks."""
        return len(self._v4.begins) + len(self._v6.begins)

    def find(self, address: IPv4Address | IPv6Address) -> Place | None:
        """Give the place of the network that holds this address, or None if none does."""
        if isinstance(address, IPv4Address):
            at = self._v4.find(int(address))
        else:
            at = self._v6.find(int(address) >> 64)
        return None if at is None else self._places[at]


def read_places(path: Path) -> Places:
    """Read the table in this file. Raises BadPlaces, which names the file, and OSError."""
    if not path.is_file():
        raise BadPlaces(f"{path} is not a file.")
    size = path.stat().st_size
    if size > BYTES:
        raise BadPlaces(f"{path} has {size} bytes; a table has at most {BYTES}.")
    # What is not UTF-8 becomes characters that no name may have, so the error knows its line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        try:
            return Places(lines)
        except BadPlaces as error:
            raise BadPlaces(f"{path}, {error}") from error


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its (last) line. Raises BadPlaces."""
    rows = csv.reader(lines, strict=True)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise BadPlaces(f"line {rows.line_num}: this is not CSV ({error}).") from error


def _place(country: str, name: str, latitude: str, longitude: str, hosting: str) -> Place:
    if country and not _COUNTRY.fullmatch(country):
        raise ValueError("the country must be two capital letters, or nothing")
    if len(name) > NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"the name must be at most {NAME} printable characters of UTF-8")
    if hosting not in ("0", "1"):
        raise ValueError("hosting must be 0 or 1")
    spot = None
    if latitude or longitude:
        spot = (
            _degrees("latitude", latitude, 90),
            _degrees("longitude", longitude, 180),
        )
    return Place(country, name, spot, hosting == "1")


def _degrees(what: str, text: str, most: int) -> float:
    if not _NUMBER.fullmatch(text) or abs(float(text)) > most:
        raise ValueError(f"the {what} must be degrees from -{most} to {most}, such as 52.0907")
    return float(text)


def _network(text: str) -> tuple[bool, int, int]:
    """Whether it is IPv6, first and last number; for IPv6 those of the upper 64 bits."""
    address, _, prefix = text.partition("/")
    v6 = ":" in address
    # `ipaddress` takes three times as long, and a table may have millions of rows.
    try:
        packed = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, address)
    except (OSError, ValueError) as error:
        raise ValueError(f"{_shown(text)} is no network, such as 192.0.2.0/24") from error
    if not _PREFIX.fullmatch(prefix) or int(prefix) > (128 if v6 else 32):
        raise ValueError(f"{_shown(text)} is no network, such as 192.0.2.0/24")
    if v6 and int(prefix) > 64:
        raise ValueError(f"{text} is longer than /64, which is one household's")
    host_bits = (64 if v6 else 32) - int(prefix)
    begin = int.from_bytes(packed[:8])
    if begin & ((1 << host_bits) - 1) or any(packed[8:]):
        raise ValueError(f"{text} has bits behind its prefix")
    return v6, begin, begin | ((1 << host_bits) - 1)


def _shown(text: str) -> str:
    return repr(text[:60])
