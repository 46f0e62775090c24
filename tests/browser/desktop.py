"""What a person does and sees at the computer: Budgetly, and the bank's page with the code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.chromium import PATIENCE_MS

_RESUME = "**/resume/*"

SCAN = "Scan this code with the Demo Bank app"
TYPE = "Type this number in your app"
CONTINUE = "Continue on your phone"
DECLINED = "You did not connect your bank. Nothing was shared."

# Shows one of the page's states as its script does. The code goes with the first that has none.
_SHOW = """
(wanted) => {
  const main = document.querySelector("[data-connect]");
  if (!wanted.includes("waiting")) document.querySelector("[data-code]")?.remove();
  for (const section of document.querySelectorAll("[data-screen]")) {
    section.hidden = section.dataset.screen !== wanted;
    if (!section.hidden) main.dataset.view = section.dataset.view;
  }
  for (const number of document.querySelectorAll("[data-number]")) number.textContent = "47";
  const letters = { "[data-letters-drawn]": "BCDF GHJK", "[data-letters-spelled]": "B, C, D" };
  for (const [place, text] of Object.entries(letters))
    document.querySelector(place).textContent = text;
  main.dataset.state = wanted.split(" ").at(-1).split(":")[0];
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""


async def connect(page: Page, app: str) -> None:
    """Go to Budgetly, press its button, and see the bank's code."""
    await page.goto(app)
    await press(page, "Connect your bank")
    await expect(code(page)).to_be_visible()


def code(page: Page) -> Locator:
    """The code on the bank's page."""
    return page.locator("canvas[data-code]")


async def number(page: Page) -> int:
    """The number that the page shows, once a phone has scanned."""
    await says(page, TYPE)
    return int(await page.locator("[data-number]").inner_text())


def card(page: Page) -> Locator:
    """What a camera is held up to: the card with the code."""
    return page.locator(".card")


async def press(page: Page, name: str) -> None:
    """Press the one button of this name."""
    await page.get_by_role("button", name=name, exact=True).click()


async def follow(page: Page, name: str) -> None:
    """Follow the one link of this name."""
    await page.get_by_role("link", name=name, exact=True).click()


async def says(page: Page, heading: str) -> None:
    """The page's heading is this, or becomes it."""
    await expect(page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible()


async def is_declined(page: Page, app: str) -> None:
    """The window is, or comes, back at Budgetly, which says that nothing was shared."""
    await page.wait_for_url(f"{app}/")
    await expect(page.get_by_role("status")).to_have_text(DECLINED)


async def accounts(page: Page, app: str) -> dict[str, str]:
    """The window is, or comes, back at Budgetly: its accounts, each name with its last digits."""
    await page.wait_for_url(f"{app}/accounts")
    cards = page.locator("article.card header")
    names = await cards.locator("h2").all_inner_texts()
    endings = await cards.locator(".quiet").all_inner_texts()
    return {
        name: ending.removeprefix("Ends in ")[:4]
        for name, ending in zip(names, endings, strict=True)
    }


@asynccontextmanager
async def staying(page: Page) -> AsyncIterator[None]:
    """Keep a page that leaves by itself where it is until the block ends; then it goes there.

    Its way is answered with "no content" meanwhile: a page whose way is only held up is drawn no
    more.
    """
    wanted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def stay(route: Route) -> None:
        if not wanted.done():
            wanted.set_result(route.request.url)
        await route.fulfill(status=204)

    await page.route(_RESUME, stay)
    yield
    address = await asyncio.wait_for(wanted, PATIENCE_MS / 1000)
    await page.unroute(_RESUME, stay)
    await page.evaluate("(address) => location.replace(address)", address)


async def each_state(page: Page) -> AsyncIterator[str]:
    """Let the page with the code show its states one after the other, each by its name."""
    states = await page.eval_on_selector_all(
        "[data-screen]", "all => all.map((one) => one.dataset.screen)"
    )
    assert "start waiting" in states
    for state in states:
        await page.evaluate(_SHOW, state)
        yield state
