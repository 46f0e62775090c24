from __future__ import annotations

from contextlib import aclosing

import httpx2
import pytest

from endorse.phone import (
    Browser,
    Done,
    Frame,
    JourneyEnded,
    Left,
    NotReachable,
    NotUnderstood,
    Page,
    PhoneError,
    State,
    UnsafeIssuer,
)
from endorse.phone.stream import Event
from tests.phone.scripted import BREAK, CALLBACK, FRAME, ISSUER, WAITING, ScriptedBank, frame

pytestmark = pytest.mark.anyio
URL = f"{ISSUER}/auth?client_id=c1&state=a%20b"


def redirect(location: str) -> httpx2.Response:
    return httpx2.Response(303, headers={"Location": location})


async def begun(bank: ScriptedBank) -> Browser:
    browser = Browser(bank.client())
    await browser.open(URL)
    await browser.start()
    return browser


async def all_events(browser: Browser) -> list[Event]:
    async with aclosing(browser.events()) as events:
        return [event async for event in events]


async def test_a_browser_begins_reads_the_stream_and_comes_back() -> None:
    bank = ScriptedBank(streams=[[WAITING, frame(), "approved", b"event: done\ndata: {}\n\n"]])
    browser = await begun(bank)
    bank.reach("approved")
    assert await all_events(browser) == [
        State("waiting", expires_in=118),
        Frame(FRAME),
        State("approved"),
        Done(),
    ]
    assert await browser.resume() == f"{CALLBACK}&code=abc"
    assert ("GET", "/callback") not in bank.calls


async def test_the_authorization_url_is_sent_as_given_without_fragment() -> None:
    bank = ScriptedBank()
    page = await Browser(bank.client()).open(URL + "#x")
    assert isinstance(page, Page)
    assert page.issuer.url == ISSUER
    assert bank.requests[0].url.raw_path == b"/auth?client_id=c1&state=a%20b"


async def test_another_name_of_this_computer_leads_to_the_issuer() -> None:
    bank = ScriptedBank()
    other = URL.replace("localhost", "127.0.0.1")

    def answer(request: httpx2.Request) -> httpx2.Response:
        del bank.script["GET", "/auth"]
        return redirect(URL)

    bank.script["GET", "/auth"] = answer
    page = await Browser(bank.client()).open(other)
    assert isinstance(page, Page)
    assert page.issuer.url == ISSUER


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:8001/callback?error=invalid_scope",
        "https://app.example/callback?error=invalid_scope",
        "com.example.app:/callback?error=invalid_scope",
        "http://127.0.0.1:8000/callback?error=invalid_scope",
        "http://localhost:8000@evil.test/callback",
    ],
)
async def test_a_redirect_to_the_client_is_not_followed(location: str) -> None:
    bank = ScriptedBank(script={("GET", "/auth"): lambda _: redirect(location)})
    assert await Browser(bank.client()).open(URL) == Left(location)
    assert len(bank.calls) == 1


async def test_a_redirect_in_a_circle_ends() -> None:
    bank = ScriptedBank(script={("GET", "/auth"): lambda _: redirect("/auth")})
    with pytest.raises(NotUnderstood, match="redirects"):
        await Browser(bank.client()).open(URL)


async def test_an_http_page_elsewhere_is_never_asked_for() -> None:
    bank = ScriptedBank()
    with pytest.raises(UnsafeIssuer):
        await Browser(bank.client()).open("http://bank.example/auth?client_id=c1")
    assert not bank.calls


async def test_a_page_that_refuses_is_quoted() -> None:
    said = "<h1>This redirect_uri is not registered</h1>"
    bank = ScriptedBank(script={("GET", "/auth"): lambda _: httpx2.Response(400, html=said)})
    with pytest.raises(NotUnderstood, match="not registered") as raised:
        await Browser(bank.client()).open(URL)
    assert "authorization URL" in raised.value.what_to_do


async def test_a_page_that_leads_elsewhere_is_refused() -> None:
    paths = {"connect": "/c", "events": "//evil.test/e", "resume": "/r"}
    bank = ScriptedBank(
        script={("POST", "/auth/start"): lambda _: httpx2.Response(200, json=paths)}
    )
    with pytest.raises(NotUnderstood, match=r"evil\.test"):
        await begun(bank)


async def test_a_broken_stream_is_opened_again() -> None:
    bank = ScriptedBank(streams=[[WAITING, frame()], [WAITING + b"event: fra", BREAK], [WAITING]])
    browser = await begun(bank)
    events = await all_events(browser)
    waiting = State("waiting", expires_in=118)
    assert events == [waiting, Frame(FRAME), waiting, waiting]
    assert bank.calls.count(("GET", "/connect/k1/events")) == 4  # the last one answers 204


async def test_a_stream_that_breaks_each_time_is_given_up() -> None:
    bank = ScriptedBank(streams=[[b": beat\n\n"] for _ in range(9)])
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    browser = Browser(bank.client(), sleep=sleep)
    await browser.open(URL)
    await browser.start()
    with pytest.raises(NotReachable, match="broke"):
        await all_events(browser)
    assert waits == [1.0] * 5


async def test_an_answer_that_is_no_stream_is_refused() -> None:
    bank = ScriptedBank(
        script={("GET", "/connect/k1/events"): lambda _: httpx2.Response(404, html="gone")}
    )
    browser = await begun(bank)
    with pytest.raises(NotUnderstood, match="404"):
        await all_events(browser)


async def test_a_browser_can_look_for_one_frame_or_one_state() -> None:
    bank = ScriptedBank(streams=[[WAITING, frame(), frame("later")], [WAITING, "claimed"], []])
    browser = await begun(bank)
    assert await browser.frame() == FRAME
    bank.reach("claimed")
    assert (await browser.until("claimed", "matched")).state == "claimed"


async def test_a_browser_that_looks_in_vain_says_how_it_ended() -> None:
    killed = b'event: state\ndata: {"state":"killed","reason":"superseded"}\n\n'
    done = b"event: done\ndata: {}\n\n"
    bank = ScriptedBank(streams=[[killed, done], [killed, done]])
    browser = await begun(bank)
    with pytest.raises(JourneyEnded, match="superseded"):
        await browser.frame()
    with pytest.raises(JourneyEnded, match="killed"):
        await browser.until("approved")


async def test_tabs_that_share_a_client_share_no_cookies() -> None:
    bank = ScriptedBank()
    http = bank.client()
    first, second = Browser(http), Browser(http)
    await first.open(URL)
    await first.start()
    await second.open(URL)
    assert "Cookie" not in bank.requests[-1].headers
    assert await first.cancel() == "cancelled"
    assert bank.requests[-1].headers["Cookie"] == "tx_k1=B"


async def test_the_buttons_of_the_page_are_same_origin_posts() -> None:
    bank = ScriptedBank()
    browser = await begun(bank)
    await browser.new_code()
    pressed = bank.requests[-1]
    assert (pressed.method, pressed.url.path) == ("POST", "/connect/k1/new-code")
    assert pressed.headers["Origin"] == ISSUER
    assert pressed.headers["Sec-Fetch-Site"] == "same-origin"
    assert pressed.content == b""


async def test_a_way_back_that_is_no_redirect_is_quoted() -> None:
    bank = ScriptedBank(
        script={("GET", "/resume/k1"): lambda _: httpx2.Response(200, html="<p>Go back</p>")}
    )
    browser = await begun(bank)
    with pytest.raises(NotUnderstood, match="Go back"):
        await browser.resume()


async def test_steps_out_of_order_are_named() -> None:
    browser = Browser(ScriptedBank().client())
    with pytest.raises(PhoneError, match="No page is open"):
        await browser.start()
    with pytest.raises(PhoneError, match="No journey has begun"):
        await browser.resume()
