"""Real Chromiums: launching them, opening windows in them, hearing what they complain about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Page,
    Playwright,
    Route,
    async_playwright,
)

from tests import parts
from tests.browser.film import Film

PATIENCE_MS = 20_000
"""How long a slow machine may take for what a person would call "at once"."""

DESKTOP = {"width": 1280, "height": 800}
HANDSET = {"width": 360, "height": 640}

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Chromium writes a broken content policy to the console as well, but not in every case.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


SHARES_ITSELF = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=display-media-type=browser",
)
"""Who asks to see the screen sees the asking window itself, and nobody is asked."""


@dataclass(frozen=True)
class Chromiums:
    """Two computers' browsers: one without any camera, and a phone's, whose camera is a film."""

    playwright: Playwright
    desktop: Browser
    phone: Browser
    film: Film


@asynccontextmanager
async def chromiums(film: Film) -> AsyncIterator[Chromiums]:
    """Run both until the end."""
    camera = (
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film.path}",
    )
    async with async_playwright() as playwright:
        desktop = await launch(playwright)
        phone = await launch(playwright, *camera)
        yield Chromiums(playwright, desktop, phone, film)
        await phone.close()
        await desktop.close()


async def launch(playwright: Playwright, *flags: str) -> Browser:
    """Start the machine's Chromium without a screen."""
    return await playwright.chromium.launch(
        executable_path=parts.chromium(), args=[*FLAGS, *flags], timeout=60_000
    )


@dataclass
class Windows:
    """The windows of one test, each with storage of its own, and their complaints."""

    chromiums: Chromiums
    complaints: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _pardoned: tuple[str, ...] = ()

    async def desktop(self, **options: Any) -> Page:
        """A window of a computer, with further options of the browser's context."""
        return await self.open(self.chromiums.desktop, viewport=DESKTOP, **options)

    async def phone(self, **options: Any) -> Page:
        """A window of a phone, which lets the page use its camera."""
        usual = {"viewport": HANDSET, "has_touch": True, "permissions": ["camera"]}
        return await self.open(self.chromiums.phone, **{**usual, **options})

    def pardon(self, *parts_of_complaints: str) -> None:
        """Let complaints with one of these words pass, where a test provokes them."""
        self._pardoned += parts_of_complaints

    async def close(self) -> None:
        """Close all, as must happen before the servers that they speak to stop."""
        while self._contexts:
            await self._contexts.pop().close()

    def unpardoned(self) -> list[str]:
        """Each error in a page, and each breach of its content policy."""
        return [it for it in self.complaints if not any(word in it for word in self._pardoned)]

    async def open(self, browser: Browser, **options: Any) -> Page:
        """A window of this browser."""
        context = await browser.new_context(**options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"{error.error}"))
        await context.add_init_script(_TELL_VIOLATIONS)
        return await context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location['url']}")


@asynccontextmanager
async def holding(page: Page, requests: str) -> AsyncIterator[None]:
    """Hold back a window's requests to these addresses until the block ends."""
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route(requests, hold)
    try:
        yield
    finally:
        go_on.set()


@dataclass(frozen=True)
class Passkeys:
    """The passkeys of one window's device, and the finger that unlocks them."""

    _cdp: CDPSession
    _authenticator: str

    @classmethod
    async def of(cls, page: Page) -> Passkeys:
        """Give the device of this window passkeys, which unlock at once."""
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(cdp, added["authenticatorId"])

    async def know_finger(self, known: bool) -> None:
        """Whether the finger that comes is the person's."""
        told = {"authenticatorId": self._authenticator, "isUserVerified": known}
        await self._cdp.send("WebAuthn.setUserVerified", told)
