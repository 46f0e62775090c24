"""The other ways from the page to a phone: the app beside it, letters, a passkey that is near."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, Route, expect

from endorse.phone import Claimed, CodeNotAccepted, Phone
from tests.browser import desktop
from tests.browser.chromium import HANDSET, Windows
from tests.browser.film import read_code
from tests.browser.handset import handset
from tests.browser.pictures import picture
from tests.browser.town import Town, town
from tests.flows.play import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

OPEN = "Open the Demo Bank app"
IN_APP = "Continue in the Demo Bank app"
ELSEWHERE = "Return to the browser where you started"
TYPE = "Type this code in your app"
CANNOT = "I can\u2019t scan"


async def test_the_app_opens_beside_the_page_and_comes_back_to_the_same_browser(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    claimed = await anna.claim(await linked(page, bank_and_app.bank.issuer))
    await desktop.says(page, desktop.CONTINUE)
    back, chosen = await approve(anna, claimed)
    # The page that waits is not told, and stays where it is.
    await page.reload()
    await desktop.says(page, desktop.CONTINUE)
    beside = await page.context.new_page()
    await beside.goto(back)
    assert await desktop.accounts(beside, bank_and_app.app) == chosen
    await desktop.says(page, "You are finished here")
    assert "/connect/" in page.url


async def test_another_browser_is_sent_to_the_one_that_began_and_takes_nothing(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("404")
    page, stranger = await windows.desktop(), await windows.desktop()
    anna = await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    claimed = await anna.claim(await linked(page, bank_and_app.bank.issuer))
    back, chosen = await approve(anna, claimed)
    await stranger.goto(back)
    await desktop.says(stranger, ELSEWHERE)
    assert stranger.url == f"{bank_and_app.bank.issuer}/return"
    await picture(stranger, "connect-7-other-browser", fits=True)
    beside = await page.context.new_page()
    await beside.goto(back)
    assert await desktop.accounts(beside, bank_and_app.app) == chosen


async def test_a_way_back_without_connection_can_be_tried_again(
    windows: Windows, bank_and_app: Town
) -> None:
    windows.pardon("ERR_FAILED")
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    claimed = await anna.claim(await linked(page, bank_and_app.bank.issuer))
    back, chosen = await approve(anna, claimed)
    beside = await page.context.new_page()
    await beside.route("**/return", lose_posts)
    await beside.goto(back)
    await desktop.says(beside, "No connection")
    await picture(beside, "connect-7-return-offline", fits=True)
    await beside.unroute("**/return")
    await desktop.press(beside, "Try again")
    assert await desktop.accounts(beside, bank_and_app.app) == chosen


async def test_a_way_back_without_javascript_says_what_it_needs(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop(java_script_enabled=False)
    await page.goto(f"{bank_and_app.bank.issuer}/return#anything")
    await desktop.says(page, "Turn on JavaScript")
    await picture(page, "connect-7-return-without-javascript", fits=True, scripted=False)
    await page.goto(f"{bank_and_app.bank.issuer}/a#anything")
    await desktop.says(page, OPEN)
    await picture(page, "connect-7-app-without-javascript", fits=True, scripted=False)


async def test_the_code_takes_the_place_of_the_link_and_the_link_is_dead(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    link = await linked(page, bank_and_app.bank.issuer)
    await picture(page, "connect-2-in-the-app", fits=True)
    await page.reload()
    await desktop.says(page, IN_APP)
    await desktop.press(page, "Show the code instead")
    await desktop.says(page, desktop.SCAN)
    with pytest.raises(CodeNotAccepted):
        await anna.claim(link)
    await anna.claim(await read_code(desktop.code(page)))
    await desktop.number(page)


async def test_in_a_phones_window_the_app_comes_first_and_elsewhere_it_is_quiet(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    button = page.get_by_role("button", name=OPEN)
    await expect(button).to_have_count(1)
    await expect(button).to_have_class("button plain")
    await page.set_viewport_size({"width": HANDSET["width"], "height": HANDSET["height"]})
    await expect(button).to_have_count(1)
    await expect(button).to_have_class("button")
    above, code = await button.bounding_box(), await desktop.card(page).bounding_box()
    assert above is not None
    assert code is not None
    assert above["y"] + above["height"] <= code["y"]


async def test_a_person_who_cannot_scan_types_letters_and_then_the_number(
    windows: Windows, bank_and_app: Town
) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    await desktop.press(page, CANNOT)
    await desktop.says(page, TYPE)
    await expect(page.locator(".time.of-code")).to_have_text("This code works for 5:00")
    await picture(page, "connect-2-letters", fits=True)
    letters = await shown_letters(page)
    spelled = ", ".join(letters.replace(" ", ""))
    await expect(page.locator("[data-live]")).to_have_text(f"Your code is {spelled}.")
    await expect(page.locator("[data-letters-spelled]")).to_have_text(spelled)
    await page.reload()
    await desktop.says(page, TYPE)
    assert await shown_letters(page) == letters
    claimed = await anna.claim(letters)
    assert claimed.way == "short_code"
    await anna.match(claimed.journey, await desktop.number(page))
    await desktop.says(page, desktop.CONTINUE)


async def test_who_has_letters_may_scan_all_the_same(windows: Windows, bank_and_app: Town) -> None:
    page, anna = await windows.desktop(), await bank_and_app.bank.phone()
    await desktop.connect(page, bank_and_app.app)
    await desktop.press(page, CANNOT)
    letters = await shown_letters(page)
    await desktop.press(page, "Scan instead")
    await desktop.says(page, desktop.SCAN)
    await desktop.press(page, CANNOT)
    assert await shown_letters(page) == letters
    await desktop.press(page, "Scan instead")
    assert (await anna.claim(await read_code(desktop.code(page)))).way == "qr"


async def test_letters_that_ran_out_give_way_to_a_new_code(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    await desktop.press(page, CANNOT)
    await desktop.says(page, TYPE)
    bank_and_app.bank.clock.move(bank_and_app.bank.desk.law.short_code)
    await desktop.says(page, "This code has ended")
    await desktop.press(page, "New code")
    await desktop.says(page, desktop.SCAN)


@pytest.mark.parametrize(
    ("ways", "heading", "buttons"),
    [
        (("qr",), desktop.SCAN, ["Cancel"]),
        (("link",), IN_APP, [OPEN, "Cancel"]),
        (("short_code",), IN_APP, ["Get a code to type", "Cancel"]),
        (("near",), IN_APP, ["Use your passkey", "Cancel"]),
        (("near", "short_code"), IN_APP, ["Use your passkey", "Get a code to type", "Cancel"]),
    ],
    ids=lambda it: "+".join(it) if isinstance(it, tuple) else "",
)
async def test_only_the_ways_that_the_bank_offers_are_on_the_page(
    windows: Windows, tmp_path: Path, ways: tuple[str, ...], heading: str, buttons: list[str]
) -> None:
    async with offering(tmp_path, *ways) as some:
        page = await windows.desktop()
        await page.goto(some.authorize_url())
        await expect(page.locator("main[data-begun]")).to_be_attached()
        await desktop.says(page, heading)
        assert await page.get_by_role("button").all_inner_texts() == buttons
        await expect(page.locator("canvas:visible")).to_have_count(int("qr" in ways))
        await picture(page, f"page-offers-{'-'.join(ways)}", fits=True)
        await windows.close()


async def test_a_passkey_used_on_the_page_brings_the_request_to_its_phone(
    windows: Windows, tmp_path: Path
) -> None:
    async with offering(tmp_path, "near", "short_code") as some:
        # One window stands for both: a passkey that is near, and the page that asks for it.
        page = await windows.phone()
        phone = await handset(page, some.bank.issuer, "Anna de Vries")
        await phone.passkeys.know_finger(False)
        await page.goto(some.authorize_url())
        await expect(page.locator("main[data-begun]")).to_be_attached()
        await desktop.press(page, "Use your passkey")
        await expect(page.get_by_role("alert")).to_be_visible()
        await picture(page, "connect-2-passkey-not-used", fits=True)
        await phone.passkeys.know_finger(True)
        await desktop.press(page, "Use your passkey")
        await desktop.says(page, desktop.CONTINUE)
        await windows.close()


def offering(folder: Path, *ways: str) -> AbstractAsyncContextManager[Town]:
    """A bank whose requests may reach a phone in these ways alone."""
    policy = msgspec.structs.replace(QUICK, ways=ways)
    return town(f"sqlite:///{folder / 'endorse.sqlite3'}", policy)


async def lose_posts(route: Route) -> None:
    """Let a page come, and lose what it sends."""
    await (route.abort() if route.request.method == "POST" else route.continue_())


async def linked(page: Page, issuer: str) -> str:
    """Press the page's button for the app, whose window closes again; give the link it opened."""
    async with (
        page.context.expect_page() as opened,
        page.context.expect_event("response", lambda it: it.url.endswith("/app")) as answered,
    ):
        await desktop.press(page, OPEN)
    link: str = (await (await answered.value).all_headers())["location"]
    assert link.startswith(f"{issuer}/a#")
    app = await opened.value
    await app.wait_for_url(f"{issuer}/phone*")
    await app.close()
    await desktop.says(page, IN_APP)
    return link


async def approve(phone: Phone, claimed: Claimed) -> tuple[str, dict[str, str]]:
    """Approve for one account without any number; give the way back, and the account."""
    (account, *_) = (await phone.match(claimed.journey, None)).accounts
    done = await phone.approve(await phone.review(claimed.journey, [account.resource_id]))
    assert done.return_url is not None
    return done.return_url, {account.name: account.iban[-4:]}


async def shown_letters(page: Page) -> str:
    """The letters on the page, as a person copies them."""
    await desktop.says(page, TYPE)
    letters = await page.locator("[data-letters-drawn]").text_content()
    assert letters is not None
    assert len(letters) == 9
    return letters
