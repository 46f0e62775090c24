"""Months as numbers, so that they can be counted."""

from datetime import date, timedelta


def month_of(day: date) -> int:
    """The month's number: months since the year 0."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """The last day of a month."""
    return first_day(month + 1) - timedelta(days=1)


def days_of(month: int) -> tuple[date, ...]:
    """All days of a month."""
    first, length = first_day(month), last_day(month).day
    return tuple(first.replace(day=day) for day in range(1, length + 1))
