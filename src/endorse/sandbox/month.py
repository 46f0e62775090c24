"""One month of a household: pay, rent, bread, and the transfers between its own accounts.

Each account begins each month with a balance that follows from seed, account and month alone, and
at the end of the month one payment (into a fund, to the tax office) takes up the difference. So any
month can be made without those before it, in well under a millisecond, and stays as it is for ever.
"""

from endorse.sandbox import saving, shops
from endorse.sandbox.book import (
    CARD,
    CASH,
    DIRECT_DEBIT,
    INTEREST,
    SALARY,
    STANDING_ORDER,
    TRANSFER_IN,
    TRANSFER_OUT,
    Book,
    Line,
)
from endorse.sandbox.calendar import days_of
from endorse.sandbox.draw import Draw
from endorse.sandbox.people import Held, Household, Member
from endorse.sandbox.shops import Habit

_SAVING_DAY = 26
_WITHDRAWAL_DAY = 3
_CLOSING_DAY = 28

_BILLS = 45_000
_CHILDCARE = 58_500
_SHARED_RENT = 145_000


def balance_at_start(seed: str, household: Household, held: Held, month: int) -> int:
    """Smallest units on an account when `month` begins."""
    if held.saving:
        return saving.at_start(held.saving, month % 12 + 1)
    draw = Draw(seed, "start", held.id, month)
    if held.kind == "current":
        member = next(member for member in household.members if held in member.own)
        spent = draw.between(160_000, 230_000) * member.life.spending // 100
        return member.life.rent + _BILLS + spent
    if held.kind == "joint":
        return draw.between(340_000, 390_000)
    if held.kind == "business":
        return draw.between(520_000, 640_000)
    return draw.between(180_000, 240_000) * shops.PAYERS_ABROAD[held.account.currency][2]


def write_month(seed: str, household: Household, month: int) -> dict[str, tuple[Line, ...]]:
    """All that is booked on the household's accounts in a month, by `resourceId`, oldest first."""
    book = Book(seed, month, days_of(month))
    draw = Draw(seed, "month", household.id, month)
    held = [own for member in household.members for own in member.own] + list(household.shared)
    starts = {one.id: balance_at_start(seed, household, one, month) for one in held}
    ends = {one.id: balance_at_start(seed, household, one, month + 1) for one in held}
    gap = {one.id: ends[one.id] - starts[one.id] for one in held}
    calendar_month = month % 12 + 1
    for member in household.members:
        _write_member(book, draw, member, calendar_month, shares=bool(household.shared))
        _write_savings(book, member.held("current"), member.held("savings"), calendar_month)
        _write_foreign(book, draw, member.held("foreign"), gap)
    _write_shared(book, draw, household, calendar_month, gap)
    for member in household.members:
        _write_business(book, draw, member, gap)
        _close(book, member.held("current"), gap, "Larkspur Funds", "Monthly plan")
    return book.close(starts)


def _write_member(book: Book, draw: Draw, member: Member, month: int, *, shares: bool) -> None:
    current, life = member.held("current"), member.life
    if current is None:
        return
    if life.payer:
        day = book.weekday_before(life.pay_day)
        book.enter(current, day, life.pay, life.payer, life.pay_text, SALARY)
    if life.rent:
        book.enter(current, 1, -life.rent, "Woningbeheer Noord", "Rent", STANDING_ORDER)
        book.enter(current, 4, -12_850, "Helder Energie", "Electricity and gas", DIRECT_DEBIT)
    book.enter(current, 3, -14_675, "Zorgzeker", "Health insurance", DIRECT_DEBIT)
    book.enter(current, 8, -2_250, "Belgoed Mobiel", "Phone", DIRECT_DEBIT)
    for name, minor, day in shops.SUBSCRIPTIONS[: life.subscriptions]:
        book.enter(current, day, -minor, name, "Subscription", DIRECT_DEBIT)
    if not shares:
        _spend(book, draw, current, shops.GROCERIES, life.spending)
    for habit in shops.DAILY:
        _spend(book, draw, current, habit, life.spending)
    if month == life.saving.emptied_in:
        _spend(book, draw, current, shops.HOLIDAY, life.spending)


def _write_savings(book: Book, current: Held | None, savings: Held | None, month: int) -> None:
    if current is None or savings is None or savings.saving is None:
        return
    plan = savings.saving
    book.move(current, savings, _SAVING_DAY, plan.deposit, "Monthly saving")
    if month == plan.emptied_in:
        out = saving.withdrawal(plan)
        text = "For the holiday" if savings.kind == "savings" else "For the house"
        book.move(savings, current, _WITHDRAWAL_DAY, out, text)
        name = "Zonvaart Travel" if savings.kind == "savings" else "Bouwmeester & Zonen"
        book.enter(current, _WITHDRAWAL_DAY + 1, -out * 4 // 5, name, text, TRANSFER_OUT)
    earned = saving.interest(plan, month)
    if earned:
        book.enter(savings, book.length, earned, "Sandbox Bank", "Interest", INTEREST, known=False)


def _write_foreign(book: Book, draw: Draw, held: Held | None, gap: dict[str, int]) -> None:
    if held is None:
        return
    payer, text, unit = shops.PAYERS_ABROAD[held.account.currency]
    book.enter(held, 15, draw.between(18_000, 42_000) * unit, payer, text, TRANSFER_IN, known=False)
    _spend(book, draw, held, shops.ABROAD, 100 * unit)
    _close(book, held, gap, "Larkspur Funds", "World fund")


def _write_shared(
    book: Book, draw: Draw, household: Household, month: int, gap: dict[str, int]
) -> None:
    joint = next((held for held in household.shared if held.kind == "joint"), None)
    savings = next((held for held in household.shared if held.kind == "joint-savings"), None)
    if joint is None:
        return
    book.enter(joint, 1, -_SHARED_RENT, "Woningbeheer Noord", "Rent", STANDING_ORDER)
    book.enter(joint, 2, -_CHILDCARE, "Kinderopvang Het Nest", "Childcare", DIRECT_DEBIT)
    book.enter(joint, 4, -16_820, "Helder Energie", "Electricity and gas", DIRECT_DEBIT)
    book.enter(joint, 6, -4_750, "Glasvezel Delta", "Internet", DIRECT_DEBIT)
    _spend(book, draw, joint, shops.GROCERIES, 115)
    _write_savings(book, joint, savings, month)
    owed = gap[joint.id] - book.net(joint)
    for place, member in enumerate(household.members):
        current = member.held("current")
        if current is not None:
            # The first pays the odd cent.
            share = (owed + len(household.members) - 1 - place) // len(household.members)
            book.move(current, joint, _SAVING_DAY, share, "My part of the household")


def _write_business(book: Book, draw: Draw, member: Member, gap: dict[str, int]) -> None:
    business, current = member.held("business"), member.held("current")
    if business is None or current is None:
        return
    for number in range(draw.between(3, 5)):
        client = draw.pick(shops.BUSINESS_CLIENTS)
        text = f"Invoice {draw.between(1_000, 9_999)}-{number + 1}"
        minor = draw.between(900, 2_400) * 121
        book.enter(business, draw.between(2, 26), minor, client, text, TRANSFER_IN)
    book.enter(business, 1, -38_500, "De Broedplaats", "Desk rent", STANDING_ORDER)
    _spend(book, draw, business, shops.BUSINESS, 100)
    day = book.weekday_before(member.life.pay_day)
    book.move(business, current, day, member.life.pay, member.life.pay_text)
    _close(book, business, gap, "Tax Office", "VAT and income tax")


def _spend(book: Book, draw: Draw, held: Held, habit: Habit, percent: int) -> None:
    text, code = ("Cash withdrawal", CASH) if habit.cash else ("Card payment", CARD)
    for _ in range(draw.between(habit.few, habit.many)):
        minor = draw.between(habit.low // habit.step, habit.high // habit.step) * habit.step
        if not habit.cash:
            minor = minor * percent // 100
        day = draw.between(1, book.length)
        book.enter(held, day, -minor, draw.pick(habit.shops), text, code, known=False)


def _close(book: Book, held: Held | None, gap: dict[str, int], name: str, text: str) -> None:
    """Write the payment after which the account ends the month with the balance it should."""
    if held is None:
        return
    rest = gap[held.id] - book.net(held)
    if rest < 0:
        book.enter(held, _CLOSING_DAY, rest, name, text, TRANSFER_OUT)
    elif rest > 0:
        book.enter(held, _CLOSING_DAY, rest, name, f"Return from {text.lower()}", TRANSFER_IN)
