"""The port to the bank: what a bank gives so that its people can connect apps to their accounts.

A bank implements `Bank`: four questions about people, accounts, balances and transactions. All
structs here carry the words of the Berlin Group's NextGenPSD2 framework 1.3, account information
service: `resource_id` in Python is `resourceId` in JSON, and so on. What the bank leaves out
(`None`) does not appear in the JSON.

Rules for every method of `Bank`:

- It is called from one event loop, often at the same time for many people: it must not block.
- It answers what is true now. Endorse decides who may see an answer; the bank need not.
- It raises `BankUnavailable` when it cannot answer at present. Endorse then answers 503.
- Any other exception is taken for a defect of the bank's code and answered with 500.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, Self, runtime_checkable

import msgspec

BalanceType = Literal[
    "closingBooked",
    "expected",
    "openingBooked",
    "interimAvailable",
    "interimBooked",
    "forwardAvailable",
    "nonInvoiced",
]
"""Kind of a balance. `interimAvailable` is what the person can spend now, `closingBooked` what
was booked at the end of the reference date; give at least one of these two."""

AccountStatus = Literal["enabled", "deleted", "blocked"]
"""State of an account; an account without a status counts as enabled."""

Usage = Literal["PRIV", "ORGA"]
"""`PRIV` is a private account, `ORGA` a business one."""

_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,3})?")


class BankUnavailable(Exception):
    """The bank cannot answer now; asking again later may help."""


class UnknownAccount(LookupError):
    """The bank has no account with this `resource_id` (any more)."""


class UnknownCursor(ValueError):
    """`after` is not a cursor that this bank gave for this account."""


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """Someone who holds accounts and can approve.

    `id` is the bank's own stable identifier, 1 to 64 characters; an app never sees it.
    `name` is what the person reads on the phone: the full name.
    """

    id: str
    name: str


class Amount(msgspec.Struct, frozen=True, rename="camel"):
    """Money: ISO 4217 code and decimal number, negative where money leaves the account.

    In JSON the number is text with a dot ("-12.34"): up to 14 digits before it and 3 after. A
    number outside of that, also one with an exponent, raises ValueError when the struct is made.
    """

    currency: str
    amount: Decimal

    def __post_init__(self) -> None:
        if not _AMOUNT.fullmatch(str(self.amount)):
            raise ValueError(f"{self.amount} does not fit -?[0-9]{{1,14}}(\\.[0-9]{{1,3}})?")

    @classmethod
    def of_minor(cls, minor: int, currency: str, digits: int = 2) -> Self:
        """The amount of `minor` smallest units: (-1234, "EUR") is -12.34 euro.

        `digits` is the number of fraction digits of the currency (ISO 4217): 0 for JPY, 2 for EUR.
        """
        return cls(currency, Decimal(minor).scaleb(-digits))


class AccountReference(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An account by its number, here or at another bank: IBAN, or BBAN where there is no IBAN."""

    iban: str | None = None
    bban: str | None = None
    currency: str | None = None


class Account(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One account in one currency ("accountDetails").

    - `resource_id`: the bank's stable handle of the account, in paths (`/v1/accounts/{resourceId}`)
      and in what a person approves: 1 to 64 characters of A-Z a-z 0-9 . _ -, which should tell an
      outsider nothing about the person. It never changes hands: a new account gets a new one. A
      joint account has the same `resource_id` for each of its owners.
    - `currency`: ISO 4217; an account in several currencies is given as several accounts.
    - `iban`: without spaces. Leave it out for an account that has none.
    - `name`: as agreed with the owner ("Everyday account"), up to 70 characters.
    - `product`: the bank's product name, up to 35 characters.
    - `cash_account_type`: ISO 20022 ExternalCashAccountType1Code: `CACC` current, `SVGS` savings.
    - `owner_name`: legal owner or owners, up to 140 characters.
    """

    resource_id: str
    currency: str
    iban: str | None = None
    name: str | None = None
    display_name: str | None = None
    product: str | None = None
    cash_account_type: str | None = None
    status: AccountStatus | None = None
    bic: str | None = None
    usage: Usage | None = None
    details: str | None = None
    owner_name: str | None = None


class Balance(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One balance of an account.

    `reference_date` is the day it is true for; `last_change_date_time` (with a time zone) is when
    an entry last changed it.
    """

    balance_type: BalanceType
    balance_amount: Amount
    reference_date: date | None = None
    last_change_date_time: datetime | None = None
    credit_limit_included: bool | None = None


class Transaction(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One movement on an account ("transactionDetails").

    - `transaction_id`: stable and unique within the account; the same while pending and booked.
    - `transaction_amount`: negative where money leaves this account.
    - `booking_date`: the day it was booked; a pending one has none. `value_date`: the day it counts
      for interest.
    - `creditor_name`, `creditor_account`: who received; given for money that leaves.
      `debtor_name`, `debtor_account`: who paid; given for money that arrives.
    - `remittance_information_unstructured`: the text to the payment, up to 140 characters.
    - `bank_transaction_code`: ISO 20022 as Domain-Family-SubFamily, such as `PMNT-CCRD-POSD`.
      `proprietary_bank_transaction_code`: the bank's own, up to 35 characters.
    - `end_to_end_id`: the payer's reference, the same on both sides of a transfer.
    - `balance_after_transaction`: the booked balance once this entry counts.
    """

    transaction_amount: Amount
    transaction_id: str
    booking_date: date | None = None
    value_date: date | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    creditor_name: str | None = None
    creditor_account: AccountReference | None = None
    debtor_name: str | None = None
    debtor_account: AccountReference | None = None
    remittance_information_unstructured: str | None = None
    purpose_code: str | None = None
    bank_transaction_code: str | None = None
    proprietary_bank_transaction_code: str | None = None
    balance_after_transaction: Balance | None = None


class TransactionPage(msgspec.Struct, frozen=True):
    """One page of an account's transactions.

    `booked` is newest first. `pending`, newest first too, is filled on the first page only. `next`
    is the cursor of the following page, or None on the last one.
    """

    booked: tuple[Transaction, ...]
    pending: tuple[Transaction, ...] = ()
    next: str | None = None


class Bank(Protocol):
    """What a bank implements; the rules for all methods stand at the top of this module."""

    async def person(self, person_id: str) -> Person | None:
        """The person with this id, or None if the bank has no such person (any more)."""
        ...

    async def accounts(self, person_id: str) -> Sequence[Account]:
        """All accounts that this person may share with an app, joint ones among them.

        The order is the one that the person knows from the bank. An unknown person has none.
        """
        ...

    async def balances(self, account_id: str) -> Sequence[Balance]:
        """The present balances of the account with this `resource_id`, at least one.

        Raises UnknownAccount.
        """
        ...

    async def transactions(
        self,
        account_id: str,
        date_from: date | None,
        date_to: date | None,
        after: str | None,
        limit: int,
    ) -> TransactionPage:
        """A page of at most `limit` (1 or more) booked transactions, newest first.

        `date_from` and `date_to` are inclusive and may be None: as far back as the bank keeps, and
        until today. For a booked transaction the booking date counts; for a pending one the day it
        was made. `after` is the `next` of the page before, asked with the same dates, or None for
        the first page.

        Paging must neither lose nor repeat a transaction when new ones arrive in between: a cursor
        names the last transaction given, not a position from the top. A cursor is 1 to 128
        characters of A-Z a-z 0-9 . _ - and stays good for at least a day.

        Raises UnknownAccount, and UnknownCursor for an `after` that this bank did not give for
        this account.
        """
        ...


TransactionStatus = Literal["RCVD", "PDNG", "ACTC", "ACCP", "ACSP", "ACSC", "RJCT", "CANC"]
"""Where a payment stands (ISO 20022 ExternalPaymentTransactionStatus1Code): `ACSP` is on its way,
`ACSC` is settled, `RJCT` will not be made."""


class CreditTransfer(msgspec.Struct, frozen=True):
    """One SEPA credit transfer that the account holder approved with the passkey, to the letter.

    - `payment_id`: names the payment for good, 32 characters of A-Z a-z 0-9 _ -.
    - `account_id`: the `resource_id` of the account that pays.
    - `amount`: a decimal number as text, more than 0, at most two decimals; `currency` is EUR.
    """

    payment_id: str
    account_id: str
    currency: str
    amount: str
    creditor_name: str
    creditor_iban: str
    remittance_information_unstructured: str


class UnknownPayment(LookupError):
    """The bank has no payment with this id."""


@runtime_checkable
class NamingBank(Protocol):
    """What a bank implements beside `Bank` if apps may name its people as the bank names them."""

    async def person_of(self, login_hint: str) -> Person | None:
        """The person whom this text of an app names, say a customer number; None for nobody.

        The text is of a stranger: 1 to 128 printable characters. Endorse asks that person only if
        they connected the app before, and tells the app nothing of the answer.
        """
        ...


@runtime_checkable
class PayingBank(Protocol):
    """What a bank implements beside `Bank` if apps may ask its people for payments."""

    async def pay(self, person_id: str, payment: CreditTransfer) -> TransactionStatus:
        """Make a payment, and tell where it stands.

        It is called again with the same `payment_id` when an answer was lost: the money must move
        once, and the answer is where that one payment stands. What cannot be paid is `RJCT`.
        """
        ...

    async def payment_status(self, payment_id: str) -> TransactionStatus:
        """Tell where a payment stands. Raises UnknownPayment."""
        ...
