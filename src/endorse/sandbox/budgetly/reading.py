"""What Budgetly reads of the bank's answers, and how it shows that."""

from datetime import date
from decimal import Decimal

import msgspec

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_LATEST = 6


class Money(msgspec.Struct):
    """An amount as it travels."""

    currency: str
    amount: Decimal


class BankAccount(msgspec.Struct, rename="camel"):
    """An account."""

    resource_id: str
    currency: str
    iban: str = ""
    name: str = ""
    product: str = ""
    owner_name: str = ""


class AccountList(msgspec.Struct):
    """The answer to /v1/accounts."""

    accounts: tuple[BankAccount, ...]


class BankBalance(msgspec.Struct, rename="camel"):
    """A balance."""

    balance_type: str
    balance_amount: Money


class BalanceList(msgspec.Struct):
    """The answer to /v1/accounts/{id}/balances."""

    balances: tuple[BankBalance, ...]


class BankTransaction(msgspec.Struct, rename="camel"):
    """A transaction; without a booking date it is pending."""

    transaction_amount: Money
    booking_date: date | None = None
    value_date: date | None = None
    creditor_name: str = ""
    debtor_name: str = ""
    remittance_information_unstructured: str = ""


class Entries(msgspec.Struct):
    """Both lists of a report; a bank may leave one out."""

    booked: tuple[BankTransaction, ...] = ()
    pending: tuple[BankTransaction, ...] = ()


class TransactionReport(msgspec.Struct):
    """The answer to /v1/accounts/{id}/transactions."""

    transactions: Entries


class Row(msgspec.Struct, frozen=True):
    """A transaction as the page shows it."""

    name: str
    text: str
    day: str
    day_text: str
    amount: str
    comes_in: bool
    pending: bool


class Card(msgspec.Struct, frozen=True):
    """An account as the page shows it; None stands for what was not shared."""

    name: str
    product: str
    ending: str
    owner: str
    balance: str | None
    rows: tuple[Row, ...] | None


def card(
    account: BankAccount,
    balances: tuple[BankBalance, ...] | None,
    entries: tuple[BankTransaction, ...] | None,
) -> Card:
    """One account with its balance and latest transactions."""
    now = available(balances)
    return Card(
        name=account.name or account.product or account.iban or account.resource_id,
        product=account.product,
        ending=account.iban[-4:],
        owner=account.owner_name,
        balance=money(now) if now else None,
        rows=None if entries is None else tuple(row(entry) for entry in entries[:_LATEST]),
    )


def row(entry: BankTransaction) -> Row:
    """One transaction."""
    day = entry.booking_date or entry.value_date
    return Row(
        name=entry.creditor_name or entry.debtor_name or "Unknown",
        text=entry.remittance_information_unstructured,
        day=day.isoformat() if day else "",
        day_text=f"{day.day} {_MONTHS[day.month - 1]}" if day else "",
        amount=money(entry.transaction_amount),
        comes_in=entry.transaction_amount.amount > 0,
        pending=entry.booking_date is None,
    )


def available(balances: tuple[BankBalance, ...] | None) -> Money | None:
    """The balance that counts for a budget: what can be spent now, else the first one given."""
    for balance in balances or ():
        if balance.balance_type == "interimAvailable":
            return balance.balance_amount
    return balances[0].balance_amount if balances else None


def totals(all_balances: list[tuple[BankBalance, ...] | None]) -> list[str]:
    """The sum in each currency, in order of appearance."""
    sums: dict[str, Decimal] = {}
    for balances in all_balances:
        now = available(balances)
        if now:
            sums[now.currency] = sums.get(now.currency, Decimal()) + now.amount
    return [money(Money(currency, amount)) for currency, amount in sums.items()]


def money(value: Money) -> str:
    """An amount to read: €1,234.56, $5.00 with a minus sign, 2,000.00 SEK."""
    number = f"{abs(value.amount):,.2f}"
    sign = "\N{MINUS SIGN}" if value.amount < 0 else ""
    symbol = _SIGNS.get(value.currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {value.currency}"
