"""A payment on the phone's screen: the amount, the payee and the text, exactly as signed."""

from __future__ import annotations

import json

import msgspec
import pytest
from playwright.async_api import expect

from endorse.core.change import ChangeClient
from endorse.core.details import TYPES
from endorse.core.metadata import Metadata
from endorse.phone import Browser
from endorse.store import reads
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

PAYMENT: dict[str, object] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "1234.50"},
    "creditorName": "Bäckerei Groß & Söhne Inhaber Friedrich-Wilhelm Großmann Nachf. GmbH",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Invoice 2026-0007 of 3 November, and nothing else",
}
LOOK: dict[str, object] = {
    "type": "account_information",
    "actions": ["list_accounts", "read_transactions"],
    "dateFrom": "2026-01-01",
    "dateTo": "2026-03-31",
    "accountsAtLeast": 2,
    "accountsAtMost": 3,
}


async def asks(town: Town, film: Film, detail: dict[str, object], scope: str | None) -> Browser:
    """A computer whose page asks for this, held before the phone's camera."""
    desk, client_id = town.bank.desk, town.bank.app.client_id
    client = await desk.store.read(lambda db: reads.client(db, client_id))
    assert client is not None
    paying = msgspec.structs.replace(client, metadata=Metadata(authorization_details_types=TYPES))
    await desk.store.change([ChangeClient(paying)], desk.clock())
    computer = Browser(town.bank.http)
    url = town.bank.authorize_url(
        redirect_uri=town.bank.app.redirect_uri,
        authorization_details=json.dumps([detail]),
        scope=scope,
    )
    await computer.open(url)
    await computer.start()
    film.show_code(await computer.frame())
    return computer


async def test_a_payment_is_shown_whole_and_leaves_one_account(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    phone = await handset(await windows.phone(), bank_and_app.bank.issuer, "Anna de Vries")
    computer = await asks(bank_and_app, film, PAYMENT, None)
    await phone.scan()
    await phone.says("Budgetly asks you to pay")
    await phone.type((await computer.until("claimed")).number or 0)
    await phone.says("Pay with Budgetly?")
    page = phone.page
    await expect(page.locator(".payment-amount")).to_have_text("€1,234.50")
    for text in (PAYMENT["creditorName"], PAYMENT["remittanceInformationUnstructured"]):
        await expect(page.get_by_text(str(text), exact=True)).to_be_visible()
    await expect(page.get_by_text("DE02 1001 0010 9307 1186 03")).to_be_visible()
    await expect(page.get_by_text("Only this payment, once")).to_be_visible()
    await picture(page, "payment-1-what")
    await phone.press("Approve")
    await expect(page.get_by_role("alert")).to_have_text("Choose the account to pay from.")
    for place in (0, 1):
        await phone.accounts().nth(place).click()
    assert await page.locator("input[name=account]:checked").count() == 1
    await phone.passkeys.know_finger(False)
    await phone.press("Approve")
    await phone.says("Not approved yet")
    await expect(page.locator(".payment-amount")).to_have_text("€1,234.50")
    await picture(page, "payment-2-again")
    await phone.passkeys.know_finger(True)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")
    await expect(page.get_by_text("You approved €1,234.50 to Bäckerei")).to_be_visible()
    await picture(page, "payment-3-done")


async def test_the_page_on_the_computer_says_that_a_payment_is_asked(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    await asks(bank_and_app, film, PAYMENT, None)
    page = await windows.desktop()
    await page.goto(
        bank_and_app.bank.authorize_url(
            redirect_uri=bank_and_app.bank.app.redirect_uri,
            authorization_details=json.dumps([PAYMENT]),
            scope=None,
        )
    )
    await expect(page.get_by_text("asks you to pay at")).to_be_visible()
    await picture(page, "payment-0-page")


async def test_a_look_says_its_days_and_how_many_accounts_it_needs(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    phone = await handset(await windows.phone(), bank_and_app.bank.issuer, "Anna de Vries")
    computer = await asks(bank_and_app, film, LOOK, "offline_access")
    await phone.scan()
    await phone.is_asked()
    await phone.type((await computer.until("claimed")).number or 0)
    page = phone.page
    await expect(
        page.get_by_text("Payments from 1 January 2026 until 31 March 2026")
    ).to_be_visible()
    await phone.choose(0)
    await phone.press("Approve")
    fault = page.get_by_role("alert")
    await expect(fault).to_have_text("Budgetly needs 2 to 3 accounts.")
    await picture(page, "payment-4-look")
    await phone.choose(1)
    await phone.press("Approve")
    await phone.says("Done. Go back to your computer")
