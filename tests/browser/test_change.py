"""A request that changes a connection, as its person sees it on the phone."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from endorse.phone import Browser
from tests.browser.chromium import Windows, holding
from tests.browser.film import Film
from tests.browser.handset import Handset, handset
from tests.browser.pictures import picture
from tests.browser.test_phone_app import ANNA, go_on
from tests.browser.town import Town
from tests.flows import play

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def connected(town: Town, person: str | None = "anna") -> str:
    """A connection of one account to Budgetly; give its grant_id."""
    bank = town.bank
    phone = await play.somebody(bank, person)
    where = {"redirect_uri": bank.app.redirect_uri, "scope": "accounts offline_access"}
    tab = await play.begun(bank, **where, grant_management_action="create")
    journey = (await play.claimed(tab, phone)).journey
    first = (await play.matched(tab, phone, journey)).accounts[0].resource_id
    await phone.approve(await phone.review(journey, [first]))
    got = await play.redeem(bank, play.answered(await tab.resume())["code"])
    grant_id: str = got.json()["grant_id"]
    return grant_id


async def asked(town: Town, film: Film, grant_id: str, how: str, scope: str) -> Browser:
    """A computer that asks for a change, held before the phone's camera."""
    bank = town.bank
    computer = Browser(bank.http)
    named = {"grant_management_action": how, "grant_id": grant_id, "scope": scope}
    await computer.open(bank.authorize_url(redirect_uri=bank.app.redirect_uri, **named))
    await computer.start()
    film.show_code(await computer.frame())
    return computer


@pytest.fixture
async def phone(windows: Windows, bank_and_app: Town) -> Handset:
    """Anna's phone."""
    return await handset(await windows.phone(), bank_and_app.bank.issuer, ANNA)


async def test_a_merge_shows_what_there_is_and_marks_what_is_new(
    phone: Handset, bank_and_app: Town, film: Film
) -> None:
    grant_id = await connected(bank_and_app)
    computer = await asked(bank_and_app, film, grant_id, "merge", "balances")
    await phone.scan()
    await go_on(phone, computer)
    await phone.says("Choose what Budgetly may see")
    await expect(phone.page.locator(".note", has_text="This adds to it.")).to_be_visible()
    boxes = phone.accounts().get_by_role("checkbox")
    await expect(boxes.first).to_be_disabled()
    await expect(boxes.first).to_be_checked()
    await expect(phone.page.locator(".asked li", has_text="How much")).to_contain_text("New")
    await picture(phone.page, "phone-5-merge")
    await phone.choose(1)
    async with holding(phone.page, "**/phone/approve"):
        await phone.press("Approve")
        await phone.says("Confirm with your passkey")
        lines = phone.page.locator(".chosen li")
        await expect(lines).to_have_count(2)
        await expect(lines.nth(1)).to_contain_text("New")
        await picture(phone.page, "phone-6-merge")
    await phone.says("Done. Go back to your computer")


async def test_a_replacement_says_what_is_no_longer_shared(
    phone: Handset, bank_and_app: Town, film: Film
) -> None:
    grant_id = await connected(bank_and_app)
    computer = await asked(bank_and_app, film, grant_id, "replace", "balances offline_access")
    await phone.scan()
    await go_on(phone, computer)
    await expect(phone.page.locator(".note", has_text="This takes its place.")).to_be_visible()
    boxes = phone.accounts().get_by_role("checkbox")
    await expect(boxes.first).not_to_be_checked()
    await expect(phone.page.get_by_text("No longer shared")).to_be_visible()
    await picture(phone.page, "phone-5-replace")
    await phone.choose(1)
    async with holding(phone.page, "**/phone/approve"):
        await phone.press("Approve")
        await phone.says("Confirm with your passkey")
        await expect(phone.page.get_by_text("No longer shared")).to_be_visible()
        await picture(phone.page, "phone-6-replace")
    await phone.says("Done. Go back to your computer")


async def test_a_code_for_another_persons_connection_is_not_for_this_phone(
    phone: Handset, bank_and_app: Town, film: Film, windows: Windows
) -> None:
    windows.pardon("403")
    grant_id = await connected(bank_and_app, None)
    computer = await asked(bank_and_app, film, grant_id, "merge", "balances")
    await phone.scan()
    await phone.says("This is for another phone")
    await picture(phone.page, "phone-3-another")
    assert (await computer.until("waiting")).state == "waiting"
