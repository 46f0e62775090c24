"""The whole way, nothing played: two browsers, a camera that films a screen, a passkey."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import Handset, handset
from tests.browser.pictures import README, for_readme, picture, shot, strip
from tests.serving import sandbox_process

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

ANNA = "Anna de Vries"
# Pictures for the README show the addresses that `endorse sandbox` has by itself.
DESK, HAND = (1080, 810), (360, 780)
PORTS = ("--port=8000", "--app-port=8001") if README else ()


async def test_a_code_filmed_from_the_screen_connects_two_accounts_until_the_phone_ends_it(
    windows: Windows, film: Film, tmp_path: Path
) -> None:
    with sandbox_process(tmp_path, *PORTS) as sandbox:
        app = sandbox.facts.app
        computer = await windows.desktop()
        phone = await handset(
            await windows.phone(device_scale_factor=2), sandbox.facts.issuer, ANNA
        )
        await computer.goto(app)
        await picture(computer, "budgetly-1-home")
        steps = [await shot(computer, *DESK)]

        await desktop.connect(computer, app)
        for_readme("connect.png", await shot(computer, 1280, 800))
        steps.append(await shot(computer, *DESK))
        await phone.scan()
        async with film.filming(computer, desktop.card(computer)):
            await phone.is_asked()
        await phone.type(await desktop.number(computer))
        await desktop.says(computer, desktop.CONTINUE)
        chosen = await phone.choose(0, 2)
        assert len(chosen) == 2
        for_readme("phone.png", await shot(phone.page, *HAND))
        steps.append(await shot(phone.page, *HAND))
        await phone.press("Approve")
        await phone.says("Done. Go back to your computer")
        steps.append(await shot(phone.page, *HAND))

        assert await desktop.accounts(computer, app) == chosen
        await picture(computer, "budgetly-2-accounts")
        steps.append(await shot(computer, *DESK))
        for_readme("way.png", strip(steps))
        await _end_the_connection(phone)
        await computer.reload()
        await computer.wait_for_url(f"{app}/")
        await expect(computer.get_by_role("status")).to_contain_text("has ended the connection")
        await windows.close()


async def _end_the_connection(phone: Handset) -> None:
    await phone.press("Your connections")
    connection = phone.page.locator(".connection")
    await expect(connection).to_contain_text("Budgetly")
    await picture(phone.page, "phone-9-connections")
    await phone.press("End Budgetly")
    await expect(phone.page.get_by_role("dialog")).to_contain_text("End Budgetly?")
    await picture(phone.page, "phone-9-connections-end")
    await phone.press("End it")
    await expect(phone.page.get_by_text("No app can see your accounts.")).to_be_visible()
