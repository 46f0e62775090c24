"""The pages and the phone in every language: each text has the room it needs."""

from __future__ import annotations

import msgspec
import pytest
from playwright.async_api import Page, expect

from endorse.server.language import LANGUAGES
from endorse.server.pages import STATIC
from tests.browser import desktop
from tests.browser.chromium import HANDSET, Windows
from tests.browser.handset import Handset
from tests.browser.pictures import faults_of, picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

PEOPLE = {
    "en": "Who do you want to be?",
    "nl": "Wie wil je zijn?",
    "de": "Wer möchten Sie sein?",
    "fr": "Qui voulez-vous être\u00a0?",
    "es": "¿Quién quiere ser?",
}
HELLO = {
    "en": "Hello, Anna",
    "nl": "Hallo Anna",
    "de": "Hallo Anna",
    "fr": "Bonjour Anna",
    "es": "Hola, Anna",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_state_of_the_page_fits_a_small_window(
    windows: Windows, bank_and_app: Town, language: str
) -> None:
    page = await windows.desktop(locale=language, reduced_motion="reduce")
    await page.goto(bank_and_app.authorize_url())
    await expect(page.locator("canvas[data-code]")).to_be_visible()
    assert await spoken(page) == language
    await picture(page, f"page-waiting-{language}", fits=True)
    await page.set_viewport_size({"width": HANDSET["width"], "height": HANDSET["height"]})
    faults = {}
    async for state in desktop.each_state(page):
        faults[state] = await faults_of(page, fits=True)
    assert {state: found for state, found in faults.items() if found} == {}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_phone_speaks_the_persons_language_and_loads_no_other(
    windows: Windows, bank_and_app: Town, language: str
) -> None:
    page = await windows.phone(locale=language)
    loaded: list[str] = []
    page.on("response", lambda answer: loaded.append(answer.url))
    await page.goto(f"{bank_and_app.bank.issuer}/phone")
    phone = await Handset.of(page)
    await phone.says(PEOPLE[language])
    assert await spoken(page) == language
    await picture(page, f"phone-people-{language}")
    await page.get_by_role("button", name="Anna de Vries").click()
    await phone.says(HELLO[language])
    await picture(page, f"phone-home-{language}")
    preload = await page.locator("link[rel=modulepreload]").get_attribute("href")
    built = msgspec.json.decode((STATIC / "manifest.json").read_bytes(), type=dict[str, str])
    texts = {f"/static/{built[f'{name}.js']}" for name in PEOPLE}
    assert {url for url in loaded if url.removeprefix(bank_and_app.bank.issuer) in texts} == {
        f"{bank_and_app.bank.issuer}{preload}"
    }


async def spoken(page: Page) -> str:
    """The language that the page says it is in."""
    language: str = await page.evaluate("document.documentElement.lang")
    return language
