"""The bank's page with the code. A headless phone plays the other side."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from endorse.phone import AlreadyScanned, Claimed, Phone
from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import read_code
from tests.browser.pictures import VIEWS, picture
from tests.browser.town import Town
from tests.flows.rows import counts

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

HIDDEN = """
const get = () => (window.looked ? "visible" : "hidden");
Object.defineProperty(document, "visibilityState", { get });
"""
LOOK = "() => { window.looked = true; document.dispatchEvent(new Event('visibilitychange')); }"


async def test_the_code_can_be_read_in_a_large_and_a_small_window_by_day_and_by_night(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    await picture(page, "connect-2-waiting", fits=True)
    texts = set()
    for view in VIEWS:
        await page.set_viewport_size(view.size)
        await page.emulate_media(color_scheme=view.scheme)
        texts.add(await read_code(desktop.code(page)))
    (text,) = texts  # the clock of this town stands still, and with it the code
    assert text.startswith(f"{bank_and_app.bank.issuer}/q#1.")


async def test_a_page_in_the_background_begins_when_somebody_looks_at_it(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await page.add_init_script(HIDDEN)
    await page.goto(bank_and_app.authorize_url())
    await expect(page.locator("main[data-script]")).to_be_attached()
    await page.evaluate("() => new Promise((done) => setTimeout(done))")
    assert (await counts(bank_and_app.bank))["journeys"] == 0
    await page.evaluate(LOOK)
    await expect(desktop.code(page)).to_be_visible()
    assert (await counts(bank_and_app.bank))["journeys"] == 1


async def test_a_reload_shows_the_same_request_in_the_same_state(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    waiting = page.url
    await page.reload()
    await expect(desktop.code(page)).to_be_visible()
    claimed = await scan(page, anna)
    await desktop.says(page, desktop.TYPE)
    shown = await desktop.number(page)
    await page.reload()
    await desktop.says(page, desktop.TYPE)
    assert await desktop.number(page) == shown
    await approve(page, anna, claimed)
    await page.wait_for_url(f"{bank_and_app.app}/accounts")
    await page.goto(waiting)
    await desktop.says(page, "You are finished here")
    await picture(page, "connect-4-finished", fits=True)
    assert (await counts(bank_and_app.bank))["journeys"] == 1


async def test_while_the_phone_decides_the_code_is_small_and_then_gone(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    shown = await read_code(desktop.code(page))
    claimed = await scan(page, anna)
    await desktop.number(page)
    await picture(page, "connect-3-scanned", fits=True)
    assert await read_code(desktop.code(page)) == shown
    await anna.match(claimed.journey, await desktop.number(page))
    await expect(desktop.code(page)).to_be_hidden()
    await desktop.says(page, desktop.CONTINUE)
    await picture(page, "connect-3-choosing", fits=True)


async def test_an_approval_leads_back_to_the_app_with_its_accounts(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    async with desktop.staying(page):
        chosen = await approve(page, anna, await scan(page, anna))
        await desktop.says(page, "Taking you back to Budgetly")
        await picture(page, "connect-4-approved", fits=True)
    assert await desktop.accounts(page, bank_and_app.app) == chosen


async def test_a_refusal_leads_back_to_the_app_with_nothing(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    async with desktop.staying(page):
        await anna.refuse((await scan(page, anna)).journey)
        await desktop.says(page, "You refused on your phone")
        await picture(page, "connect-4-refused", fits=True)
    await desktop.is_declined(page, bank_and_app.app)
    await picture(page, "budgetly-3-declined")


async def test_cancel_leads_back_to_the_app_with_nothing(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    async with desktop.staying(page):
        await desktop.press(page, "Cancel")
        await desktop.says(page, "You cancelled")
        await picture(page, "connect-4-cancelled", fits=True)
    await desktop.is_declined(page, bank_and_app.app)


async def test_a_lapsed_code_gives_way_to_a_new_one_which_works(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    bank_and_app.lapse()
    await desktop.says(page, "This code has ended")
    await expect(desktop.code(page)).to_be_hidden()
    await picture(page, "connect-5-lapsed", fits=True)
    await desktop.press(page, "New code")
    await desktop.says(page, desktop.SCAN)
    await approve(page, anna, await scan(page, anna))
    await page.wait_for_url(f"{bank_and_app.app}/accounts")


async def test_after_the_last_code_the_time_is_up_and_one_can_try_again(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    for _ in range(bank_and_app.bank.desk.law.new_codes):
        bank_and_app.lapse()
        await desktop.press(page, "New code")
        await desktop.says(page, desktop.SCAN)
    bank_and_app.lapse()
    await desktop.says(page, "The time is up")
    await picture(page, "connect-5-expired", fits=True)
    await page.reload()
    await desktop.follow(page, "Try again")
    await expect(desktop.code(page)).to_be_visible()


async def test_a_phone_that_falls_asleep_leaves_the_way_back_to_the_app(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    await scan(page, anna)
    bank_and_app.bank.clock.move(bank_and_app.bank.desk.law.idle)
    await desktop.says(page, "The time is up")
    await desktop.follow(page, "Back to Budgetly")
    await desktop.is_declined(page, bank_and_app.app)


async def test_a_second_person_who_scans_stops_the_page(
    windows: Windows, bank_and_app: Town
) -> None:
    page, bank = await windows.desktop(), bank_and_app.bank
    anna, other = await bank.phone(), await bank.phone("bram")
    await desktop.connect(page, bank_and_app.app)
    await scan(page, anna)
    await desktop.says(page, desktop.TYPE)
    with pytest.raises(AlreadyScanned):
        await scan(page, other)
    await desktop.says(page, "Two phones scanned this code")
    await page.reload()
    await desktop.says(page, "Two phones scanned this code")
    await picture(page, "connect-5-killed", fits=True)
    await desktop.follow(page, "Back to Budgetly")
    await desktop.is_declined(page, bank_and_app.app)


async def scan(page: Page, phone: Phone) -> Claimed:
    """Let a phone read the code from the screen and claim it."""
    return await phone.claim(await read_code(desktop.code(page)))


async def approve(page: Page, phone: Phone, claimed: Claimed) -> dict[str, str]:
    """Approve for two accounts; give each name with its last digits."""
    said = await desktop.number(page)
    offered = (await phone.match(claimed.journey, said)).accounts[:2]
    chosen = [account.resource_id for account in offered]
    await phone.approve(await phone.review(claimed.journey, chosen))
    return {account.name: account.iban[-4:] for account in offered}
