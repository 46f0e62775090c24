"""What a person does and sees at the computer: Budgetly, and the bank's page with the code."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import holding

SCAN = "Scan this code with the Demo Bank app"
CONTINUE = "Continue on your phone"
DECLINED = "You did not connect your bank. Nothing was shared."


async def connect(page: Page, app: str) -> None:
    """Go to Budgetly, press its button, and see the bank's code."""
    await page.goto(app)
    await press(page, "Connect your bank")
    await expect(code(page)).to_be_visible()


def code(page: Page) -> Locator:
    """The code on the bank's page."""
    return page.locator("canvas[data-code]")


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


def staying(page: Page) -> AbstractAsyncContextManager[None]:
    """Keep a page that leaves by itself where it is, for as long as somebody looks at it."""
    return holding(page, "**/resume/*")
