"""The whole way without a mouse, without seeing it, and without anything that moves."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from endorse.core.policy import DAY
from tests.browser import desktop
from tests.browser.announced import Ear, compare
from tests.browser.chromium import PATIENCE_MS, Passkeys, Windows
from tests.browser.film import Film, read_code
from tests.browser.keyboard import Keyboard
from tests.browser.town import Town
from tests.flows import play

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

LOOK_AGAIN = "() => dispatchEvent(new Event('online'))"
RING = "() => document.querySelector('[data-ring]').getAnimations().length"
MOVING = "() => document.getAnimations().map((it) => it.effect.target.className)"


async def test_the_keyboard_alone_leads_to_a_code_at_the_apps_callback(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    computer, phone = await windows.desktop(), await windows.phone()
    async with computer.expect_request(f"{bank_and_app.app}/callback?*") as called:
        await go(computer, phone, bank_and_app, film)
    assert parse_qs(urlsplit((await called.value).url).query)["code"]
    await computer.wait_for_url(f"{bank_and_app.app}/accounts")


async def test_changes_and_two_marks_of_the_time_are_announced_and_nothing_else(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    computer, phone = await windows.desktop(), await windows.phone()
    waiting, letters = await windows.desktop(), await windows.desktop()
    dashboard = await windows.phone()
    ears = {
        "computer": await Ear.at(computer),
        "phone": await Ear.at(phone),
        "waiting": await Ear.at(waiting),
        "letters": await Ear.at(letters),
        "dashboard": await Ear.at(dashboard),
    }
    shown = await go(computer, phone, bank_and_app, film)
    await computer.wait_for_url(f"{bank_and_app.app}/accounts")
    ears["computer"].lines = [line.replace(shown, "NN") for line in ears["computer"].lines]
    await wait_long(waiting, bank_and_app)
    spelled = await ask_for_letters(letters, bank_and_app)
    ears["letters"].lines = [line.replace(spelled, "B, C, D") for line in ears["letters"].lines]
    for page in (computer, phone, waiting, letters):
        await page.close()
    windows.pardon("401")  # after the days that pass, a phone first sets its clock
    bank, where = bank_and_app.bank, bank_and_app.bank.app.redirect_uri
    await play.tokens(bank, await bank.phone("fatima"), redirect_uri=where)
    bank.clock.move(10 * DAY)
    await look_after(dashboard, bank_and_app)
    said = ears["dashboard"]
    said.lines = [re.sub(r"until .*\.", "until DATE.", line) for line in said.lines]
    compare(**ears)


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", 1), ("reduce", 0)])
async def test_the_ring_moves_only_for_who_wants_it_and_the_code_for_everybody(
    windows: Windows, bank_and_app: Town, motion: str, moves: int
) -> None:
    page = await windows.desktop(reduced_motion=motion)
    await desktop.connect(page, bank_and_app.app)
    assert await page.evaluate(RING) == moves
    if not moves:
        assert await page.evaluate(MOVING) == []
    before = await read_code(desktop.code(page))
    bank_and_app.bank.clock.move(2)
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await read_code(desktop.code(page)) == before:
            pass  # each look waits for the browser to draw


async def wait_long(page: Page, town: Town) -> None:
    """Let a page wait until its code has ended, with a look at the time twice before.

    The page counts real seconds; the bank's clock, which stands still, says from where.
    """
    await desktop.connect(page, town.app)
    left = town.bank.desk.law.code_shown
    for seconds, words in ((62, "One minute left."), (17, "15 seconds left.")):
        town.bank.clock.move(left - seconds)
        left = seconds
        await page.evaluate(LOOK_AGAIN)
        await expect(page.locator("[data-live]")).to_have_text(words)
    town.bank.clock.move(left)
    await desktop.says(page, "This code has ended")


async def ask_for_letters(page: Page, town: Town) -> str:
    """Ask for letters to type, by keyboard, then for the app, then for the code; give the letters.

    Each stands in the other's place.
    """
    await desktop.connect(page, town.app)
    keyboard = Keyboard(page)
    await keyboard.press("I can")
    await keyboard.starts_at("Type this code in your app")
    spelled = await page.locator("[data-letters-spelled]").inner_text()
    await keyboard.press("Scan instead")
    await keyboard.starts_at(desktop.SCAN)
    async with page.context.expect_page() as opened:
        await keyboard.press("Open the Demo Bank app")
    app = await opened.value
    await app.wait_for_url(f"{town.bank.issuer}/phone*")  # Chromium may never close one that loads
    await app.close()
    await keyboard.starts_at("Continue in the Demo Bank app")
    await keyboard.press("Show the code instead")
    await keyboard.starts_at(desktop.SCAN)
    return spelled


async def look_after(page: Page, town: Town) -> None:
    """Look at all that a person has in the app, and change a connection until it is ended."""
    keyboard = await Keyboard.of(page)
    await Passkeys.of(page)
    await page.goto(f"{town.bank.issuer}/phone")
    await keyboard.starts_at("Who do you want to be?")
    await keyboard.press("Fatima")
    await keyboard.starts_at("Hello, Fatima")
    for tile, heading in (("Notices", "Notices"), ("Your phones", "Your phones")):
        await keyboard.press(tile)
        await keyboard.starts_at(heading)
        await expect(page.locator(".cards li").first).to_be_visible()
        await keyboard.press("Back")
        await keyboard.starts_at("Hello, Fatima")
    # What is fetched for the page moves what stands below it, and with it where the keyboard is.
    await expect(page.get_by_label("Details of Budgetly")).to_be_visible()
    await keyboard.press("Details of Budgetly")
    await keyboard.starts_at("Budgetly")
    await keyboard.press("Make it last longer")
    await keyboard.starts_at("Longer for Budgetly?")
    await keyboard.press("Approve")
    await keyboard.starts_at("Budgetly")
    await keyboard.press("Fewer accounts")
    await keyboard.starts_at("Fewer accounts for Budgetly")
    await keyboard.press("Keep these")
    await expect(page.get_by_role("alert")).to_be_visible()
    await keyboard.tick("Everyday account")
    await keyboard.press("Keep these")
    await keyboard.starts_at("Budgetly")
    await keyboard.press("End Budgetly")
    await keyboard.press("End it")
    await keyboard.starts_at("Hello, Fatima")
    await expect(page.get_by_text("No app can see your accounts.")).to_be_visible()


async def go(computer: Page, phone: Page, town: Town, film: Film) -> str:
    """Connect the first account to Budgetly, up to the phone's last word, by keyboard.

    Gives the number that was typed.
    """
    at_computer, at_phone = await Keyboard.of(computer), await Keyboard.of(phone)
    await Passkeys.of(phone)
    await phone.goto(f"{town.bank.issuer}/phone")
    await at_phone.starts_at("Who do you want to be?")
    await at_phone.press("Anna de Vries")
    await at_phone.starts_at("Hello, Anna")

    await computer.goto(town.app)
    await at_computer.press("Connect your bank")
    await expect(desktop.code(computer)).to_be_visible()
    await at_phone.press("Scan a code")
    async with film.filming(computer, desktop.card(computer)):
        await at_phone.says("Budgetly wants to see your accounts")
    await at_computer.starts_at(desktop.TYPE)
    shown = str(await desktop.number(computer))
    await at_phone.type("Type the number it shows", shown)
    await at_computer.starts_at(desktop.CONTINUE)
    await at_phone.starts_at("Choose what Budgetly may see")
    await at_phone.tick("Everyday account")
    await at_phone.press("Approve")
    await at_phone.starts_at("Done. Go back to your computer")
    return shown
