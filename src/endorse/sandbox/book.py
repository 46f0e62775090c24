"""The pages of one month, on which everything that happens on a household's accounts is written."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from endorse.sandbox import iban
from endorse.sandbox.people import Held

CARD = "PMNT-CCRD-POSD"
CASH = "PMNT-CCRD-CWDL"
TRANSFER_OUT = "PMNT-ICDT-ESCT"
TRANSFER_IN = "PMNT-RCDT-ESCT"
SALARY = "PMNT-RCDT-SALA"
STANDING_ORDER = "PMNT-ICDT-STDO"
DIRECT_DEBIT = "PMNT-RDDT-ESDD"
OWN_OUT = "PMNT-ICDT-BOOK"
OWN_IN = "PMNT-RCDT-BOOK"
INTEREST = "ACMT-MCOP-INTR"

BY_CARD = frozenset({CARD, CASH})


class Line(NamedTuple):
    """One entry: `minor` in the account's smallest unit, `balance` once it is booked."""

    day: date
    minor: int
    name: str
    iban: str | None
    text: str
    code: str
    reference: str | None = None
    balance: int = 0


class Book:
    """Lines of one month by account, written in any order."""

    def __init__(self, seed: str, month: int, days: tuple[date, ...]) -> None:
        self._seed = seed
        self._month = month
        self._days = days
        self._lines: dict[str, list[Line]] = {}
        self._references = 0

    @property
    def length(self) -> int:
        """Days in the month."""
        return len(self._days)

    def weekday_before(self, day: int) -> int:
        """`day`, or the Friday before if it falls on a weekend."""
        return day - max(0, self._days[day - 1].weekday() - 4)

    def enter(
        self,
        held: Held,
        day: int,
        minor: int,
        name: str,
        text: str,
        code: str,
        *,
        known: bool = True,
    ) -> None:
        """Write one line; `known` says whether the other side's account number is given."""
        number = iban.other(self._seed, name) if known else None
        line = Line(self._days[day - 1], minor, name, number, text, code)
        self._lines.setdefault(held.id, []).append(line)

    def move(self, source: Held, target: Held, day: int, minor: int, text: str) -> None:
        """Write a transfer between two accounts of this bank, on both; below 0 it goes back."""
        if minor < 0:
            source, target, minor = target, source, -minor
        self._references += 1
        reference = f"OWN-{self._month // 12}-{self._month % 12 + 1:02}-{self._references:02}"
        when = self._days[day - 1]
        for held, other, signed, code in (
            (source, target, -minor, OWN_OUT),
            (target, source, minor, OWN_IN),
        ):
            name, number = other.account.owner_name or "", other.account.iban
            line = Line(when, signed, name, number, text, code, reference)
            self._lines.setdefault(held.id, []).append(line)

    def net(self, held: Held) -> int:
        """The sum of the lines written so far."""
        return sum(line.minor for line in self._lines.get(held.id, ()))

    def close(self, starts: Mapping[str, int]) -> dict[str, tuple[Line, ...]]:
        """The lines by account in the order of booking, each with its balance."""
        closed = {}
        for account_id, balance in starts.items():
            running = balance
            lines = []
            for line in sorted(self._lines.get(account_id, ()), key=lambda line: line.day):
                running += line.minor
                lines.append(Line(*line[:-1], running))
            closed[account_id] = tuple(lines)
        return closed
