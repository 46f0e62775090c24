"""The other ways to a phone, over HTTP: the link, the short code, nearness, and who is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from endorse.phone import Browser, CodeNotAccepted, Notice, Phone, Refused
from tests.flows import play
from tests.flows.play import QUICK
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

NEAR = msgspec.structs.replace(QUICK, ways=("near",))


@pytest.fixture
async def near_only(tmp_path: Path) -> AsyncIterator[Served]:
    """A server whose requests reach a phone by nearness alone."""
    async with serving(f"sqlite:///{tmp_path / 'near.sqlite3'}", NEAR) as served:
        yield served


async def opened(served: Served) -> Browser:
    """A browser whose journey has begun."""
    browser = Browser(served.http)
    await browser.open(served.authorize_url())
    await browser.start()
    return browser


async def approve(phone: Phone, journey: str, number: int | None = None) -> str | None:
    """Approve all accounts; give the way back, if there is one."""
    matched = await phone.match(journey, number)
    review = await phone.review(journey, [it.resource_id for it in matched.accounts])
    return (await phone.approve(review)).return_url


async def test_by_link_only_the_return_in_the_browser_that_began_gets_the_code(
    served: Served,
) -> None:
    phone, browser = await play.phone_of(served), await opened(served)
    link = await browser.open_app()
    claimed = await phone.claim(link)
    assert (claimed.way, claimed.asks_number) == ("link", False)
    back = await approve(phone, claimed.journey)
    assert back is not None
    # The page that waits says nothing of the approval, and gets nothing.
    assert (await browser.until("review", "approved")).state == "review"
    assert "/connect/" in await browser.resume()
    other = await opened(served)
    with pytest.raises(Refused) as refused:
        await other.come_back(back)
    assert refused.value.code == "other_browser"
    with pytest.raises(Refused):
        await browser.come_back(back + "x")
    for _ in range(2):
        await browser.come_back(back)
        # Nor later: the window that came back goes on, and this one must not go there too.
        assert (await browser.until("review", "approved")).state == "review"
    assert "code=" in await browser.resume()


async def test_a_link_that_was_not_followed_back_ends_after_a_minute(served: Served) -> None:
    phone, browser = await play.phone_of(served), await opened(served)
    claimed = await phone.claim(await browser.open_app())
    back = await approve(phone, claimed.journey)
    served.clock.move(served.desk.law.resume)
    assert back is not None
    await browser.come_back(back)
    assert "error=access_denied" in await browser.resume()


async def test_the_link_and_the_code_kill_each_other(served: Served) -> None:
    phone, browser = await play.phone_of(served), await opened(served)
    frame = await browser.frame()
    link = await browser.open_app()
    with pytest.raises(CodeNotAccepted):
        await phone.claim(frame)
    assert await browser.show_code() == "waiting"
    with pytest.raises(CodeNotAccepted):
        await phone.claim(link)
    assert (await phone.claim(await browser.frame())).way == "qr"


async def test_a_short_code_is_typed_and_still_asks_for_the_number(served: Served) -> None:
    phone, browser = await play.phone_of(served), await opened(served)
    letters = await browser.spell()
    assert await browser.spell() == letters
    claimed = await phone.claim(letters.lower())
    assert (claimed.way, claimed.asks_number, claimed.hint.level) == ("short_code", True, "amber")
    number = (await browser.until("claimed")).number
    matched = await phone.match(claimed.journey, number)
    review = await phone.review(claimed.journey, [matched.accounts[0].resource_id])
    with pytest.raises(Refused) as early:
        await phone.approve(review)
    assert early.value.code == "too_early"
    served.clock.move(served.desk.law.amber_wait)
    await phone.approve(review)
    assert "code=" in await browser.resume()


async def test_a_passkey_used_on_the_page_brings_the_request_to_its_phone(
    near_only: Served,
) -> None:
    phone, browser = await play.phone_of(near_only), await opened(near_only)
    other = await play.phone_of(near_only, "bram")
    assert phone.passkey is not None
    options = await browser.near_options()
    assert (options["hints"], options.get("allowCredentials", [])) == (["hybrid"], [])
    assert await phone.journeys() == ()
    assert await browser.come_near(phone.passkey.sign(options, near_only.issuer)) == "matched"
    [held] = await phone.journeys()
    assert (held.way, held.asks_number) == ("near", False)
    assert await other.journeys() == ()
    assert await approve(phone, held.journey) is None
    assert "code=" in await browser.resume()


async def test_a_relayed_passkey_is_of_another_origin_and_refused(near_only: Served) -> None:
    phone, browser = await play.phone_of(near_only), await opened(near_only)
    assert phone.passkey is not None
    options = await browser.near_options()
    for signed in (
        phone.passkey.sign(options, "https://look-alike.example"),
        phone.passkey.sign(options, near_only.issuer, user_verified=False),
        phone.passkey.sign(await (await opened(near_only)).near_options(), near_only.issuer),
        {"id": "nobody"},
    ):
        with pytest.raises(Refused) as refused:
            await browser.come_near(signed)
        assert refused.value.code == "passkey_not_accepted"
    assert await phone.journeys() == ()


async def test_by_nearness_alone_there_is_no_code_link_or_letters(near_only: Served) -> None:
    browser = await opened(near_only)
    for other in (browser.open_app, browser.spell, browser.show_code):
        with pytest.raises(Refused) as refused:
            await other()
        assert refused.value.code == "way_not_offered"
    tab = await play.begun(near_only)
    async with tab.listening() as stream:
        assert (await stream.state())["state"] == "waiting"
        near_only.clock.move(15)
        assert await stream.comment() == ": still here"


async def test_who_did_not_start_this_ends_everything_of_that_browser(served: Served) -> None:
    phone, http = await play.phone_of(served), served.http
    first, second = Browser(http), Browser(http)
    # Two tabs of one browser share its lasting cookie.
    second._cookies = first._cookies
    for tab in (first, second):
        await tab.open(served.authorize_url())
        await tab.start()
    elsewhere = await opened(served)
    claimed = await phone.claim(await first.frame())
    assert (await phone.disown(claimed.journey)).state == "rejected"
    assert (await first.until("rejected")).reason == "not_started_here"
    ended = await second.until("killed")
    assert ended.reason == "disowned"
    assert (await elsewhere.until("waiting")).state == "waiting"
    flags = await served.desk.store.read(lambda db: db.all("SELECT client_id FROM client_flags"))
    assert [tuple(row) for row in flags] == [(served.app.client_id,)]


async def test_a_wrong_number_ends_the_journey_and_three_stop_the_persons_claims(
    tmp_path: Path,
) -> None:
    law = msgspec.structs.replace(QUICK, wrong_numbers=3)
    async with serving(f"sqlite:///{tmp_path / 'wrong.sqlite3'}", law) as served:
        phone = await play.phone_of(served)
        for minutes in (50, 5, 0):
            browser = await says_a_wrong_number(served, phone)
            assert (await browser.until("killed")).reason == "wrong_number"
            served.clock.move(minutes * 60)
            await phone.sign_in()
        await is_stopped(served, phone)
        # The first wrong number is longer ago than an hour, the third is not.
        served.clock.move(law.claims_stop - 1)
        await phone.sign_in()
        await is_stopped(served, phone)
        served.clock.move(1)
        for _ in range(2):  # all three are forgotten
            await says_a_wrong_number(served, phone)
        later = await opened(served)
        assert (await phone.claim(await later.frame())).state == "claimed"


async def test_all_phones_of_a_person_are_told_once_that_their_claims_were_stopped(
    tmp_path: Path,
) -> None:
    law = msgspec.structs.replace(QUICK, wrong_numbers=3)
    async with serving(f"sqlite:///{tmp_path / 'told.sqlite3'}", law) as served:
        phone, other = await play.phone_of(served), await play.phone_of(served)
        for told in (0, 0, 1):
            await says_a_wrong_number(served, phone)
            assert [len(await stops_told(it)) for it in (phone, other)] == [told, told]
        for _ in range(3):
            await is_stopped(served, other)
        for one in (phone, other):
            [stop] = await stops_told(one)
            assert (stop.by, stop.unread, stop.phone_id) == ("misuse", True, phone.phone_id)
            assert stop.phone_name == phone.name


async def says_a_wrong_number(served: Served, phone: Phone) -> Browser:
    """Let a phone claim a journey, and say another number than its page shows."""
    browser = await opened(served)
    claimed = await phone.claim(await browser.frame())
    number = (await browser.until("claimed")).number
    with pytest.raises(Refused) as wrong:
        await phone.match(claimed.journey, 10 if number != 10 else 11)
    assert wrong.value.code == "number_wrong"
    return browser


async def is_stopped(served: Served, phone: Phone) -> None:
    """A fresh frame is not taken from this phone."""
    browser = await opened(served)
    with pytest.raises(Refused) as stopped:
        await phone.claim(await browser.frame())
    assert stopped.value.code == "claims_stopped"


async def stops_told(phone: Phone) -> list[Notice]:
    """What this phone was told of stopped claims."""
    return [it for it in await phone.notices() if it.kind == "claims_stopped"]


async def test_a_new_scan_of_the_same_person_ends_the_older_one(served: Served) -> None:
    phone, older, newer = await play.phone_of(served), await opened(served), await opened(served)
    await phone.claim(await older.frame())
    await phone.claim(await newer.frame())
    assert (await older.until("killed")).reason == "superseded"
    [held] = await phone.journeys()
    assert held.state == "claimed"
