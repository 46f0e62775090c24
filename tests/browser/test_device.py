"""Connecting a device: letters on a television, typed here, and then the code as always."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import expect

from endorse.core.device import GRANT_TYPE
from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import Film, read_code
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def test_letters_are_typed_the_device_is_confirmed_and_the_page_stays_at_the_end(
    windows: Windows, bank_and_app: Town
) -> None:
    bank = bank_and_app.bank
    windows.pardon("404")
    asked = await bank.http.post(
        bank.url("/device_authorization"), data={"scope": "accounts"}, auth=bank.app.basic
    )
    told = asked.json()
    page = await windows.desktop()
    await page.goto(told["verification_uri"])
    await desktop.says(page, "Type the code that your device shows")
    await picture(page, "device-1-letters", fits=True)
    await page.get_by_label("Eight letters").fill("bbbb bbbb")
    await desktop.press(page, "Continue")
    await expect(page.get_by_role("alert")).to_contain_text("This code does not work")
    await picture(page, "device-1-wrong", fits=True)
    await page.get_by_label("Eight letters").fill(told["user_code"].lower())
    await desktop.press(page, "Continue")
    await desktop.says(page, "Is this on your own device?")
    await picture(page, "device-2-confirm")
    await desktop.press(page, "Yes, it is my device")
    await desktop.says(page, desktop.SCAN)
    await expect(desktop.code(page)).to_be_visible()
    await expect(page.locator(".code-box noscript")).to_be_hidden()
    anna = await bank.phone()
    claimed = await anna.claim(await read_code(desktop.card(page)))
    accounts = (await anna.match(claimed.journey, await desktop.number(page))).accounts
    await anna.approve(await anna.review(claimed.journey, [accounts[0].resource_id]))
    await desktop.says(page, "Go back to your device")
    await picture(page, "device-3-done", fits=True)
    bank.clock.move(5)
    form = {"grant_type": GRANT_TYPE, "device_code": told["device_code"]}
    got: httpx2.Response = await bank.http.post(bank.url("/token"), data=form, auth=bank.app.basic)
    assert got.status_code == 200, got.text
    assert page.url.startswith(f"{bank.issuer}/connect/")


async def test_the_phone_warns_who_has_no_such_device_in_front_of_them(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    bank = bank_and_app.bank
    phone = await handset(await windows.phone(), bank.issuer, "Anna de Vries")
    asked = await bank.http.post(
        bank.url("/device_authorization"), data={"scope": "accounts"}, auth=bank.app.basic
    )
    page = await windows.desktop()
    await page.goto(asked.json()["verification_uri_complete"])
    await desktop.press(page, "Continue")
    await desktop.press(page, "Yes, it is my device")
    await desktop.says(page, desktop.SCAN)
    film.show_code(await read_code(desktop.card(page)))
    await phone.scan()
    await phone.says("Budgetly wants to see your accounts")
    warned = phone.page.get_by_role("note")
    await expect(warned).to_contain_text("A device asks for this, a TV for example.")
    await picture(phone.page, "device-4-phone")
