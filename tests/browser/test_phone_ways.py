"""How a request reaches the phone's web app otherwise: by link, by letters, or left before."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import expect

from endorse.phone import Browser
from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import Handset, handset
from tests.browser.pictures import picture
from tests.browser.test_phone_app import ANNA, go_on
from tests.browser.town import Town, town
from tests.flows.play import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

OPEN_APP = "Open the Demo Bank app"


async def begun(town: Town) -> Browser:
    """A browser elsewhere, whose page waits for a phone."""
    browser = Browser(town.bank.http)
    await browser.open(town.authorize_url())
    await browser.start()
    return browser


async def phone_of(windows: Windows, town: Town) -> Handset:
    """Anna's phone."""
    return await handset(await windows.phone(), town.bank.issuer, ANNA)


async def test_on_one_device_page_and_app_hand_over_to_each_other_without_a_number(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.phone()
    await page.goto(bank_and_app.app)
    await desktop.press(page, "Connect your bank")
    async with page.expect_popup() as opened:
        await page.get_by_role("button", name=OPEN_APP).locator("visible=true").first.click()
    phone = await Handset.of(await opened.value)
    await phone.says("Who do you want to be?")
    await expect(phone.page.get_by_text("Then your request goes on.")).to_be_visible()
    assert "#" not in phone.page.url
    await picture(phone.page, "phone-1-people-by-link")
    await phone.page.get_by_role("button", name=ANNA).click()
    await phone.is_asked()
    await expect(phone.number_field).to_have_count(0)
    await picture(phone.page, "phone-4-asked-by-link")
    await phone.press("Continue")
    chosen = await phone.choose(0, 1)
    await phone.press("Approve")
    assert await desktop.accounts(phone.page, bank_and_app.app) == chosen


async def test_who_started_elsewhere_gets_nothing_from_a_link_that_a_victim_approves(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("404")
    attacker = await begun(bank_and_app)
    link = await attacker.open_app()
    phone = await phone_of(windows, bank_and_app)
    await phone.page.goto(link)
    await phone.press("Sign in")
    await phone.is_asked()
    await phone.press("Continue")
    await phone.choose(0)
    await phone.press("Approve")
    await phone.says("Return to the browser where you started")
    left = await attacker.resume()
    assert left.startswith("/connect/")
    assert "code=" not in left


async def test_a_link_that_was_used_is_told_to_work_no_longer(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("404")
    phone = await phone_of(windows, bank_and_app)
    link = await (await begun(bank_and_app)).open_app()
    await (await bank_and_app.bank.phone()).claim(link)  # another phone of hers
    await phone.page.goto(link)
    await phone.press("Sign in")
    await phone.says("That link no longer works")
    await picture(phone.page, "phone-3-link-stale")
    await phone.press("Your connections")
    await expect(phone.scan_button).to_be_visible()


async def test_letters_are_taken_in_any_case_and_ask_who_told_them(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("404")
    phone, computer = await phone_of(windows, bank_and_app), await begun(bank_and_app)
    code = await computer.spell()
    await phone.press("Type a code")
    field = phone.page.get_by_label("8 letters")
    await expect(field).to_be_focused()
    await phone.page.keyboard.type("abc")
    await phone.press("Continue")
    alert = phone.page.get_by_role("alert")
    await expect(alert).to_have_text("This is in no code: A")
    await picture(phone.page, "phone-3-letters")
    await field.fill("bcdf-ghjk" if code.upper() != "BCDF-GHJK" else "bcdf-ghjl")
    await phone.press("Continue")
    await expect(alert).to_have_text("That is not the code. Look at the page again.")
    await field.fill(code.lower())
    await phone.page.keyboard.press("Enter")
    await phone.is_asked()
    warning = phone.page.get_by_role("note")
    await expect(warning).to_contain_text("Look twice before you go on")
    await expect(warning).to_contain_text("Did someone tell you this code?")
    await picture(phone.page, "phone-4-asked-amber")
    await go_on(phone, computer)
    await phone.choose(0)
    wait = phone.page.get_by_role("button", name="Wait")
    await expect(wait).to_have_attribute("aria-disabled", "true")
    await picture(phone.page, "phone-5-accounts-amber")
    await expect(phone.page.get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    # The bank's clock stood still meanwhile: to it, this is too early.
    windows.pardon("409")
    await phone.press("Approve")
    await phone.says("Not approved yet")
    await expect(phone.page.get_by_role("status").first).to_contain_text("a warning to read first")
    await picture(phone.page, "phone-6-too-early")
    bank_and_app.bank.clock.move(bank_and_app.bank.desk.law.amber_wait)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")
    assert (await computer.until("approved")).state == "approved"


async def test_what_is_signed_is_in_the_language_in_which_it_was_shown(
    windows: Windows, bank_and_app: Town
) -> None:
    computer = await begun(bank_and_app)
    page = await windows.phone(locale="de-DE")
    phone = await Handset.of(page)
    await page.goto(f"{bank_and_app.bank.issuer}/phone")
    await page.get_by_role("button", name=ANNA).click()
    await phone.press("Code eingeben")
    await picture(page, "phone-3-letters-german")
    await page.get_by_label("8 Buchstaben").fill(await computer.spell())
    await phone.press("Weiter")
    await phone.says("Budgetly möchte Ihre Konten sehen")
    await picture(page, "phone-4-asked-amber-german")
    await page.keyboard.type(str((await computer.until("claimed")).number))
    await phone.accounts().first.click()
    await picture(page, "phone-5-accounts-amber-german")
    bank_and_app.bank.clock.move(bank_and_app.bank.desk.law.amber_wait)
    await phone.press("Zustimmen")
    await phone.says("Fertig. Zurück zum Computer")
    signed = await bank_and_app.bank.desk.store.read(
        lambda db: db.all("SELECT document FROM journeys WHERE document IS NOT NULL")
    )
    assert ['"locale":"de"' in row[0] for row in signed] == [True]


@pytest.mark.parametrize("left", ["asked", "accounts"])
async def test_a_request_that_was_left_is_offered_again_after_the_next_sign_in(
    windows: Windows, bank_and_app: Town, film: Film, left: str
) -> None:
    phone, computer = await phone_of(windows, bank_and_app), await begun(bank_and_app)
    film.show_code(await computer.frame())
    await phone.scan()
    await phone.is_asked()
    if left == "accounts":
        await go_on(phone, computer)
        await phone.choose(0)
    await phone.page.reload()
    await phone.press("Sign in")
    await expect(phone.page.get_by_text("Go on with Budgetly?")).to_be_visible()
    await picture(phone.page, f"phone-2-offered-{left}")
    await phone.press("Go on")
    if left == "asked":
        await phone.is_asked()
        await go_on(phone, computer)
    await phone.choose(0)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")


async def test_what_the_passkey_claimed_on_a_page_is_offered_by_the_open_app(
    windows: Windows, tmp_path: Path
) -> None:
    async with near_bank(tmp_path) as bank:
        # One browser stands for both: the page, and the app in a window beside it.
        phone = await handset(await windows.phone(), bank.bank.issuer, ANNA)
        await phone.page.goto(bank.authorize_url())
        await expect(phone.page.locator("main[data-begun]")).to_be_attached()
        await phone.press("Use your passkey")
        await desktop.says(phone.page, desktop.CONTINUE)
        await phone.page.goto(f"{bank.bank.issuer}/phone")
        await phone.press("Sign in")
        await phone.press("Go on")
        await phone.is_asked()
        await expect(phone.number_field).to_have_count(0)
        await phone.press("Continue")
        await phone.choose(0)
        await phone.press("Approve")
        await phone.says("Done. Go back to your computer")
        await windows.close()


async def test_an_offer_goes_when_the_request_has_ended_elsewhere(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    phone, computer = await phone_of(windows, bank_and_app), await begun(bank_and_app)
    film.show_code(await computer.frame())
    await phone.scan()
    await phone.is_asked()
    await phone.page.reload()
    await phone.press("Sign in")
    offer = phone.page.get_by_text("Go on with Budgetly?")
    await expect(offer).to_be_visible()
    await computer.cancel()
    await expect(offer).to_have_count(0)


def near_bank(folder: Path) -> AbstractAsyncContextManager[Town]:
    """A bank that lets a passkey on the page claim."""
    policy = msgspec.structs.replace(QUICK, ways=("near",))
    return town(f"sqlite:///{folder / 'near.sqlite3'}", policy)
