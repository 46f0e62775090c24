"""A person's phones in the bank's app, where the bank confirms each new one by its six digits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, expect

from endorse.core.coding import Secret
from endorse.core.policy import DAY
from endorse.phone import Browser, Phone
from endorse.server import phones as desk_side
from endorse.server.enrol import enrolment_link, issue
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import Handset
from tests.browser.keyboard import Keyboard
from tests.browser.pictures import faults_of, picture
from tests.browser.town import Town, town
from tests.flows import play
from tests.flows.commands import endorse, good_settings
from tests.flows.play import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

STRICT = msgspec.structs.replace(QUICK, confirm_phones=True)
READY = "Hello, Anna"
PENDING = "This phone is almost ready"


@pytest.fixture
async def bank(tmp_path: Path, windows: Windows) -> AsyncIterator[Town]:
    """A bank that is no sandbox: it gives codes and confirms phones."""
    windows.pardon("403")  # a pending phone asks whether it may act by now
    database = f"sqlite:///{tmp_path / 'serve.sqlite3'}"
    async with town(database, STRICT, sandbox=False) as opened:
        yield opened
        await windows.close()


async def connected(bank: Town, phone: Phone) -> None:
    """Budgetly sees all accounts, as this phone has approved."""
    served = bank.bank
    tab = await play.begun(served, redirect_uri=served.app.redirect_uri)
    review = await play.reviewed(tab, phone)
    served.clock.move(10)  # a phone this new is warned, and the warning takes its time
    await phone.approve(review)
    await play.redeem(served, play.answered(await tab.resume())["code"])


async def link(bank: Town, person: str = "anna") -> str:
    """The link behind a code of the bank."""
    code = await issue(bank.bank.desk, person)
    assert isinstance(code, Secret)
    return enrolment_link(bank.bank.desk, code)


async def joined(windows: Windows, bank: Town) -> Handset:
    """A new phone of Anna's, which has joined with a code and is not confirmed."""
    phone = await Handset.of(await windows.phone())
    await phone.page.goto(await link(bank))
    await phone.says("Is this you?")
    await phone.press("Yes, set up this phone")
    await phone.says(PENDING)
    return phone


async def shown(page: Page) -> str:
    """The digits that a pending phone shows."""
    return (await page.locator(".digits [aria-hidden]").inner_text()).replace(" ", "")


def wrong(digits: str) -> str:
    """Other digits."""
    return f"{(int(digits) + 1) % 10**6:06}"


async def first_phone(bank: Town) -> Phone:
    """Anna's first phone, without a screen."""
    phone = Phone(bank.bank.issuer, bank.bank.http, name="Chrome on Android", clock=bank.bank.clock)
    await phone.enrol((await link(bank)).partition("#enrol.")[2])
    await at_desk(bank, phone.digits or "")
    return phone


async def at_desk(bank: Town, digits: str) -> None:
    """The bank's desk types these digits."""
    assert not hasattr(await desk_side.confirm_at_desk(bank.bank.desk, "anna", digits), "error")


async def usable(windows: Windows, bank: Town) -> Handset:
    """Anna's phone, confirmed by the desk."""
    phone = await joined(windows, bank)
    await at_desk(bank, await shown(phone.page))
    await phone.says(READY)
    return phone


async def test_a_phone_joins_with_the_banks_code_is_confirmed_at_the_desk_and_scans(
    windows: Windows, bank: Town, film: Film, tmp_path: Path
) -> None:
    page = await windows.phone()
    phone = await Handset.of(page)
    await page.goto(f"{bank.bank.issuer}/phone")
    await phone.says("Set up this phone")
    # Another fragment loads no page anew: the app hears of it.
    await page.goto(await link(bank))
    await phone.says("Is this you?")
    await phone.press("Yes, set up this phone")
    await phone.says(PENDING)
    await expect(page.locator(".person")).to_have_text("Anna de Vries")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await picture(page, "phones-1-pending")
    # The desk has no more than its database and what the person reads out.
    settings = good_settings(tmp_path)
    digits = await shown(page)
    done = await endorse("person", "confirm", "anna", digits, settings=settings)
    assert done.returncode == 0, done.stderr
    bank.bank.clock.move(60)  # the command's own clock went on meanwhile
    await phone.says(READY)
    await expect(page.locator("#live")).to_have_text("This phone is ready.")
    computer = Browser(bank.bank.http)
    await computer.open(bank.authorize_url())
    await computer.start()
    film.show_code(await computer.frame())
    await phone.scan()
    await phone.is_asked()


async def test_a_pending_phone_shows_the_same_digits_when_the_app_is_opened_again(
    windows: Windows, bank: Town
) -> None:
    phone = await joined(windows, bank)
    digits = await shown(phone.page)
    await phone.page.reload()
    await phone.press("Sign in")
    await phone.says(PENDING)
    assert await shown(phone.page) == digits


async def test_a_phone_does_not_show_digits_that_the_server_sees_otherwise(
    windows: Windows, bank: Town
) -> None:
    page = await windows.phone()
    phone = await Handset.of(page)

    async def change(route: object) -> None:
        answer = await route.fetch()  # type: ignore[attr-defined]
        body = await answer.json()
        body["pending"]["digits"] = wrong(body["pending"]["digits"])
        await route.fulfill(response=answer, json=body)  # type: ignore[attr-defined]

    await page.route("**/phone/enrol", change)
    await page.goto(await link(bank))
    await phone.press("Yes, set up this phone")
    await phone.says("Do not use this phone yet")
    await expect(page.locator(".digits")).to_have_count(0)
    await picture(page, "phones-1-other-digits")


async def test_the_first_phone_lets_a_second_one_in_by_its_digits(
    windows: Windows, bank: Town
) -> None:
    first = await usable(windows, bank)
    second = await joined(windows, bank)
    digits = await shown(second.page)
    page = first.page
    await first.press("Your phones")
    await first.says("Your phones")
    await expect(page.get_by_text("New. It waits for its six digits.")).to_be_visible()
    await picture(page, "phones-2-list")
    await page.get_by_role("button", name="Type its digits").click()
    await first.says("Is the new phone yours?")
    await picture(page, "phones-3-digits")
    await first.press("Let it in")
    await expect(page.get_by_role("alert")).to_have_text("Type all six digits.")
    await page.get_by_role("textbox").fill(wrong(digits))
    await first.press("Let it in")
    await expect(page.get_by_role("alert")).to_have_text("Those are not its digits. 2 tries left.")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await picture(page, "phones-3-wrong-digits")
    await page.get_by_role("textbox").fill(f"{digits[:3]} {digits[3:]}")
    await page.keyboard.press("Enter")
    await first.says("Your phones")
    await expect(page.locator("#live")).to_contain_text("is ready.")
    await expect(page.get_by_text("six digits")).to_have_count(0)
    await second.says(READY)


async def test_three_wrong_digits_remove_the_new_phone(windows: Windows, bank: Town) -> None:
    windows.pardon("401", "404")
    first = await usable(windows, bank)
    second = await joined(windows, bank)
    digits = await shown(second.page)
    page = first.page
    await first.press("Your phones")
    await page.get_by_role("button", name="Type its digits").click()
    for told in ("2 tries left", "1 try left"):
        await page.get_by_role("textbox").fill(wrong(digits))
        await first.press("Let it in")
        await expect(page.get_by_role("alert")).to_contain_text(told)
    await page.get_by_role("textbox").fill(wrong(digits))
    await first.press("Let it in")
    await first.says("The new phone was removed")
    await picture(page, "phones-4-gone")
    await first.press("Your phones")
    await expect(page.locator(".card")).to_have_count(1)
    # The removed phone says what it knows, and more when somebody asks.
    await expect(second.page.get_by_role("status").filter(has_text="Look again")).to_be_visible()
    await picture(second.page, "phones-4-closed")
    await second.press("Look again")
    await second.page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    await second.says("Demo Bank no longer knows this phone")


async def test_what_the_desk_confirms_beside_another_phone_says_from_when_it_works(
    windows: Windows, bank: Town
) -> None:
    windows.pardon("401")
    first = await first_phone(bank)
    second = await joined(windows, bank)
    await at_desk(bank, await shown(second.page))
    await second.says("This phone must wait")
    await expect(second.page.get_by_text("You can use it from")).to_be_visible()
    await picture(second.page, "phones-5-waits")
    bank.bank.clock.move(DAY)
    await second.page.reload()  # on the next day
    await second.press("Sign in")
    await second.says(READY)
    await first.sign_in()
    assert {one.state for one in await first.phones()} == {"usable"}


async def test_a_phone_removes_another_one_and_then_itself_by_keyboard(
    windows: Windows, bank: Town
) -> None:
    other = await first_phone(bank)
    page = await windows.phone()
    keyboard = await Keyboard.of(page)
    phone = await Handset.of(page)
    await page.goto(await link(bank))
    await keyboard.starts_at("Is this you?")
    await keyboard.press("Yes, set up this phone")
    await keyboard.starts_at(PENDING)
    listed = await other.phones()
    await other.confirm(next(it.phone_id for it in listed if not it.this), await shown(page))
    await keyboard.starts_at(READY)
    await keyboard.press("Your phones")
    await keyboard.starts_at("Your phones")
    await keyboard.press("Remove Chrome on Android")
    question = page.get_by_role("dialog")
    await expect(question).to_contain_text("Remove Chrome on Android?")
    await picture(page, "phones-6-remove")
    await keyboard.press("Remove")
    await expect(page.locator("#live")).to_have_text("Chrome on Android was removed.")
    await keyboard.press("Remove")
    await expect(question).to_contain_text("Remove this phone?")
    await picture(page, "phones-6-remove-this")
    await keyboard.press("Remove")
    await phone.says("This phone was removed")
    await picture(page, "phones-6-removed")
    await page.reload()
    await phone.says("Set up this phone")


@pytest.mark.parametrize(
    ("again", "told"),
    [(False, "Another phone came first"), (True, "This code was used already")],
    ids=["another phone waits", "the same code"],
)
async def test_a_code_that_comes_second_says_that_another_phone_was_first(
    windows: Windows, bank: Town, again: bool, told: str
) -> None:
    windows.pardon("409")
    first = Phone(bank.bank.issuer, bank.bank.http, clock=bank.bank.clock)
    used = await link(bank)
    await first.enrol(used.partition("#enrol.")[2])
    phone = await Handset.of(await windows.phone())
    await phone.page.goto(used if again else await link(bank))
    await phone.says(told)
    await expect(phone.page.get_by_text("Tell Demo Bank at once.")).to_be_visible()
    await picture(phone.page, "phones-7-used" if again else "phones-7-waits")


@pytest.mark.parametrize("language", ["nl", "de", "fr", "es"])
async def test_in_every_language_all_of_it_can_be_read_and_hit_on_a_small_phone(
    windows: Windows, bank: Town, language: str
) -> None:
    other = await first_phone(bank)
    await connected(bank, other)
    page = await windows.phone(locale=language)
    await Handset.of(page)

    async def looks_right(name: str) -> None:
        await expect(page.locator(name)).to_be_visible()
        assert await faults_of(page, fits=False) == [], name

    async def press(button: str) -> None:
        await page.locator(button).first.click()

    await page.goto(await link(bank))
    await press(".stacked .button")
    await looks_right(".digits")
    await other.confirm((await other.phones())[0].phone_id, await shown(page))
    await looks_right(".connection")
    await looks_right(".tile .chip")
    await press(".connection .button")
    await looks_right(".facts.card")
    await press(".content .button.quiet")
    await looks_right(".sheet .facts")
    await press(".actions .button:not(.no)")
    await looks_right(".facts.card")
    await press(".content .button.quiet")  # it cannot be renewed twice on a day
    await looks_right("fieldset.accounts")
    await page.go_back()
    await looks_right(".facts.card")
    await page.go_back()
    await looks_right(".connection")
    await press(".tile:has(.chip)")
    await looks_right(".when .chip >> nth=0")
    await page.go_back()
    new = Phone(bank.bank.issuer, bank.bank.http, name="Chrome on Android", clock=bank.bank.clock)
    await new.enrol((await link(bank)).partition("#enrol.")[2])
    await press(".pair .tile:not(:has(.chip))")
    await looks_right(".connection >> nth=0")
    await press(".connection .pair .button:not(.quiet)")
    await looks_right(".digits-field")
    await page.locator(".digits-field").fill(wrong(new.digits or ""))
    await page.keyboard.press("Enter")
    await looks_right("[role=alert]")
    await press(".actions .button.quiet >> nth=1")
    await looks_right("dialog")
