"""What the bank's app tells its person: a sentence for each kind of notice, and stopped claims."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import expect

from endorse.core.notice import By, Connected, Kind, of_connection, of_phone
from endorse.phone import Browser, Phone, sandbox_code
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.test_stopped import Red
from tests.browser.town import Town, town
from tests.flows.play import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

ANNA = "Anna de Vries"
STOPPED = "Three numbers were wrong. Codes were stopped for an hour."
SENTENCES = {
    (Kind.CONNECTION_MADE, By.CLIENT): "Budgetly can see your accounts.",
    (Kind.PAYMENT_APPROVED, By.CLIENT): "You approved one payment with Budgetly.",
    (Kind.CONNECTION_CHANGED, By.CLIENT): "You changed what Budgetly sees.",
    (Kind.CONNECTION_NARROWED, By.PHONE): "Budgetly sees fewer accounts.",
    (Kind.CONNECTION_RENEWED, By.PHONE): "Budgetly may look for longer.",
    (Kind.CONNECTION_ENDED, By.PHONE): "You ended Budgetly.",
    (Kind.CONNECTION_ENDED, By.CLIENT): "Budgetly ended its connection.",
    (Kind.CONNECTION_ENDED, By.BANK): "Demo Bank ended Budgetly.",
    (Kind.CONNECTION_ENDED, By.MISUSE): "Budgetly was stopped for your safety.",
    (Kind.PHONE_ENROLLED, By.BANK): "A new phone joined: Chrome on Android.",
    (Kind.PHONE_CONFIRMED, By.PHONE): "Your other phone let in: Chrome on Android.",
    (Kind.PHONE_CONFIRMED, By.BANK): "Demo Bank let in: Chrome on Android.",
    (Kind.PHONE_REVOKED, By.PHONE): "This phone was removed: Chrome on Android.",
    (Kind.PHONE_REVOKED, By.BANK): "Demo Bank removed this phone: Chrome on Android.",
    (Kind.CLAIMS_STOPPED, By.MISUSE): STOPPED,
}


@pytest.fixture
async def strict(tmp_path: Path, windows: Windows) -> AsyncIterator[Town]:
    """A bank where three wrong numbers stop a person's claims."""
    law = msgspec.structs.replace(QUICK, wrong_numbers=3)
    async with town(f"sqlite:///{tmp_path / 'strict.sqlite3'}", law) as opened:
        yield opened
        await windows.close()


async def test_there_is_a_sentence_for_each_kind_of_notice_and_for_who_did_it(
    windows: Windows, bank_and_app: Town
) -> None:
    assert {kind for kind, _ in SENTENCES} == set(Kind)
    bank = bank_and_app.bank
    other = Phone(bank.issuer, bank.http, name="Chrome on Android")
    await other.enrol(await sandbox_code(bank.issuer, bank.http, "anna"))
    assert other.phone_id is not None
    grant = Connected("grant", bank.app.client_id, "anna")
    told = [
        of_connection(kind, grant, by, bank.clock() + at, count=at)
        if kind.startswith(("connection_", "payment_"))
        else of_phone(kind, "anna", other.phone_id, by, bank.clock() + at, count=at)
        for at, (kind, by) in enumerate(SENTENCES, 1)
    ]
    await bank.desk.store.change(told, bank.clock())
    phone = await handset(await windows.phone(), bank.issuer, ANNA)
    await phone.page.get_by_role("button", name="Notices").click()
    await phone.says("Notices")
    for words in SENTENCES.values():
        await expect(phone.page.get_by_text(words, exact=True)).to_be_visible()
    await picture(phone.page, "dashboard-7-notices-of-every-kind")


async def test_after_a_third_wrong_number_no_code_is_taken_and_a_notice_says_so(
    windows: Windows, strict: Town, film: Film
) -> None:
    windows.pardon("409", "429")
    phone = await handset(await windows.phone(), strict.bank.issuer, ANNA)
    for _ in range(3):
        computer = await page_before(film, strict)
        await phone.scan()
        await phone.is_asked()
        shown = (await computer.until("claimed")).number or 0
        await phone.type(10 + (shown - 9) % 90)
        await phone.says("That was another number")
        await phone.press("Back")
    await page_before(film, strict)
    await phone.scan()
    await phone.says("No codes for an hour")
    await picture(phone.page, "phone-3-claims-stopped")
    await phone.press("Back")
    tile = phone.page.get_by_role("button", name="Notices")
    await expect(tile).to_contain_text("1 new")
    await tile.click()
    await expect(phone.page.get_by_text(STOPPED, exact=True)).to_be_visible()
    await expect(phone.page.get_by_text("Then tell Demo Bank.")).to_be_visible()
    await picture(phone.page, "dashboard-7-notice-claims-stopped")


async def test_a_code_that_is_too_risky_is_not_taken_and_the_phone_says_so(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    windows.pardon("403")
    phone = await handset(await windows.phone(), bank_and_app.bank.issuer, ANNA)
    computer = await page_before(film, bank_and_app)
    bank_and_app.bank.desk.risk = Red()
    await phone.scan()
    await phone.says("Too risky to go on")
    await picture(phone.page, "phone-3-too-risky")
    assert (await computer.until("killed")).reason == "risk"


async def page_before(film: Film, town: Town) -> Browser:
    """A browser whose page shows a new code, held before the phone's camera."""
    browser = Browser(town.bank.http)
    await browser.open(town.authorize_url())
    await browser.start()
    film.show_code(await browser.frame())
    return browser
