"""What exactly is asked, in the words of RFC 9396: to look at accounts, or to make one payment.

The words of `account_information` are those of RFC 9396 2, with how many accounts the client
needs; those of `payment_initiation` are the Berlin Group's for one SEPA credit transfer.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from endorse.core.coding import shown
from endorse.core.iban import iban_problem

ACTIONS: Final = {
    "list_accounts": "accounts",
    "read_balances": "balances",
    "read_transactions": "transactions",
}
"""What a client may do with accounts, and the scope that each action is."""
TYPES: Final = ("account_information", "payment_initiation")

_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?\Z", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_NAME_AT_MOST: Final = 70
_TEXT_AT_MOST: Final = 140
_PLACES_AT_MOST: Final = 10


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount as its decimal text ("12.50"), and its currency (ISO 4217)."""

    currency: str
    amount: str


class Iban(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account by its IBAN, without spaces."""

    iban: str


class _Detail(msgspec.Struct, frozen=True, kw_only=True):
    locations: tuple[str, ...] = ()
    """Where it is to be used: addresses of this server (RFC 9396 2.2)."""


class AccountInformation(
    _Detail,
    frozen=True,
    kw_only=True,
    tag="account_information",
    tag_field="type",
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """To look at some accounts. Dates are inclusive and limit the transactions."""

    actions: tuple[str, ...]
    date_from: str | None = None
    date_to: str | None = None
    accounts_at_least: int = 1
    accounts_at_most: int | None = None


class PaymentInitiation(
    _Detail,
    frozen=True,
    kw_only=True,
    tag="payment_initiation",
    tag_field="type",
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """To make exactly this one SEPA credit transfer, once."""

    instructed_amount: Money
    creditor_name: str
    creditor_account: Iban
    remittance_information_unstructured: str = ""
    debtor_account: Iban | None = None
    """The account that pays, where the client knows it; else the person chooses one."""


Detail = AccountInformation | PaymentInitiation
Details = tuple[Detail, ...]
"""What one request, document or grant asks or gives: none, or one."""


def read(generic: Any, issuer: str, accounts_at_most: int) -> Details | str:
    """Read `authorization_details` as decoded JSON; or say what is wrong (RFC 9396 5).

    An unknown type, member or value is wrong: a person would approve what nobody understands.
    """
    try:
        details = msgspec.convert(generic, Details)
    except msgspec.ValidationError as wrong:
        return str(wrong)[:200]
    if len(details) != 1:
        return "must hold exactly one object"
    (detail,) = details
    if len(detail.locations) > _PLACES_AT_MOST:
        return "too many locations"
    if not all(it == issuer or it.startswith(issuer + "/") for it in detail.locations):
        return "locations of another server"
    if isinstance(detail, PaymentInitiation):
        return payment_problem(detail) or details
    return _information_problem(detail, accounts_at_most) or details


def plain(details: Details) -> list[dict[str, Any]]:
    """Give details as the JSON that is signed, shown and answered."""
    said: list[dict[str, Any]] = msgspec.json.decode(write(details))
    return said


def write(details: Details) -> str:
    """Write details as the parameter that `read` reads as the same again."""
    return msgspec.json.encode(details).decode()


def types_of(details: Details) -> tuple[str, ...]:
    """Name the types of details."""
    return tuple(str(it.__struct_config__.tag) for it in details)


def scope_of(details: Details) -> tuple[str, ...]:
    """Give the scope that details stand for, in its usual order."""
    asked = {it for detail in details for it in getattr(detail, "actions", ())}
    return tuple(scope for action, scope in ACTIONS.items() if action in asked)


def payment_of(details: Details) -> PaymentInitiation | None:
    """Give the payment, where one is asked or given."""
    return next((it for it in details if isinstance(it, PaymentInitiation)), None)


def accounts_needed(details: Details) -> tuple[int, int | None]:
    """Give how many accounts the person must choose at least, and may at most."""
    for detail in details:
        if isinstance(detail, AccountInformation):
            return detail.accounts_at_least, detail.accounts_at_most
        return 1, 1
    return 1, None


def may_be_chosen(details: Details, iban: str | None, currency: str) -> bool:
    """Say whether an account fits: only one in euro with an IBAN pays by SEPA."""
    payment = payment_of(details)
    if payment is None:
        return True
    payer = payment.debtor_account
    return currency == "EUR" and iban is not None and (payer is None or payer.iban == iban)


def days(details: Details) -> tuple[date | None, date | None]:
    """Give the first and the last day whose transactions may be seen."""
    for detail in details:
        if isinstance(detail, AccountInformation):
            return _day(detail.date_from), _day(detail.date_to)
    return None, None


def payment_problem(payment: PaymentInitiation) -> str:
    """Say what is wrong with a SEPA credit transfer, or ""."""
    money, accounts = payment.instructed_amount, [payment.creditor_account]
    if money.currency != "EUR":
        return "instructedAmount: a SEPA payment is in EUR"
    if not _AMOUNT.match(money.amount) or not float(money.amount):
        return "instructedAmount: must be more than 0, as text, with at most two decimals"
    if payment.debtor_account is not None:
        accounts.append(payment.debtor_account)
    for account in accounts:
        problem = iban_problem(account.iban)
        if problem:
            return f"iban {problem}"
    name, text = payment.creditor_name, payment.remittance_information_unstructured
    if not 1 <= len(name) <= _NAME_AT_MOST or shown(name) != name:
        return f"creditorName must be 1 to {_NAME_AT_MOST} characters that can be shown"
    if len(text) > _TEXT_AT_MOST or shown(text) != text:
        return f"remittanceInformationUnstructured must be {_TEXT_AT_MOST} characters at most"
    return ""


def _information_problem(asked: AccountInformation, at_most: int) -> str:
    actions: Sequence[str] = asked.actions
    if not actions or len(set(actions)) != len(actions) or not set(actions) <= set(ACTIONS):
        return f"actions must be some of {', '.join(ACTIONS)}, each once"
    for name, text in (("dateFrom", asked.date_from), ("dateTo", asked.date_to)):
        if text is not None and _day(text) is None:
            return f"{name} must be written as 2026-01-31"
    if asked.date_from and asked.date_to and asked.date_from > asked.date_to:
        return "dateFrom must not be after dateTo"
    most = at_most if asked.accounts_at_most is None else asked.accounts_at_most
    if not 1 <= asked.accounts_at_least <= most <= at_most:
        return f"accountsAtLeast and accountsAtMost must be 1 to {at_most}, in this order"
    return ""


def _day(text: str | None) -> date | None:
    if text is None or not _DAY.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
