from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.bank import Transaction, UnknownCursor
from tests.sandbox.asking import TODAY, history, run, sandbox

ACCOUNTS = st.sampled_from(
    ["anna-current", "anna-savings", "anna-usd", "anna-bram-joint", "new-7f3a-current"]
)
DATES = st.none() | st.dates(TODAY - timedelta(days=800), TODAY + timedelta(days=40))


def pages(
    account_id: str, date_from: date | None, date_to: date | None, limits: list[int]
) -> list[Transaction]:
    """All booked transactions, page by page, with page sizes taken in turn from `limits`."""
    bank = sandbox()
    gathered: list[Transaction] = []
    after, turn = None, 0
    while True:
        limit = limits[turn % len(limits)]
        page = run(bank.transactions(account_id, date_from, date_to, after, limit))
        assert len(page.booked) <= limit
        gathered += page.booked
        if page.next is None:
            return gathered
        assert len(page.booked) == limit
        assert turn == 0 or not page.pending
        after, turn = page.next, turn + 1


@settings(max_examples=40, deadline=None)
@given(
    account_id=ACCOUNTS,
    date_from=DATES,
    date_to=DATES,
    limits=st.lists(st.integers(1, 400), min_size=1, max_size=4).filter(lambda one: sum(one) > 40),
)
def test_pages_have_neither_gap_nor_double(
    account_id: str, date_from: date | None, date_to: date | None, limits: list[int]
) -> None:
    whole = history(sandbox(), account_id).booked
    wanted = [
        entry
        for entry in whole
        if entry.booking_date
        and (date_from is None or date_from <= entry.booking_date)
        and (date_to is None or entry.booking_date <= date_to)
    ]
    assert pages(account_id, date_from, date_to, limits) == wanted


@settings(max_examples=20, deadline=None)
@given(limit=st.integers(1, 60), days=st.integers(0, 60))
def test_a_cursor_still_holds_when_days_have_passed(limit: int, days: int) -> None:
    first = run(sandbox().transactions("anna-current", None, None, None, limit))
    later = sandbox(TODAY + timedelta(days=days))
    second = run(later.transactions("anna-current", None, None, first.next, limit))
    whole = history(sandbox(), "anna-current").booked
    assert first.booked + second.booked == whole[: 2 * limit]


def test_dates_are_inclusive() -> None:
    entry = history(sandbox(), "anna-current").booked[40]
    day = entry.booking_date
    page = history(sandbox(), "anna-current", day, day)
    assert entry in page.booked
    assert {other.booking_date for other in page.booked} == {day}


def test_pending_ones_count_as_made_today() -> None:
    day = next(
        TODAY - timedelta(days=back)
        for back in range(60)
        if history(sandbox(TODAY - timedelta(days=back)), "anna-current").pending
    )
    bank = sandbox(day)
    assert history(bank, "anna-current", day, day).pending
    assert not history(bank, "anna-current", None, day - timedelta(days=1)).pending
    assert not history(bank, "anna-current", day + timedelta(days=1), None).pending


def test_dates_the_wrong_way_round_give_nothing() -> None:
    page = history(sandbox(), "anna-current", TODAY, TODAY - timedelta(days=9))
    assert (page.booked, page.next) == ((), None)


def test_dates_at_the_ends_of_time_are_harmless() -> None:
    whole = history(sandbox(), "anna-current")
    assert history(sandbox(), "anna-current", date.min, date.max) == whole


@pytest.mark.parametrize("cursor", ["", "x", "202613-001", "202600-001", "202611-1", "000001-001"])
def test_a_cursor_of_strangers_is_refused(cursor: str) -> None:
    with pytest.raises(UnknownCursor):
        run(sandbox().transactions("anna-current", None, None, cursor, 10))
