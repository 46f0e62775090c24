"""What people and developers see when the way is not the usual one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Response, expect

from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.pictures import picture
from tests.browser.town import Town, town
from tests.flows.play import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def test_a_lost_connection_is_told_and_the_page_goes_on_by_itself(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("ERR_INTERNET_DISCONNECTED")
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    await page.context.set_offline(True)
    await desktop.says(page, "No connection")
    await expect(desktop.code(page)).to_be_hidden()
    await picture(page, "connect-6-no-connection", fits=True)
    await page.context.set_offline(False)
    await desktop.says(page, desktop.SCAN)
    await expect(desktop.code(page)).to_be_visible()


async def test_whoever_begins_too_often_is_asked_to_wait(windows: Windows, tmp_path: Path) -> None:
    windows.pardon("429")
    once = msgspec.structs.replace(QUICK, starts_a_minute=1)
    async with town(f"sqlite:///{tmp_path / 'endorse.sqlite3'}", once) as strict:
        page = await windows.desktop()
        await desktop.connect(page, strict.app)
        await page.goto(strict.authorize_url())
        await desktop.says(page, "That went a little fast")
        await picture(page, "connect-6-too-fast", fits=True)
        strict.bank.clock.move(60)
        await desktop.follow(page, "Try again")
        await expect(desktop.code(page)).to_be_visible()
        await windows.close()


async def test_a_wrong_redirect_uri_is_shown_to_the_developer(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("400")
    page = await windows.desktop()
    wrong = bank_and_app.bank.app.redirect_uri.replace("/callback", "/oauth/callback")
    answer = await page.goto(bank_and_app.bank.authorize_url(redirect_uri=wrong))
    assert status(answer) == 400
    await desktop.says(page, "This connection cannot start")
    await expect(page.locator("mark").first).to_be_visible()
    await picture(page, "problem-redirect-uri")


async def test_each_refusal_has_a_page_for_developers(windows: Windows, bank_and_app: Town) -> None:
    page = await windows.desktop()
    assert status(await page.goto(f"{bank_and_app.bank.issuer}/errors/code_not_good")) == 200
    await desktop.says(page, "code_not_good")
    await picture(page, "problem-refusal")
    await page.get_by_role("link", name="Every refusal").click()
    await desktop.says(page, "Every refusal")
    await picture(page, "problem-refusals")


async def test_the_page_of_another_browser_is_not_there(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("404")
    owner, stranger = await windows.desktop(), await windows.desktop()
    await desktop.connect(owner, bank_and_app.app)
    assert status(await stranger.goto(owner.url)) == 404
    await desktop.says(stranger, "This page is no longer here")
    await picture(stranger, "problem-gone", fits=True)


async def test_a_plain_camera_app_opens_a_page_that_only_explains(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    assert status(await page.goto(f"{bank_and_app.bank.issuer}/q#1.a.b.c")) == 200
    await desktop.says(page, desktop.SCAN)
    await expect(page.get_by_role("button")).to_have_count(0)
    await expect(page.get_by_role("link")).to_have_count(0)
    await picture(page, "problem-plain-camera", fits=True)


def status(answer: Response | None) -> int:
    """The status with which a page came."""
    assert answer is not None
    return answer.status
