"""Asking a bank from a test that is not asynchronous itself."""

import asyncio
from collections.abc import Coroutine
from datetime import date
from typing import Any, TypeVar

from endorse.bank import Account, Bank, Transaction, TransactionPage
from endorse.sandbox import SandboxBank

T = TypeVar("T")

TODAY = date(2026, 11, 23)


def run(question: Coroutine[Any, Any, T]) -> T:
    """Run a question to its answer."""
    return asyncio.run(question)


def sandbox(today: date = TODAY, seed: str = "test") -> SandboxBank:
    """A sandbox bank whose clock stands still."""
    return SandboxBank(seed, lambda: today)


def all_accounts(bank: SandboxBank) -> list[Account]:
    """Every account of every named person and of two invented ones, joint accounts once."""
    ids = [person.id for person in bank.people()] + ["new-7f3a", "new-1"]
    return list({a.resource_id: a for one in ids for a in run(bank.accounts(one))}.values())


def history(
    bank: Bank, account_id: str, date_from: date | None = None, date_to: date | None = None
) -> TransactionPage:
    """All transactions of an account on one page."""
    return run(bank.transactions(account_id, date_from, date_to, None, 1_000_000))


def minor(transaction: Transaction) -> int:
    """A transaction's amount in cents."""
    return int(transaction.transaction_amount.amount * 100)
