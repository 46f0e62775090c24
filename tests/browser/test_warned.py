"""Under a warning the phone's question stays in view: the number, its field and both answers."""

from __future__ import annotations

from typing import get_args

import pytest
from playwright.async_api import Page, expect

from endorse.risk import Circumstances, Reason, Verdict
from endorse.server.language import LANGUAGES
from tests.browser.chromium import Windows
from tests.browser.film import Film
from tests.browser.handset import Handset
from tests.browser.pictures import picture
from tests.browser.test_notices import page_before
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

STRANGER: tuple[Reason, ...] = (
    "new_browser",
    "short_code",
    "unverified_client",
    "young_client",
    "young_phone",
    "place_unknown",
)
"""All that may be wrong where no place is known: told letters, for an app that nobody knows."""

# What is not wholly in view, above the answers at the bottom.
_HIDDEN = """
() => {
  const actions = document.querySelector(".actions").getBoundingClientRect();
  const inView = (selector, from, to) => {
    const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
    return top >= from && bottom <= to;
  };
  const above = [".hint", ".question-line", ".number"].filter((it) => !inView(it, 0, actions.top));
  return [...above, ...[".actions"].filter((it) => !inView(it, 0, innerHeight))];
}
"""


class Amber:
    """Takes everything for unusual, for these reasons."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        self.reasons = reasons

    async def weigh(self, circumstances: Circumstances, /) -> Verdict:
        """Warn."""
        return Verdict(level="amber", reasons=self.reasons)


async def warned(
    windows: Windows, town: Town, film: Film, language: str, reasons: tuple[Reason, ...]
) -> Page:
    """The phone's question under this warning."""
    town.bank.desk.risk = Amber(reasons)
    page = await windows.phone(locale=language)
    await Handset.of(page)
    await page.goto(f"{town.bank.issuer}/phone")
    await page.get_by_role("button", name="Anna de Vries").click()
    await page_before(film, town)
    await page.locator(".scan-title").click()
    await expect(page.locator(".number")).to_be_focused()
    return page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_under_a_warning_the_number_and_its_button_are_in_view_on_a_small_phone(
    windows: Windows, bank_and_app: Town, film: Film, language: str
) -> None:
    page = await warned(windows, bank_and_app, film, language, STRANGER)
    assert page.viewport_size == {"width": 360, "height": 640}
    assert await page.evaluate(_HIDDEN) == []
    await picture(page, f"warned-{language}")


async def test_under_every_warning_at_once_all_can_be_scrolled_to(
    windows: Windows, bank_and_app: Town, film: Film
) -> None:
    page = await warned(windows, bank_and_app, film, "de", get_args(Reason))
    await expect(page.get_by_role("note").get_by_role("listitem")).to_have_count(8)
    assert await page.evaluate(_HIDDEN) == [".hint", ".question-line", ".number"]
    await page.mouse.wheel(0, 10_000)
    await page.wait_for_function(f"() => !({_HIDDEN})().includes('.number')")
