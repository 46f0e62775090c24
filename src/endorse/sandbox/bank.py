"""The sandbox bank itself: it answers the questions of `endorse.bank.Bank`."""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b

import msgspec

from endorse.bank import (
    Account,
    AccountReference,
    Amount,
    Balance,
    BalanceType,
    CreditTransfer,
    Person,
    Transaction,
    TransactionPage,
    TransactionStatus,
    UnknownAccount,
    UnknownCursor,
    UnknownPayment,
)
from endorse.sandbox import people
from endorse.sandbox.book import BY_CARD, Line
from endorse.sandbox.calendar import first_day, last_day, month_of
from endorse.sandbox.month import balance_at_start, write_month
from endorse.sandbox.payments import Payments
from endorse.sandbox.people import Held, Household

HISTORY_MONTHS = 24
"""Whole months kept before the present one."""

_KEPT_HOUSEHOLDS = 4096
_KEPT_MONTHS = 512  # of about 40 kB each
_INVENTED = re.compile(r"new-[a-z0-9]{1,32}")
_INVENTED_ACCOUNT = re.compile(r"(new-[a-z0-9]{1,32})-[a-z]{1,16}")
_CURSOR = re.compile(r"([0-9]{6})-([0-9]{3})")


def _random_id() -> str:
    return f"new-{secrets.token_hex(6)}"


class SandboxBank:
    """A bank that holds nothing: seed, id and day determine every answer.

    A new day adds transactions and changes none of those before. Card payments of the last day are
    pending. Besides the six people with names of their own, everyone whose id looks like
    "new-7f3a" (letters a-z and digits after the dash) exists.

    `today` gives the present day at each call; `new_id` makes the ids of new people.
    """

    def __init__(
        self,
        seed: str,
        today: Callable[[], date],
        new_id: Callable[[], str] = _random_id,
    ) -> None:
        self._seed = seed
        self._today = today
        self._new_id = new_id
        self._named = people.named(seed)
        self._by_person = {
            member.person.id: household for household in self._named for member in household.members
        }
        self._by_account = {
            held.id: (household, held) for household in self._named for held in _all_held(household)
        }
        self._invented = lru_cache(_KEPT_HOUSEHOLDS)(self._invent)
        self._accounts = lru_cache(_KEPT_HOUSEHOLDS)(self._accounts_of)
        self._weighed = lru_cache(_KEPT_HOUSEHOLDS)(self._weigh)
        self._month = lru_cache(_KEPT_MONTHS)(self._write)
        self._payments = Payments()

    def people(self) -> tuple[Person, ...]:
        """The invented people with names of their own."""
        return tuple(member.person for one in self._named for member in one.members)

    def new_person(self) -> Person:
        """Someone who was never there before: a random id, and all that follows from it."""
        return self._invented(self._new_id()).members[0].person

    async def person(self, person_id: str) -> Person | None:
        """See `endorse.bank.Bank.person`."""
        household = self._household(person_id)
        if household is None:
            return None
        return next(one.person for one in household.members if one.person.id == person_id)

    async def person_of(self, login_hint: str) -> Person | None:
        """See `endorse.bank.NamingBank.person_of`: by their id."""
        return await self.person(login_hint)

    async def accounts(self, person_id: str) -> Sequence[Account]:
        """See `endorse.bank.Bank.accounts`."""
        return self._accounts(person_id)

    async def balances(self, account_id: str) -> Sequence[Balance]:
        """See `endorse.bank.Bank.balances`: available now, booked now, booked yesterday."""
        balances = self._weighed(account_id, self._today())
        moved = self._payments.moved(self._find(account_id)[1].account)
        if not moved:
            return balances
        available, *rest = balances
        amount = Amount(available.balance_amount.currency, available.balance_amount.amount + moved)
        return (msgspec.structs.replace(available, balance_amount=amount), *rest)

    async def pay(self, person_id: str, payment: CreditTransfer) -> TransactionStatus:
        """See `endorse.bank.PayingBank.pay`: it is made if the account has the money."""
        known = self._payments.status(payment.payment_id)
        if known is not None:
            return known
        household, held = self._find(payment.account_id)
        if held.account not in household.accounts_of(person_id):
            raise UnknownAccount(payment.account_id)
        available = (await self.balances(payment.account_id))[0].balance_amount.amount
        return self._payments.make(payment, held.account, available, self._today())

    async def payment_status(self, payment_id: str) -> TransactionStatus:
        """See `endorse.bank.PayingBank.payment_status`."""
        known = self._payments.status(payment_id)
        if known is None:
            raise UnknownPayment(payment_id)
        return known

    def _weigh(self, account_id: str, today: date) -> tuple[Balance, ...]:
        household, held = self._find(account_id)
        yesterday = today - timedelta(days=1)
        booked, changed = self._booked(household, held, today)
        closed, closed_changed = self._booked(household, held, yesterday)
        held_back = sum(line.minor for _, _, line in self._pending(household, held, today))

        def balance(kind: BalanceType, minor: int, day: date, change: date | None) -> Balance:
            return Balance(
                kind,
                Amount.of_minor(minor, held.account.currency),
                reference_date=day,
                # The bank books at the turn of the day.
                last_change_date_time=datetime.combine(change, time(), UTC) if change else None,
            )

        return (
            balance("interimAvailable", booked + held_back, today, changed),
            balance("interimBooked", booked, today, changed),
            balance("closingBooked", closed, yesterday, closed_changed),
        )

    async def transactions(
        self,
        account_id: str,
        date_from: date | None,
        date_to: date | None,
        after: str | None,
        limit: int,
    ) -> TransactionPage:
        """See `endorse.bank.Bank.transactions`: two years, and a cursor of month and place."""
        household, held = self._find(account_id)
        today = self._today()
        oldest = max(date_from or date.min, first_day(month_of(today) - HISTORY_MONTHS))
        newest = min(date_to or date.max, today)
        start = _position(after) if after is not None else None
        booked: list[Transaction] = []
        rest = self._lines_back(household, held, oldest, newest, start)
        month = place = 0
        for month, place, line in rest:
            booked.append(self._transaction(held, month, place, line))
            if len(booked) == limit:
                break
        more = next(rest, None) is not None
        pending: tuple[Transaction, ...] = ()
        if after is None and oldest <= today <= newest:
            pending = tuple(
                self._transaction(held, *entry, pending=True)
                for entry in reversed(self._pending(household, held, today))
            )
            pending = (*self._payments.of(held.account), *pending)
        return TransactionPage(tuple(booked), pending, _cursor(month, place) if more else None)

    def _accounts_of(self, person_id: str) -> Sequence[Account]:
        household = self._household(person_id)
        return household.accounts_of(person_id) if household else ()

    def _household(self, person_id: str) -> Household | None:
        if _INVENTED.fullmatch(person_id):
            return self._invented(person_id)
        return self._by_person.get(person_id)

    def _find(self, account_id: str) -> tuple[Household, Held]:
        known = self._by_account.get(account_id)
        if known:
            return known
        match = _INVENTED_ACCOUNT.fullmatch(account_id)
        if match:
            household = self._invented(match[1])
            for held in _all_held(household):
                if held.id == account_id:
                    return household, held
        raise UnknownAccount(account_id)

    def _invent(self, person_id: str) -> Household:
        return people.invented(self._seed, person_id)

    def _write(self, household: Household, month: int) -> dict[str, tuple[Line, ...]]:
        return write_month(self._seed, household, month)

    def _lines(self, household: Household, held: Held, month: int) -> tuple[Line, ...]:
        return self._month(household, month)[held.id]

    def _booked(self, household: Household, held: Held, day: date) -> tuple[int, date | None]:
        """Balance at the end of `day`, and the day of this month on which it last changed."""
        month = month_of(day)
        for line in reversed(self._lines(household, held, month)):
            if line.day <= day:
                return line.balance, line.day
        return balance_at_start(self._seed, household, held, month), None

    def _pending(
        self, household: Household, held: Held, today: date
    ) -> list[tuple[int, int, Line]]:
        """Card payments of today: those that will be booked tomorrow."""
        tomorrow = today + timedelta(days=1)
        month = month_of(tomorrow)
        return [
            (month, place, line)
            for place, line in enumerate(self._lines(household, held, month))
            if line.day == tomorrow and line.code in BY_CARD
        ]

    def _lines_back(
        self,
        household: Household,
        held: Held,
        oldest: date,
        newest: date,
        start: tuple[int, int] | None,
    ) -> Iterator[tuple[int, int, Line]]:
        """Month, place and line from `newest` back to `oldest`, those before `start` only."""
        if oldest > newest:
            return
        if start:
            newest = min(newest, last_day(start[0]))
        for month in range(month_of(newest), month_of(oldest) - 1, -1):
            lines = self._lines(household, held, month)
            for place in range(len(lines) - 1, -1, -1):
                line = lines[place]
                if oldest <= line.day <= newest and (start is None or (month, place) < start):
                    yield month, place, line

    def _transaction(
        self, held: Held, month: int, place: int, line: Line, *, pending: bool = False
    ) -> Transaction:
        currency = held.account.currency
        account = AccountReference(iban=line.iban) if line.iban else None
        leaves = line.minor < 0
        day = line.day - timedelta(days=1) if line.code in BY_CARD else line.day
        key = blake2b(f"{self._seed}/{held.id}".encode(), digest_size=5).hexdigest()
        return Transaction(
            transaction_amount=Amount.of_minor(line.minor, currency),
            transaction_id=f"{key}-{_cursor(month, place)}",
            booking_date=None if pending else line.day,
            value_date=day,
            end_to_end_id=line.reference,
            creditor_name=line.name if leaves else None,
            creditor_account=account if leaves else None,
            debtor_name=None if leaves else line.name,
            debtor_account=None if leaves else account,
            remittance_information_unstructured=line.text,
            bank_transaction_code=line.code,
            balance_after_transaction=None
            if pending
            else Balance(
                "interimBooked",
                Amount.of_minor(line.balance, currency),
                reference_date=line.day,
            ),
        )


def _all_held(household: Household) -> tuple[Held, ...]:
    return (*(held for member in household.members for held in member.own), *household.shared)


def _cursor(month: int, place: int) -> str:
    year, index = divmod(month, 12)
    return f"{year:04}{index + 1:02}-{place:03}"


def _position(cursor: str) -> tuple[int, int]:
    match = _CURSOR.fullmatch(cursor)
    if not match or not 1 <= int(match[1][4:]) <= 12 or match[1][:4] in ("0000", "9999"):
        raise UnknownCursor(cursor)
    return int(match[1][:4]) * 12 + int(match[1][4:]) - 1, int(match[2])
