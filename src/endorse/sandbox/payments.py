"""The payments that people made in the sandbox: kept until it stops, and never booked."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec

from endorse.bank import (
    Account,
    AccountReference,
    Amount,
    CreditTransfer,
    Transaction,
    TransactionStatus,
)


class _Made(msgspec.Struct, frozen=True):
    payment: CreditTransfer
    debtor: Account
    day: date
    status: TransactionStatus


class Payments:
    """Moves money between accounts of this bank, and away from them; each payment once."""

    def __init__(self) -> None:
        """Begin without any."""
        self._made: dict[str, _Made] = {}

    def make(
        self, payment: CreditTransfer, debtor: Account, available: Decimal, day: date
    ) -> TransactionStatus:
        """Make a payment, or reject it for lack of money."""
        fits = Decimal(payment.amount) <= available and payment.currency == debtor.currency
        status: TransactionStatus = "ACSP" if fits else "RJCT"
        return self._made.setdefault(payment.payment_id, _Made(payment, debtor, day, status)).status

    def status(self, payment_id: str) -> TransactionStatus | None:
        """Give where a payment stands; None if there is none with this id."""
        made = self._made.get(payment_id)
        return None if made is None else made.status

    def moved(self, account: Account) -> Decimal:
        """Give by how much payments changed what an account has."""
        return sum((it.transaction_amount.amount for it in self.of(account)), Decimal(0))

    def of(self, account: Account) -> tuple[Transaction, ...]:
        """Give the payments from and to an account as its transactions, the newest first."""
        return tuple(self._lines(account))[::-1]

    def _lines(self, account: Account) -> Iterator[Transaction]:
        for made in self._made.values():
            if made.status == "RJCT":
                continue
            payment, amount = made.payment, Decimal(made.payment.amount)
            if made.debtor.resource_id == account.resource_id:
                yield self._line(made, -amount)
            elif account.iban == payment.creditor_iban and account.currency == payment.currency:
                yield self._line(made, amount)

    def _line(self, made: _Made, amount: Decimal) -> Transaction:
        payment, leaves = made.payment, amount < 0
        return Transaction(
            transaction_amount=Amount(payment.currency, amount),
            transaction_id=payment.payment_id,
            value_date=made.day,
            creditor_name=payment.creditor_name if leaves else None,
            creditor_account=AccountReference(payment.creditor_iban) if leaves else None,
            debtor_name=None if leaves else made.debtor.owner_name,
            debtor_account=None if leaves else AccountReference(made.debtor.iban),
            remittance_information_unstructured=payment.remittance_information_unstructured or None,
            bank_transaction_code="PMNT-ICDT-ESCT" if leaves else "PMNT-RCDT-ESCT",
        )
