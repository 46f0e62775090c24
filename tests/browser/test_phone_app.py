"""The bank's app in a phone's browser. A headless browser plays the computer."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from endorse.phone import AlreadyScanned, Browser
from tests.browser.chromium import Windows, holding
from tests.browser.film import Film
from tests.browser.handset import Handset, handset
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

ANNA = "Anna de Vries"

PASTE = """
(field, text) => {
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste", bubbles: true }));
}
"""
# What a person does with the hands, and how often the device asks for the finger.
COUNT = """
() => {
  const counted = (window.counted = { taps: 0, keys: 0, passkeys: 0 });
  addEventListener("pointerdown", () => (counted.taps += 1), true);
  addEventListener("keydown", () => (counted.keys += 1), true);
  const ask = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (options) => ((counted.passkeys += 1), ask(options));
}
"""


@pytest.fixture
async def phone(windows: Windows, bank_and_app: Town) -> Handset:
    """Anna's phone."""
    return await handset(await windows.phone(), bank_and_app.bank.issuer, ANNA)


@pytest.fixture
async def computer(bank_and_app: Town, film: Film) -> Browser:
    """A browser whose page shows a code, held before the phone's camera."""
    browser = Browser(bank_and_app.bank.http)
    await browser.open(bank_and_app.authorize_url())
    await browser.start()
    film.show_code(await browser.frame())
    return browser


async def number_on(computer: Browser) -> int:
    """The number that the computer's page shows now."""
    number = (await computer.until("claimed")).number
    assert number is not None
    return number


async def go_on(phone: Handset, computer: Browser) -> None:
    """Type the number from the computer's page."""
    await phone.type(await number_on(computer))


async def test_a_person_is_chosen_and_later_comes_back_with_the_passkey(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.phone()
    await page.goto(f"{bank_and_app.bank.issuer}/phone")
    phone = await Handset.of(page)
    await phone.says("Who do you want to be?")
    await picture(page, "phone-1-people")
    await phone.be(ANNA)
    await phone.says("Hello, Anna")
    await expect(page.get_by_text("No app can see your accounts.")).to_be_visible()
    await picture(page, "phone-2-home")
    await page.reload()
    await expect(page.get_by_text("Open the app with your face")).to_be_visible()
    await picture(page, "phone-2-locked")
    await phone.press("Sign in")
    await expect(phone.scan_button).to_be_visible()


async def test_a_scan_shows_who_asks_then_the_accounts_then_what_is_signed(
    phone: Handset, computer: Browser
) -> None:
    await phone.scan()
    await phone.is_asked()
    await picture(phone.page, "phone-4-asked")
    await go_on(phone, computer)
    await phone.says("Choose what Budgetly may see")
    await expect(phone.accounts().get_by_role("checkbox", checked=True)).to_have_count(0)
    await phone.press("Approve")
    await expect(phone.page.get_by_role("alert")).to_have_text("Choose at least one account first.")
    await picture(phone.page, "phone-5-none-chosen")
    chosen = await phone.choose(0, 1)
    await picture(phone.page, "phone-5-accounts")
    async with holding(phone.page, "**/phone/approve"):
        await phone.press("Approve")
        await phone.says("Confirm with your passkey")
        signed = phone.page.locator(".chosen li .account-name")
        assert await signed.all_inner_texts() == list(chosen)
        await picture(phone.page, "phone-6-passkey")
    await phone.says("Done. Go back to your computer")
    await picture(phone.page, "phone-7-done")
    assert (await computer.until("approved")).state == "approved"


async def test_a_person_sees_that_an_app_learns_their_name_before_they_sign_it(
    phone: Handset, bank_and_app: Town, film: Film
) -> None:
    served = bank_and_app.bank
    computer = Browser(served.http)
    asked = "openid profile accounts offline_access"
    await computer.open(served.authorize_url(redirect_uri=served.app.redirect_uri, scope=asked))
    await computer.start()
    film.show_code(await computer.frame())
    await phone.scan()
    await go_on(phone, computer)
    await phone.says("Choose what Budgetly may see")
    lines = phone.page.locator(".asked li")
    await expect(lines.get_by_text("Your name", exact=True)).to_be_visible()
    await expect(lines.get_by_text("A number for you that no other app gets")).to_be_visible()
    await expect(lines.get_by_text("How much is in them")).to_have_count(0)
    await picture(phone.page, "phone-5-name")
    await phone.choose(0)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")


async def test_without_the_finger_nothing_is_approved_until_it_comes(
    phone: Handset, computer: Browser
) -> None:
    await phone.scan()
    await phone.is_asked()
    await go_on(phone, computer)
    await phone.choose(0)
    await phone.passkeys.know_finger(False)
    await phone.press("Approve")
    await phone.says("Not approved yet")
    await picture(phone.page, "phone-6-not-approved")
    await phone.press("Change accounts")
    await phone.choose(1)
    await phone.passkeys.know_finger(True)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")
    assert (await computer.until("approved")).state == "approved"


async def test_a_refusal_on_the_phone_is_told_to_the_computer(
    phone: Handset, computer: Browser
) -> None:
    await phone.scan()
    await phone.is_asked()
    await phone.press("Refuse")
    await phone.says("Refused")
    await picture(phone.page, "phone-7-refused")
    assert (await computer.until("rejected")).state == "rejected"
    await phone.press("Your connections")
    await expect(phone.scan_button).to_be_visible()


async def test_the_devices_back_asks_before_it_refuses(phone: Handset, computer: Browser) -> None:
    await phone.scan()
    await phone.is_asked()
    await phone.page.go_back()
    question = phone.page.get_by_role("dialog")
    await expect(question).to_contain_text("Stop here?")
    await picture(phone.page, "phone-4-stop")
    await phone.press("Keep going")
    await expect(question).to_be_hidden()
    await phone.page.go_back()
    await question.get_by_role("button", name="Refuse").click()
    await phone.says("Refused")
    assert (await computer.until("rejected")).state == "rejected"


@pytest.mark.parametrize("screen", ["asked", "accounts"])
async def test_cancel_on_the_computer_reaches_the_phone_at_once(
    phone: Handset, computer: Browser, screen: str
) -> None:
    await phone.scan()
    await phone.is_asked()
    if screen == "accounts":
        await go_on(phone, computer)
        await phone.choose(0)
    assert await computer.cancel() == "cancelled"
    async with asyncio.timeout(10):  # a phone that nobody wakes asks again after 20 s
        await phone.says("Stopped on the page")
    await picture(phone.page, "phone-8-cancelled")


async def test_the_first_phone_is_told_that_another_person_scanned(
    phone: Handset, computer: Browser, bank_and_app: Town
) -> None:
    bram = await bank_and_app.bank.phone("bram")
    await phone.scan()
    await phone.is_asked()
    with pytest.raises(AlreadyScanned):
        await bram.claim(await computer.frame())
    await phone.says("Two people scanned this code")
    await picture(phone.page, "phone-8-stopped")
    assert (await computer.until("killed")).reason == "already_scanned"


async def test_the_second_phone_is_told_that_another_person_scanned(
    windows: Windows, phone: Handset, computer: Browser, bank_and_app: Town
) -> None:
    windows.pardon("409")
    bram = await bank_and_app.bank.phone("bram")
    await bram.claim(await computer.frame())
    await phone.scan()
    await phone.says("Someone else scanned it too")
    await picture(phone.page, "phone-8-second")
    assert (await computer.until("killed")).reason == "already_scanned"


async def test_an_answer_after_the_end_is_told_to_be_too_late(
    windows: Windows, phone: Handset, computer: Browser, bank_and_app: Town
) -> None:
    windows.pardon("409", "401")  # it also has to set its clock first
    async with holding(phone.page, "**/phone/watch"):
        await phone.scan()
        await phone.is_asked()
        number = await number_on(computer)
        bank_and_app.bank.clock.move(bank_and_app.bank.desk.law.idle)
        await phone.type(number)
    await phone.says("Too late")
    await picture(phone.page, "phone-8-expired")
    assert (await computer.until("expired")).state == "expired"


async def test_a_wrong_number_stops_the_request_and_says_so(
    windows: Windows, phone: Handset, computer: Browser
) -> None:
    windows.pardon("409")
    await phone.scan()
    await phone.is_asked()
    shown = await number_on(computer)
    await phone.type(10 + (shown - 9) % 90)
    await phone.says("That was another number")
    await picture(phone.page, "phone-8-wrong-number")
    assert (await computer.until("killed")).reason == "wrong_number"


async def test_a_number_that_no_page_shows_costs_no_try_and_a_pasted_one_waits(
    phone: Handset, computer: Browser
) -> None:
    await phone.scan()
    await phone.is_asked()
    alert = phone.page.get_by_role("alert")
    await phone.press("Continue")
    await expect(alert).to_have_text("Type both digits first.")
    await phone.page.keyboard.type("07")
    await expect(alert).to_have_text("The number has two digits, from 10 to 99.")
    box, answers = await alert.bounding_box(), await phone.page.locator(".actions").bounding_box()
    assert box is not None
    assert answers is not None
    assert box["y"] + box["height"] <= answers["y"]
    await picture(phone.page, "phone-4-no-number")
    shown = await number_on(computer)
    await phone.number_field.evaluate(PASTE, f" {shown}.")
    await expect(phone.number_field).to_have_value(str(shown))
    await expect(alert).to_be_hidden()
    assert (await computer.until("claimed")).state == "claimed"
    await phone.press("Continue")
    await phone.says("Choose what Budgetly may see")


async def test_who_did_not_start_it_ends_all_of_that_browser_and_the_bank_is_told(
    phone: Handset, computer: Browser, bank_and_app: Town
) -> None:
    await phone.scan()
    await phone.is_asked()
    await phone.press("I did not start this")
    question = phone.page.get_by_role("dialog")
    await expect(question).to_contain_text("everything in that browser stops")
    await expect(question).to_contain_text("Demo Bank is told")
    await picture(phone.page, "phone-4-not-mine")
    await question.get_by_role("button", name="Back").click()
    await phone.is_asked()
    await phone.press("I did not start this")
    await phone.press("Yes, stop it")
    await phone.says("Stopped, and Demo Bank knows")
    await picture(phone.page, "phone-7-not-mine")
    assert (await computer.until("rejected")).state == "rejected"
    flagged = await bank_and_app.bank.desk.store.read(
        lambda db: db.all("SELECT client_id FROM client_flags")
    )
    assert len(flagged) == 1


async def test_a_newer_request_of_the_same_person_ends_the_older_one_in_its_own_words(
    phone: Handset, computer: Browser, bank_and_app: Town
) -> None:
    await phone.scan()
    await phone.is_asked()
    other = Browser(bank_and_app.bank.http)
    await other.open(bank_and_app.authorize_url())
    await other.start()
    await (await bank_and_app.bank.phone()).claim(await other.frame())
    await phone.says("You went on with another request")
    await picture(phone.page, "phone-8-superseded")
    assert (await computer.until("killed")).reason == "superseded"


async def test_a_first_time_person_needs_three_taps_one_number_and_one_passkey(
    phone: Handset, computer: Browser
) -> None:
    await phone.page.evaluate(COUNT)
    await phone.scan()
    await phone.is_asked()
    await go_on(phone, computer)
    await phone.choose(0)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")
    counted = await phone.page.evaluate("() => window.counted")
    assert counted == {"taps": 3, "keys": 2, "passkeys": 1}
