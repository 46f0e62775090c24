"""The answer as a form: sent by the page's script, and by a button where none runs."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser.chromium import Windows
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]


async def leaving(page: Page, town: Town, *, hold: bool = False) -> list[Request]:
    """Open a request that is refused at once by form_post; what the client then gets."""
    got: list[Request] = []

    async def answer(route: Route) -> None:
        got.append(route.request)
        if hold:
            await route.abort()
            return
        await route.fulfill(
            body="<!doctype html><title>app</title><h1>The app</h1>", content_type="text/html"
        )

    await page.route("**/callback", answer)
    url = town.bank.authorize_url(
        redirect_uri=town.bank.app.redirect_uri, response_mode="form_post", scope="no"
    )
    await page.goto(url)
    return got


def check(request: Request, town: Town) -> None:
    sent = parse_qs(request.post_data or "", strict_parsing=True)
    assert request.method == "POST"
    assert sent["error"] == ["invalid_scope"]
    assert sent["state"] == ["a state"]
    assert request.headers["origin"] == town.bank.issuer


async def test_with_script_the_form_is_sent_at_once(windows: Windows, bank_and_app: Town) -> None:
    page = await windows.desktop()
    got = await leaving(page, bank_and_app)
    await expect(page.get_by_role("heading", name="The app")).to_be_visible()
    check(got[0], bank_and_app)
    assert len(got) == 1


async def test_without_script_a_button_sends_it(windows: Windows, bank_and_app: Town) -> None:
    page = await windows.phone(java_script_enabled=False)
    got = await leaving(page, bank_and_app)
    button = page.get_by_role("button", name="Continue")
    await expect(button).to_be_visible()
    assert got == []
    await picture(page, "form-post", fits=True, scripted=False)
    await button.click()
    await expect(page.get_by_role("heading", name="The app")).to_be_visible()
    check(got[0], bank_and_app)
