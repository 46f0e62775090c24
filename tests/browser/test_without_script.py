"""The whole way where the browser runs no scripts: the server draws, and the page asks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import read_code
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

CANNOT = "I can\u2019t scan"


@pytest.fixture
async def page(windows: Windows, bank_and_app: Town) -> Page:
    """A window without scripts in which a request waits for a phone."""
    page = await windows.desktop(java_script_enabled=False)
    await page.goto(bank_and_app.app)
    await desktop.press(page, "Connect your bank")
    await page.wait_for_url(f"{bank_and_app.bank.issuer}/auth?*")
    await picture(page, "connect-1-start-without-javascript", fits=True, scripted=False)
    await desktop.press(page, "Show the code")
    await page.wait_for_url("**/connect/*")
    return page


async def test_a_drawn_code_a_number_and_an_approval_lead_to_the_app_with_its_accounts(
    page: Page, bank_and_app: Town
) -> None:
    anna = await bank_and_app.bank.phone()
    async with held_still(page):
        await picture(page, "connect-2-waiting-without-javascript", fits=True, scripted=False)
    claimed = await anna.claim(await read_code(drawing(page)))
    assert claimed.way == "qr"
    await desktop.says(page, desktop.TYPE)  # the page came anew by itself
    async with held_still(page):
        await picture(page, "connect-3-scanned-without-javascript", fits=True, scripted=False)
    number = int(await page.locator("[data-number]").inner_text())
    accounts = (await anna.match(claimed.journey, number)).accounts
    await desktop.says(page, desktop.CONTINUE)
    review = await anna.review(claimed.journey, [accounts[0].resource_id])
    await anna.approve(review)
    chosen = {accounts[0].name: accounts[0].iban[-4:]}
    assert await desktop.accounts(page, bank_and_app.app) == chosen


async def test_the_drawing_changes_and_a_copy_of_it_is_soon_dead(
    page: Page, bank_and_app: Town
) -> None:
    bank = bank_and_app.bank
    first = await read_code(drawing(page))
    bank.clock.move(4)
    await page.reload()
    second = await read_code(drawing(page))
    assert first != second
    assert first.startswith(f"{bank.issuer}/q#0.")


async def test_letters_are_written_by_the_server(page: Page, bank_and_app: Town) -> None:
    anna = await bank_and_app.bank.phone()
    await desktop.press(page, CANNOT)
    await desktop.says(page, "Type this code in your app")
    async with held_still(page):
        await picture(page, "connect-2-letters-without-javascript", fits=True, scripted=False)
    letters = await page.locator("[data-letters-drawn]").text_content()
    claimed = await anna.claim(letters or "")
    await desktop.says(page, desktop.TYPE)
    number = int(await page.locator("[data-number]").inner_text())
    await anna.match(claimed.journey, number)
    await desktop.says(page, desktop.CONTINUE)


async def test_cancel_and_new_code_are_plain_forms(page: Page, bank_and_app: Town) -> None:
    bank_and_app.lapse()
    await desktop.says(page, "This code has ended")
    await desktop.press(page, "New code")
    await desktop.says(page, desktop.SCAN)
    await desktop.press(page, "Cancel")
    await desktop.says(page, "You cancelled")
    await desktop.is_declined(page, bank_and_app.app)


async def test_what_needs_a_script_is_not_offered_without_one(page: Page) -> None:
    buttons = await page.get_by_role("button").all_inner_texts()
    assert buttons == [CANNOT, "Cancel"]


def drawing(page: Page) -> Locator:
    """The code as the server drew it."""
    return page.locator("img.still-code")


@asynccontextmanager
async def held_still(page: Page) -> AsyncIterator[None]:
    """Keep a page that comes anew by itself as it is, to be looked at; then let it come anew."""

    async def stay(route: Route) -> None:
        await route.fulfill(status=204)

    await expect(page.locator("main")).to_be_visible()
    await page.route("**/connect/*", stay)
    yield
    await page.unroute("**/connect/*", stay)
    await page.reload()
