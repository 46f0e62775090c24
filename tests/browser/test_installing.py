"""The phone's app can be put on the home screen, and opens there without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests import parts
from tests.browser.chromium import FLAGS, Chromiums, Windows
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

READY = "() => navigator.serviceWorker.ready.then((it) => [it.scope, it.active.scriptURL])"


async def test_a_browser_offers_to_install_the_app(
    running_chromiums: Chromiums, bank_and_app: Town, tmp_path: Path
) -> None:
    issuer = bank_and_app.bank.issuer
    # Not one of the windows of other tests: those keep nothing, so that nothing can be installed.
    kept = await running_chromiums.playwright.chromium.launch_persistent_context(
        tmp_path / "profile", executable_path=parts.chromium(), args=FLAGS
    )
    page = await kept.new_page()
    await page.goto(f"{issuer}/phone")
    assert await page.evaluate(READY) == [f"{issuer}/phone", f"{issuer}/phone/sw.js"]
    cdp = await kept.new_cdp_session(page)
    found = await cdp.send("Page.getAppManifest")
    errors = await cdp.send("Page.getInstallabilityErrors")
    await kept.close()
    assert (found["errors"], errors["installabilityErrors"]) == ([], [])
    assert found["manifest"]["name"] == "Demo Bank app"


async def test_without_a_network_the_app_opens_and_says_so(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
    page = await windows.phone()
    phone = await handset(page, bank_and_app.bank.issuer, "Anna de Vries")
    await page.evaluate(READY)
    await page.reload()
    async with page.expect_response("**/zxing_reader-*.wasm") as reader:
        await phone.press("Sign in")
    await (await reader.value).finished()
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline. The list may be old.")).to_be_visible()
    await picture(page, "phone-8-offline")
    await page.reload()
    await phone.says("Hello, Anna")
    await page.context.set_offline(False)
    await phone.press("Sign in")
    await expect(phone.scan_button).to_be_visible()
