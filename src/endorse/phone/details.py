"""What exactly is approved, beyond the scope (RFC 9396): what this phone understands of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from endorse.phone.answers import JsonObject
from endorse.phone.errors import ConsentNotTrusted

_MEMBERS: Final = {
    "account_information": {
        *("type", "locations", "actions", "dateFrom", "dateTo"),
        *("accountsAtLeast", "accountsAtMost"),
    },
    "payment_initiation": {
        *("type", "locations", "instructedAmount", "creditorName", "creditorAccount"),
        *("remittanceInformationUnstructured", "debtorAccount"),
    },
}
_ACTIONS: Final = {"list_accounts", "read_balances", "read_transactions"}


def at_most(details: Sequence[JsonObject]) -> int | None:
    """Give how many accounts may be chosen; None for any number."""
    for detail in details:
        if detail.get("type") == "payment_initiation":
            return 1
        most = detail.get("accountsAtMost")
        return most if isinstance(most, int) else None
    return None


def check_shown(signed: Sequence[JsonObject], shown: Sequence[JsonObject] | None) -> None:
    """Refuse a document that approves something else than was shown. Raises `ConsentNotTrusted`.

    `shown` is None where this phone did not show it: it was restarted since.
    """
    if shown is not None and list(signed) != list(shown):
        raise ConsentNotTrusted("The document approves something else than was shown.")


def check_details(details: Sequence[JsonObject], accounts: int) -> None:
    """Refuse what a person could not be shown, or does not fit the number of accounts chosen.

    A member that is not known could say what is not shown. Raises `ConsentNotTrusted`.
    """
    if len(details) > 1:
        raise ConsentNotTrusted("The document approves more than one thing.")
    for detail in details:
        kind = detail.get("type")
        known = _MEMBERS.get(kind) if isinstance(kind, str) else None
        if known is None or not set(detail) <= known:
            raise ConsentNotTrusted("The document approves something that cannot be shown.")
        if kind == "payment_initiation":
            _check_payment(detail, accounts)
        else:
            _check_information(detail, accounts)


def _check_payment(detail: JsonObject, accounts: int) -> None:
    money, creditor = detail.get("instructedAmount"), detail.get("creditorAccount")
    texts = [detail.get("creditorName"), detail.get("remittanceInformationUnstructured", "")]
    if not isinstance(money, dict) or set(money) != {"currency", "amount"}:
        raise ConsentNotTrusted("The payment has no amount.")
    if not isinstance(creditor, dict) or set(creditor) != {"iban"}:
        raise ConsentNotTrusted("The payment has no account to go to.")
    if not all(isinstance(it, str) for it in (*texts, *money.values(), *creditor.values())):
        raise ConsentNotTrusted("The payment cannot be shown.")
    if accounts != 1:
        raise ConsentNotTrusted("A payment leaves exactly one account.")


def _check_information(detail: JsonObject, accounts: int) -> None:
    actions = detail.get("actions")
    if not isinstance(actions, list) or not actions or not set(actions) <= _ACTIONS:
        raise ConsentNotTrusted("The document allows something that cannot be shown.")
    least, most = detail.get("accountsAtLeast", 1), detail.get("accountsAtMost", accounts)
    if not isinstance(least, int) or not isinstance(most, int):
        raise ConsentNotTrusted("The number of accounts is none.")
    # Later the person may take accounts away: fewer than the app needs is theirs to choose.
    if accounts > most:
        raise ConsentNotTrusted("There are more accounts than were asked for.")
