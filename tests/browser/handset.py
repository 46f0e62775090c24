"""What a person does with the bank's app in a phone's browser."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Passkeys


@dataclass(frozen=True)
class Handset:
    """The bank's app, open in a window."""

    page: Page
    passkeys: Passkeys

    @classmethod
    async def of(cls, page: Page) -> Handset:
        """The app in this window, whose device has passkeys from now on."""
        return cls(page, await Passkeys.of(page))

    async def be(self, person: str) -> None:
        """Choose whom to be; the browser makes a passkey for it."""
        await self.page.get_by_role("button", name=person).click()
        await expect(self.scan_button).to_be_visible()

    @property
    def scan_button(self) -> Locator:
        """The main action of the first screen."""
        return self.page.get_by_role("button", name="Scan a code")

    @property
    def number_field(self) -> Locator:
        """Where the number on the other screen is typed."""
        return self.page.get_by_label("Type the number it shows")

    @property
    def viewfinder(self) -> Locator:
        """The scanner, once pictures come."""
        return self.page.locator(".scanner.live")

    async def scan(self) -> None:
        """Open the camera."""
        await self.scan_button.click()

    async def says(self, heading: str) -> None:
        """The screen's heading is this, or becomes it."""
        title = self.page.get_by_role("heading", level=1, name=heading, exact=True)
        await expect(title).to_be_visible()

    async def is_asked(self) -> None:
        """A request has come: who asks is on the screen."""
        await self.says("Budgetly wants to see your accounts")

    async def type(self, number: int) -> None:
        """Type the number that the other screen shows: its second digit sends it."""
        await expect(self.number_field).to_be_focused()
        await self.page.keyboard.type(str(number))

    async def press(self, name: str) -> None:
        """Press the one button of this name."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    def accounts(self) -> Locator:
        """The rows to choose from."""
        return self.page.locator("label.account")

    async def choose(self, *places: int) -> dict[str, str]:
        """Tap accounts by their place in the list; give each name with its last digits."""
        await self.says("Choose what Budgetly may see")
        chosen = {}
        for place in places:
            row = self.accounts().nth(place)
            await row.click()
            name = await row.locator(".account-name").inner_text()
            digits = await row.locator(".iban [aria-hidden]").inner_text()
            chosen[name] = digits[-4:]
        return chosen


async def handset(page: Page, issuer: str, person: str) -> Handset:
    """The app in this new window, whose person has just been chosen."""
    opened = await Handset.of(page)
    await page.goto(f"{issuer}/phone")
    await opened.be(person)
    return opened
