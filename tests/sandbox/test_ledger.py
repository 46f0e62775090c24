from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.bank import Amount, Balance
from tests.sandbox.asking import TODAY, all_accounts, history, minor, run, sandbox

DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


def by_type(balances: tuple[Balance, ...]) -> dict[str, Decimal]:
    return {one.balance_type: one.balance_amount.amount for one in balances}


def test_the_same_seed_and_day_give_the_same_history() -> None:
    for account in all_accounts(sandbox()):
        first, again = (history(sandbox(), account.resource_id) for _ in range(2))
        assert msgspec.json.encode(first) == msgspec.json.encode(again)


def test_another_seed_gives_another_history() -> None:
    one, other = (history(sandbox(seed=seed), "anna-current") for seed in ("one", "other"))
    assert one != other


@settings(max_examples=12, deadline=None)
@given(day=DAYS, later=st.integers(1, 90))
def test_a_new_day_adds_transactions_and_changes_none(day: date, later: int) -> None:
    for account_id in ("anna-current", "anna-bram-joint", "fatima-business", "new-7f3a-savings"):
        before = history(sandbox(day), account_id)
        after = history(sandbox(day + timedelta(days=later)), account_id)
        kept = {entry.transaction_id: entry for entry in after.booked}
        oldest = after.booked[-1].booking_date or date.max
        for entry in before.booked:
            if (entry.booking_date or date.min) >= oldest:
                assert kept[entry.transaction_id] == entry
        for entry in before.pending:
            assert kept[entry.transaction_id].transaction_amount == entry.transaction_amount


@settings(max_examples=8, deadline=None)
@given(day=DAYS)
def test_each_balance_is_the_sum_of_what_came_before(day: date) -> None:
    bank = sandbox(day)
    for account in all_accounts(bank):
        page = history(bank, account.resource_id)
        balances = by_type(tuple(run(bank.balances(account.resource_id))))
        oldest_first = page.booked[::-1]
        running = balance_after(oldest_first[0]) - oldest_first[0].transaction_amount.amount
        for entry in oldest_first:
            running += entry.transaction_amount.amount
            assert balance_after(entry) == running
        assert balances["interimBooked"] == running
        pending = sum(entry.transaction_amount.amount for entry in page.pending)
        assert balances["interimAvailable"] == running + pending
        today = sum(e.transaction_amount.amount for e in page.booked if e.booking_date == day)
        assert balances["closingBooked"] == running - today


def balance_after(entry: object) -> Decimal:
    after = getattr(entry, "balance_after_transaction", None)
    assert isinstance(after, Balance)
    return after.balance_amount.amount


def test_nobody_goes_into_the_red() -> None:
    bank = sandbox()
    for account in all_accounts(bank):
        lowest = min(balance_after(entry) for entry in history(bank, account.resource_id).booked)
        assert lowest > 0, account.resource_id


def test_history_goes_back_two_years_and_no_further() -> None:
    bank = sandbox()
    for account in all_accounts(bank):
        days = [
            entry.booking_date or date.max for entry in history(bank, account.resource_id).booked
        ]
        assert date(2024, 11, 1) <= min(days) < date(2024, 12, 1)
        assert max(days) <= TODAY
        assert days == sorted(days, reverse=True)


def test_a_transfer_between_own_accounts_stands_on_both_of_them() -> None:
    bank = sandbox()
    accounts = all_accounts(bank)
    own = {account.iban for account in accounts}
    sides = Counter[tuple[tuple[object, ...], int]]()
    for account in accounts:
        for entry in history(bank, account.resource_id).booked:
            other = entry.creditor_account or entry.debtor_account
            if other and other.iban in own:
                assert entry.end_to_end_id
                leaves = minor(entry) < 0
                ibans = (account.iban, other.iban) if leaves else (other.iban, account.iban)
                sides[(entry.end_to_end_id, entry.booking_date, *ibans), minor(entry)] += 1
    assert len(sides) > 400
    for transfer, cents in sides:
        assert sides[transfer, cents] == sides[transfer, -cents] == 1


def test_pending_payments_are_those_of_the_last_day_and_get_booked_the_next() -> None:
    for back in range(12):
        day = TODAY - timedelta(days=back)
        page = history(sandbox(day), "anna-current")
        tomorrow = history(sandbox(day + timedelta(days=1)), "anna-current").booked
        for entry in page.pending:
            assert entry.booking_date is None
            assert entry.value_date == day
            booked = next(e for e in tomorrow if e.transaction_id == entry.transaction_id)
            assert booked.booking_date == day + timedelta(days=1)


def test_some_days_have_pending_payments() -> None:
    days = (TODAY - timedelta(days=back) for back in range(10))
    assert any(history(sandbox(day), "anna-current").pending for day in days)


def test_a_history_looks_like_a_life() -> None:
    texts = Counter(
        e.remittance_information_unstructured for e in history(sandbox(), "ingrid-current").booked
    )
    assert texts["Salary"] == 25
    assert texts["Rent"] == 25
    assert texts["Monthly saving"] == 24
    assert texts["For the holiday"] == 4
    assert texts["Card payment"] > 500
    savings = history(sandbox(), "ingrid-savings").booked
    assert sum(entry.remittance_information_unstructured == "Interest" for entry in savings) == 8


def test_amounts_are_in_the_currency_of_the_account() -> None:
    bank = sandbox()
    for account in all_accounts(bank):
        page = history(bank, account.resource_id, date(2026, 9, 1))
        used = {entry.transaction_amount.currency for entry in page.booked + page.pending}
        used |= {one.balance_amount.currency for one in run(bank.balances(account.resource_id))}
        assert used == {account.currency}


def test_ids_are_unique_across_all_accounts() -> None:
    bank = sandbox()
    ids = [
        entry.transaction_id
        for account in all_accounts(bank)
        for entry in history(bank, account.resource_id).booked
    ]
    assert len(set(ids)) == len(ids)


def test_everything_fits_the_fields_of_the_standard() -> None:
    bank = sandbox()
    for account in all_accounts(bank):
        assert len(account.name or "") <= 70
        assert len(account.product or "") <= 35
        for entry in history(bank, account.resource_id).booked:
            assert len(entry.end_to_end_id or "") <= 35
            assert 0 < len(entry.remittance_information_unstructured or "") <= 140


def test_the_wire_has_the_words_of_the_standard() -> None:
    entry = history(sandbox(), "anna-savings").booked[0]
    assert msgspec.to_builtins(entry, builtin_types=(Decimal, date)) == {
        "transactionAmount": {"currency": "EUR", "amount": entry.transaction_amount.amount},
        "transactionId": entry.transaction_id,
        "bookingDate": date(2026, 10, 26),
        "valueDate": date(2026, 10, 26),
        "endToEndId": "OWN-2026-10-01",
        "debtorName": "Anna de Vries",
        "debtorAccount": {"iban": run(sandbox().accounts("anna"))[0].iban},
        "remittanceInformationUnstructured": "Monthly saving",
        "bankTransactionCode": "PMNT-RCDT-BOOK",
        "balanceAfterTransaction": {
            "balanceType": "interimBooked",
            "balanceAmount": {"currency": "EUR", "amount": balance_after(entry)},
            "referenceDate": date(2026, 10, 26),
        },
    }


@pytest.mark.parametrize(
    ("minor_units", "digits", "text"),
    [
        (-1234, 2, "-12.34"),
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (700, 0, "700"),
        (1_000_000, 2, "10000.00"),
    ],
)
def test_an_amount_of_smallest_units_is_written_in_full(
    minor_units: int, digits: int, text: str
) -> None:
    wire = msgspec.json.encode(Amount.of_minor(minor_units, "EUR", digits))
    assert wire == f'{{"currency":"EUR","amount":"{text}"}}'.encode()


@pytest.mark.parametrize("number", ["1E+3", "NaN", "Infinity", "1.2345", "123456789012345"])
def test_an_amount_that_the_standard_cannot_write_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Amount("EUR", Decimal(number))
