"""A person's connections in the bank's app: seen, given fewer accounts, renewed, kept and ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from endorse.core.policy import DAY
from endorse.phone import Phone, sandbox_code
from tests.browser.chromium import Windows
from tests.browser.handset import Handset, handset
from tests.browser.keyboard import Keyboard
from tests.browser.pictures import picture
from tests.browser.town import Town
from tests.flows import play
from tests.flows.commands import endorse

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

ANNA = "Anna de Vries"


@pytest.fixture
async def other(bank_and_app: Town) -> Phone:
    """Another phone of Anna's, without a screen."""
    bank = bank_and_app.bank
    phone = Phone(bank.issuer, bank.http, name="Chrome on Android", clock=bank.clock)
    await phone.enrol(await sandbox_code(bank.issuer, bank.http, "anna"))
    return phone


async def connected(town: Town, phone: Phone) -> dict[str, str]:
    """Budgetly's tokens for all accounts, which this phone has approved."""
    bank = town.bank
    tokens = await play.tokens(bank, phone, redirect_uri=bank.app.redirect_uri)
    assert await play.opens(bank, tokens["access_token"])
    return tokens


async def days_later(town: Town, phone: Phone, days: int = 10) -> None:
    """Let days pass, after which this phone signs in again."""
    town.bank.clock.move(days * DAY)
    await phone.sign_in()


async def opened(windows: Windows, town: Town) -> Handset:
    """Anna's phone, on its first screen."""
    windows.pardon("401")  # where days have passed at the bank it has to set its clock first
    return await handset(await windows.phone(accept_downloads=True), town.bank.issuer, ANNA)


async def says(page: Page, words: str) -> None:
    """What the app tells those who do not see the screen."""
    await expect(page.locator("#live")).to_have_text(words)


async def test_a_connection_shows_who_sees_what_since_when_and_until_when(
    windows: Windows, bank_and_app: Town, other: Phone
) -> None:
    await connected(bank_and_app, other)
    phone = await opened(windows, bank_and_app)
    page = phone.page
    card = page.locator(".connection")
    await expect(card.get_by_text("New", exact=True)).to_be_visible()
    await expect(card).to_contain_text("5 accounts")
    await expect(card).to_contain_text("Last look")
    await expect(page.get_by_role("button", name="Notices")).to_contain_text("new")
    await picture(page, "dashboard-1-home")
    await phone.press("Details of Budgetly")
    await phone.says("Budgetly")
    for words in ("Verified: Budgetly B.V.", "Since", "Until", "Everyday account"):
        await expect(page.get_by_text(words).first).to_be_visible()
    # The other phone approved it: taking accounts away is that one's.
    await expect(page.get_by_text("Another phone approved this.")).to_be_visible()
    await expect(page.get_by_role("button", name="Fewer accounts")).to_have_count(0)
    await picture(page, "dashboard-2-detail-other-phone")
    await page.go_back()
    await phone.says("Hello, Anna")


async def test_renewed_here_it_lasts_longer_and_can_be_given_fewer_accounts(
    windows: Windows, bank_and_app: Town, other: Phone
) -> None:
    tokens = await connected(bank_and_app, other)
    [before] = await other.connections()
    await days_later(bank_and_app, other)
    phone = await opened(windows, bank_and_app)
    page = phone.page
    await phone.press("Details of Budgetly")
    await phone.press("Make it last longer")
    await phone.says("Longer for Budgetly?")
    await expect(page.locator(".chosen li")).to_have_count(len(before.accounts))
    await picture(page, "dashboard-3-renewal")
    await phone.passkeys.know_finger(False)
    await phone.press("Approve")
    await expect(page.get_by_role("alert")).to_contain_text("Your passkey was not used.")
    await picture(page, "dashboard-3-not-renewed")
    await phone.passkeys.know_finger(True)
    await phone.press("Approve")
    await phone.says("Budgetly")
    await expect(page.locator("#live")).to_contain_text("Budgetly can now look until")
    [renewed] = await other.connections()
    assert renewed.valid_until > before.valid_until
    await _give_fewer(phone, len(before.accounts))
    [after] = await other.connections()
    assert len(after.accounts) == 1
    assert len(after.removed) == len(before.accounts) - 1
    assert tokens["refresh_token"]


async def _give_fewer(phone: Handset, had: int) -> None:
    page = phone.page
    await phone.press("Fewer accounts")
    await phone.says("Fewer accounts for Budgetly")
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    await phone.press("Keep these")
    await expect(page.get_by_role("alert")).to_contain_text("Tick at least one.")
    for place in range(had):
        await phone.accounts().nth(place).click()
    await phone.press("Keep these")
    await expect(page.get_by_role("alert")).to_have_text("Leave at least one out.")
    await picture(page, "dashboard-4-fewer-all")
    for place in range(1, had):
        await phone.accounts().nth(place).click()
    await picture(page, "dashboard-4-fewer")
    await phone.press("Keep these")
    await phone.says("Budgetly")
    await says(page, "Budgetly now sees 1 account.")
    await expect(page.get_by_role("heading", name="No longer seen")).to_be_visible()
    await picture(page, "dashboard-5-detail")


@pytest.mark.parametrize(
    ("member", "value"), [("grant_id", "another"), ("document", "{}")], ids=["connection", "text"]
)
async def test_a_renewal_that_is_not_what_was_asked_is_not_signed(
    windows: Windows, bank_and_app: Town, other: Phone, member: str, value: str
) -> None:
    await connected(bank_and_app, other)
    [before] = await other.connections()
    await days_later(bank_and_app, other)
    phone = await opened(windows, bank_and_app)

    async def change(route: object) -> None:
        answer = await route.fetch()  # type: ignore[attr-defined]
        body = {**await answer.json(), member: value}
        await route.fulfill(response=answer, json=body)  # type: ignore[attr-defined]

    await phone.page.route("**/renew", change)
    await phone.press("Details of Budgetly")
    await phone.press("Make it last longer")
    await phone.says("Something does not match")
    assert (await other.connections())[0].valid_until == before.valid_until


async def test_what_was_signed_is_downloaded_as_it_was_and_holds(
    windows: Windows, bank_and_app: Town, other: Phone, tmp_path: Path
) -> None:
    await connected(bank_and_app, other)
    phone = await opened(windows, bank_and_app)
    await phone.press("Details of Budgetly")
    async with phone.page.expect_download() as saved:
        await phone.press("Download what I signed")
    await says(phone.page, "The file is in your downloads.")
    download = await saved.value
    assert download.suggested_filename.startswith("budgetly-20")
    assert download.suggested_filename.endswith(".json")
    file = tmp_path / "signed.json"
    await download.save_as(file)
    [connection] = await other.connections()
    assert file.read_text() == await other.evidence(connection.grant_id)
    done = await endorse("evidence", "verify", str(file))
    assert done.returncode == 0, done.stderr


async def test_by_keyboard_a_connection_is_ended_at_once_and_stays_in_the_history(
    windows: Windows, bank_and_app: Town, other: Phone
) -> None:
    tokens = await connected(bank_and_app, other)
    page = await windows.phone()
    keyboard = await Keyboard.of(page)
    await Handset.of(page)
    await page.goto(f"{bank_and_app.bank.issuer}/phone")
    await keyboard.starts_at("Who do you want to be?")
    await keyboard.press(ANNA)
    await keyboard.starts_at("Hello, Anna")
    await expect(page.locator(".connection")).to_be_visible()
    await keyboard.press("Details of Budgetly")
    await keyboard.starts_at("Budgetly")
    await keyboard.press("End Budgetly")
    await keyboard.press("End it")
    await says(page, "Ended. Budgetly no longer sees your accounts.")
    assert not await play.opens(bank_and_app.bank, tokens["access_token"])
    await keyboard.starts_at("Hello, Anna")
    await expect(page.get_by_text("No app can see your accounts.")).to_be_visible()
    await expect(page.get_by_text("Ended by you")).to_be_hidden()
    await keyboard.press("Ended connections (1)")
    await expect(page.get_by_text("Ended by you on")).to_be_visible()
    await picture(page, "dashboard-6-history")
    await keyboard.press("Budgetly")
    await keyboard.starts_at("Budgetly")
    await expect(page.get_by_text("Ended by you on")).to_be_visible()
    await expect(page.get_by_role("button", name="End Budgetly")).to_have_count(0)
    await picture(page, "dashboard-6-detail-ended")


async def test_who_ended_a_connection_is_said(
    windows: Windows, bank_and_app: Town, other: Phone
) -> None:
    bank = bank_and_app.bank
    given_back = await connected(bank_and_app, other)
    form = {"token": given_back["refresh_token"]}
    await bank.http.post(bank.url("/revoke"), data=form, auth=bank.app.basic)
    where = bank.app.redirect_uri
    code = await play.code_for(bank, other, redirect_uri=where)
    for _ in range(2):
        await play.redeem(bank, code)
    phone = await opened(windows, bank_and_app)
    await phone.page.get_by_text("Ended connections (2)").click()
    history = phone.page.locator(".history")
    await expect(history).to_contain_text("Ended by Budgetly on")
    await expect(history).to_contain_text("Stopped for your safety on")


async def test_notices_say_what_happened_and_are_new_until_they_were_seen(
    windows: Windows, bank_and_app: Town, other: Phone
) -> None:
    await connected(bank_and_app, other)
    [connection] = await other.connections()
    await days_later(bank_and_app, other)
    await other.approve_renewal(await other.renew(connection))
    await other.narrow(connection.grant_id, [connection.accounts[0].resource_id])
    await other.end(connection.grant_id)
    phone = await opened(windows, bank_and_app)
    page = phone.page
    tile = page.get_by_role("button", name="Notices")
    await expect(tile).to_contain_text("4 new")
    await tile.click()
    await phone.says("Notices")
    for words in (
        "You ended Budgetly.",
        "Budgetly sees fewer accounts.",
        "Budgetly may look for longer.",
        "Budgetly can see your accounts.",
    ):
        await expect(page.get_by_text(words)).to_be_visible()
    await expect(page.get_by_text("New", exact=True)).to_have_count(4)
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await picture(page, "dashboard-7-notices")
    await page.get_by_role("button", name="Budgetly sees fewer accounts.").click()
    await phone.says("Budgetly")
    await page.go_back()
    await phone.says("Notices")
    await expect(page.get_by_text("New", exact=True)).to_have_count(0)
    await phone.press("Back")
    await phone.says("Hello, Anna")
    await expect(page.get_by_text("Ended connections (1)")).to_be_visible()
    await expect(tile).not_to_contain_text("new")
