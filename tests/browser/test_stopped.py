"""A request that was stopped says why, and offers a new try and the way back."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from endorse.phone import Browser, Claimed, Phone, Refused
from endorse.risk import Circumstances, Verdict
from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import read_code
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


class Red:
    """Takes nothing for safe."""

    async def weigh(self, circumstances: Circumstances, /) -> Verdict:
        """Refuse."""
        return Verdict(level="red", reasons=("own_check",))


@pytest.fixture
async def page(windows: Windows, bank_and_app: Town) -> Page:
    """The page with a code."""
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    return page


async def test_a_wrong_number(page: Page, bank_and_app: Town) -> None:
    anna = await bank_and_app.bank.phone()
    claimed = await scan(page, anna)
    number = await desktop.number(page)
    with pytest.raises(Refused):
        await anna.match(claimed.journey, 10 if number != 10 else 11)
    await stopped(page, bank_and_app, "The number was wrong", "wrong-number")


async def test_a_newer_scan_by_the_same_person(page: Page, bank_and_app: Town) -> None:
    anna, elsewhere = await bank_and_app.bank.phone(), Browser(bank_and_app.bank.http)
    await scan(page, anna)
    await elsewhere.open(bank_and_app.authorize_url())
    await elsewhere.start()
    await anna.claim(await elsewhere.frame())
    await stopped(page, bank_and_app, "You scanned another code", "superseded")


async def test_a_phone_that_was_removed(page: Page, bank_and_app: Town) -> None:
    anna = await bank_and_app.bank.phone()
    await scan(page, anna)
    (phone,) = (it for it in await anna.phones() if it.phone_id == anna.phone_id)
    await anna.revoke_phone(phone.phone_id)
    await stopped(page, bank_and_app, "That phone was removed", "phone-removed")


async def test_a_risk_that_is_too_high(page: Page, bank_and_app: Town) -> None:
    bank_and_app.bank.desk.risk = Red()
    with pytest.raises(Refused):
        await scan(page, await bank_and_app.bank.phone())
    await stopped(page, bank_and_app, "This did not look safe", "risk")


async def test_a_person_who_did_not_start_it_and_another_page_of_that_browser(
    page: Page, bank_and_app: Town
) -> None:
    anna = await bank_and_app.bank.phone()
    claimed = await scan(page, anna)
    second = await page.context.new_page()
    await second.goto(bank_and_app.authorize_url())
    await desktop.says(second, desktop.SCAN)
    await expect(desktop.code(second)).to_be_visible()
    async with desktop.staying(page):
        await anna.disown(claimed.journey)
        await desktop.says(page, "Reported on your phone")
        await picture(page, "connect-4-not-started-here", fits=True)
    await desktop.is_declined(page, bank_and_app.app)
    await desktop.says(second, "A request from here was reported")
    await picture(second, "connect-5-disowned", fits=True)


async def scan(page: Page, phone: Phone) -> Claimed:
    """Let a phone read the code from the screen and claim it."""
    return await phone.claim(await read_code(desktop.code(page)))


async def stopped(page: Page, town: Town, heading: str, name: str) -> None:
    """The page says this, also when it comes anew; its two ways on lead where they say."""
    await desktop.says(page, heading)
    await picture(page, f"connect-5-{name}", fits=True)
    await page.reload()
    await desktop.says(page, heading)
    here = page.url
    await desktop.follow(page, "Try again")
    await desktop.says(page, desktop.SCAN)
    await page.goto(here)
    await desktop.follow(page, "Back to Budgetly")
    await desktop.is_declined(page, town.app)
