"""Savings: the same rise and fall each year, so that any month is known without those before it."""

from endorse.sandbox.people import Saving

YEARLY_RATE = 175
"""Interest in hundredths of a percent a year."""

QUARTERS = (3, 6, 9, 12)


def at_start(saving: Saving, month: int) -> int:
    """Cents on the account when calendar month `month` (1 to 12) begins."""
    balance = saving.floor
    for step in range((month - saving.emptied_in - 1) % 12 + 1):
        gone = (saving.emptied_in - 1 + step) % 12 + 1
        balance += saving.deposit + interest(saving, gone)
    return balance


def interest(saving: Saving, month: int) -> int:
    """Cents of interest booked at the end of a calendar month: that of a quarter, else 0."""
    if month not in QUARTERS:
        return 0
    principal = sum(_principal(saving, month - back) for back in range(3))
    return principal * YEARLY_RATE // 120_000


def withdrawal(saving: Saving) -> int:
    """Cents that leave in the month that empties the plan."""
    return at_start(saving, saving.emptied_in) - saving.floor


def _principal(saving: Saving, month: int) -> int:
    """Floor and deposits alone: interest earns none here, which keeps the sum free of a loop."""
    deposits = (month - saving.emptied_in - 1) % 12 + 1
    return saving.floor + deposits * saving.deposit
