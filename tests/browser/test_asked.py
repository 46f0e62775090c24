"""What a client asks by itself appears in the app: its words are compared, the passkey answers."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.chromium import Windows
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.test_phone_app import ANNA
from tests.browser.town import Town
from tests.flows import asking

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def test_an_app_asks_the_person_sees_its_words_and_approves_or_refuses(
    windows: Windows, bank_and_app: Town
) -> None:
    bank = bank_and_app.bank
    asker = await asking.register(bank, redirect_uri=bank.app.redirect_uri)
    before = await asking.connected(bank, await bank.phone("anna"), asker)
    hint = before["login_hint_token"]
    phone = await handset(await windows.phone(), bank.issuer, ANNA)
    told = (await asking.ask(bank, asker, hint)).json()
    await expect(phone.page.get_by_text("Budgetly asks you now")).to_be_visible()
    await picture(phone.page, "phone-2-home-asked")
    await phone.press("Look")
    await phone.is_asked()
    await expect(phone.page.get_by_text(asking.MESSAGE)).to_be_visible()
    await expect(phone.number_field).to_have_count(0)
    await picture(phone.page, "phone-4-asked-by-app")
    await phone.press("Continue")
    await phone.choose(0)
    await phone.press("Approve")
    await phone.says("Done. Go back to Budgetly")
    await picture(phone.page, "phone-7-done-asked")
    got = await asking.collect(bank, asker, told["auth_req_id"])
    assert got.status_code == 200, got.text
    await phone.press("Your connections")
    told = (await asking.ask(bank, asker, hint)).json()
    await phone.press("Look")
    await phone.press("Refuse")
    await phone.says("Refused")
    denied = await asking.collect(bank, asker, told["auth_req_id"])
    assert denied.json()["error"] == "access_denied"
