"""What the phone's camera sees, or does not; and this computer's screen in its place."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import expect

from endorse.core.coding import Secret
from endorse.server.enrol import enrolment_link, issue
from tests.browser import desktop
from tests.browser.chromium import SHARES_ITSELF, Chromiums, Windows, launch
from tests.browser.film import Film, photograph, watching
from tests.browser.handset import Handset, handset
from tests.browser.pictures import picture
from tests.browser.town import Town
from tests.flows.play import QUICK
from tests.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

ANNA = "Anna de Vries"
SCREEN = "Scan this computer\N{RIGHT SINGLE QUOTATION MARK}s screen"

# A window without a screen can share its own picture alone: the code's window lies over it. It
# moves, as the code does. Of a picture that changes once and then stands still, Chromium at times
# never shares the change, if it came right after another one.
LAY_OVER = """
(code) => {
  let shown = document.getElementById("other-window");
  if (shown === null) {
    shown = Object.assign(new Image(), { id: "other-window" });
    shown.style.cssText = "position: fixed; inset: 0 auto auto 0; z-index: 9; max-width: none";
    document.body.append(shown);
  }
  shown.src = code;
}
"""


async def test_a_foreign_code_is_named_and_the_scanner_goes_on(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    phone = await handset(await windows.phone(), bank_and_app.bank.issuer, ANNA)
    film.show_code("https://elsewhere.example/q#1.abc")
    await phone.scan()
    await expect(phone.viewfinder).to_contain_text("That is not a code of Demo Bank.")
    await picture(phone.page, "phone-3-scanner")
    computer = await windows.desktop()
    await desktop.connect(computer, bank_and_app.app)
    film.show(await photograph(desktop.code(computer)))
    await phone.is_asked()


async def test_a_phone_without_a_camera_says_so_and_offers_the_screen(
    windows: Windows, bank_and_app: Town
) -> None:
    phone = await handset(await windows.desktop(), bank_and_app.bank.issuer, ANNA)
    await phone.scan()
    await phone.says("No camera found")
    await expect(phone.page.get_by_role("button", name=SCREEN)).to_be_visible()
    await picture(phone.page, "phone-3-no-camera")
    await phone.press("Back")
    await expect(phone.scan_button).to_be_visible()


async def test_a_blocked_camera_is_explained(windows: Windows, bank_and_app: Town) -> None:
    phone = await handset(await windows.phone(permissions=[]), bank_and_app.bank.issuer, ANNA)
    await phone.scan()
    await phone.says("The camera is blocked")
    await picture(phone.page, "phone-3-blocked")


async def test_the_code_is_read_from_this_computers_screen(
    running_chromiums: Chromiums, windows: Windows, bank_and_app: Town
) -> None:
    browser = await launch(running_chromiums.playwright, *SHARES_ITSELF)
    phone = await handset(await windows.open(browser), bank_and_app.bank.issuer, ANNA)
    computer = await windows.desktop()
    await desktop.connect(computer, bank_and_app.app)
    await phone.press(SCREEN)
    await expect(phone.viewfinder).to_be_visible()

    async def lay_over(picture: Image.Image) -> None:
        await phone.page.evaluate(LAY_OVER, _data_url(picture))

    async with watching(computer, desktop.code(computer), lay_over):
        await phone.is_asked()
    await desktop.says(computer, desktop.TYPE)
    await browser.close()


async def test_a_new_phone_is_set_up_with_the_code_from_the_bank(
    windows: Windows, film: Film, tmp_path: Path
) -> None:
    async with serving(f"sqlite:///{tmp_path / 'bank.sqlite3'}", QUICK, sandbox=False) as bank:
        code = await issue(bank.desk, "anna")
        assert isinstance(code, Secret)
        phone = await Handset.of(await windows.phone())
        await phone.page.goto(bank.url("/phone"))
        await phone.says("Set up this phone")
        await picture(phone.page, "phone-0-set-up")
        film.show_code(enrolment_link(bank.desk, code))
        await phone.press("Scan your bank\N{RIGHT SINGLE QUOTATION MARK}s code")
        await phone.says("Is this you?")
        await expect(phone.page.get_by_text(ANNA)).to_be_visible()
        await picture(phone.page, "phone-0-is-this-you")
        await phone.press("Yes, set up this phone")
        await phone.says("Hello, Anna")
        await windows.close()


def _data_url(image: Image.Image) -> str:
    png = io.BytesIO()
    image.save(png, "PNG")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
