"""Attacks on the browser's end: stolen addresses, foreign pages, frames, and what events tell."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import httpx2

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, Unclear, held
from endorse.audit.stage import SAME_ORIGIN, Stage, Tab, code_in, must_fail
from endorse.phone import Connect, Phone

_BUTTONS = ("cancel", "new-code", "app", "code", "letters", "near/options", "near")
_FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
    {},
)
_LETTERS = re.compile(r"\b([BCDFGHJKLMNPQRSTVWXZ]{4})-?([BCDFGHJKLMNPQRSTVWXZ]{4})\b")
_NUMBER = re.compile(r">\s*([1-9][0-9])\s*<")


@attack("11", "A stolen address of the page or of its events")
async def stolen_address(stage: Stage) -> Conclusion:
    """Open a page's addresses without its cookie and with another one; look for codes in events."""
    phone, tab, other = await stage.phone(), await stage.begun(), await stage.begun()
    stranger = await stage.opened()
    for thief in (stranger, other):
        drawn = f"{tab.paths.connect}/code.svg"
        for path in (tab.paths.connect, tab.paths.events, tab.paths.resume, drawn):
            answer = await thief.call("GET", path, accept="text/html, text/event-stream")
            must_fail(answer, f"{path} opened without the cookie of the browser that began.")
        for button in _BUTTONS:
            path = f"{tab.paths.connect}/{button}"
            answer = await thief.call("POST", path, headers=SAME_ORIGIN, form={})
            must_fail(answer, f"{path} worked without the cookie of the browser that began.")
    async with _heard(tab) as said:
        claimed = await stage.claimed(tab, phone)
        review = await stage.chosen(phone, claimed, await stage.number(tab))
        await stage.signed(phone, claimed, review)
        body = {"journey": claimed.journey, "state": "review"}
        heard = [await said, (await phone.call("POST", "/phone/watch", body)).text]
    heard.append((await tab.call("GET", tab.paths.connect, accept="text/html")).text)
    code = await stage.code(tab)
    if code is None:
        raise Unclear("The browser that began got no code either.")
    heard.append((await phone.call("GET", "/phone/journeys")).text)
    if any(code in text for text in heard):
        raise GotThrough("The authorization code stands in an event, a page or a phone's answer.")
    return held("Without B, and with another B, there is nothing there; no event held the code.")


@attack("13", "Drive-by start: prefetch, link preview, a foreign page's form")
async def drive_by(stage: Stage) -> Conclusion:
    """Start without the person: by GET in every disguise, and from other sites."""
    tab = await stage.opened()
    url = stage.target.authorize_url(tab.challenge)
    for purpose in ("", "prefetch", "prefetch;prerender"):
        page = await stage.http.get(url, headers={"Sec-Purpose": purpose} if purpose else {})
        if "tx_" in page.headers.get("Set-Cookie", "") or "/q#" in page.text:
            raise GotThrough("Opening the authorization URL began a journey by itself.")
    form = {"request": tab.sealed}
    must_fail(await tab.call("GET", "/auth/start"), "A GET began a journey.")
    for headers in _FOREIGN:
        answer = await tab.call("POST", "/auth/start", headers=headers, form=form)
        must_fail(answer, f"A foreign page began a journey: {headers or 'no header at all'}.")
        if "tx_" in answer.headers.get("Set-Cookie", ""):
            raise GotThrough("A refused start set the browser's secret all the same.")
    begun = await stage.begun()
    for headers in _FOREIGN:
        for button in _BUTTONS:
            answer = await begun.call(
                "POST", f"{begun.paths.connect}/{button}", headers=headers, form={}
            )
            must_fail(answer, f"A foreign page pressed {button!r}: {headers or 'no header'}.")
    if (await stage.state(begun)).state != "waiting":
        raise GotThrough("A foreign page changed the journey.")
    return held("No GET began anything, and no foreign page could start or press a button.")


@attack("15", "Clickjacking: our pages in a foreign frame")
async def framed(stage: Stage) -> Conclusion:
    """Look whether each page forbids to be framed."""
    tab = await stage.begun()
    begun = [tab.paths.connect, f"/connect/{tab.short[::-1]}", f"/resume/{tab.short[::-1]}"]
    paths = [*begun, "/auth", "/q", "/a", "/return", "/phone", "/no-such-page"]
    answers = [await tab.call("GET", path, accept="text/html") for path in paths]
    answers.append(await stage.http.get(stage.target.authorize_url(tab.challenge)))
    pages = [it for it in answers if "text/html" in it.headers.get("Content-Type", "")]
    for page in pages:
        policy = page.headers.get("Content-Security-Policy", "")
        old = page.headers.get("X-Frame-Options", "").upper()
        if "frame-ancestors 'none'" not in policy and old != "DENY":
            raise GotThrough(f"{page.request.url.path} may be framed by anybody.")
    return held(f"Each of {len(pages)} pages forbids every frame around it.")


@attack("19", "Harvesting who scans")
async def harvested(stage: Stage) -> Conclusion:
    """Compare what a page hears while two people approve, byte for byte."""
    heard = []
    for _ in range(2):
        phone, tab = await stage.phone(), await stage.begun()
        async with _heard(tab) as said:
            claimed = await stage.claimed(tab, phone)
            number = await stage.number(tab)
            matched = await phone.match(claimed.journey, number)
            await tab.until("matched")
            accounts = [account.resource_id for account in matched.accounts]
            review = await phone.review(claimed.journey, accounts)
            await tab.until("review")
            await stage.signed(phone, claimed, review)
            text = await said
        _names_nobody(text, phone, [account.iban for account in matched.accounts])
        heard.append(_states_of(text))
    if heard[0] != heard[1]:
        raise GotThrough(f"The events of two people differ: {heard[0]} and {heard[1]}.")
    if len(heard[0]) < 3:
        raise Unclear(f"The page heard only {heard[0]}.")
    return held("The events of two people are equal but for the number and the time.")


def _names_nobody(text: str, phone: Phone, ibans: list[str]) -> None:
    person = phone.person
    told = [*ibans, phone.name, *([person.id, person.name] if person else [])]
    for word in told:
        if len(word) > 3 and word in text:
            raise GotThrough(f"The page is told of the person before the redirect: {word!r}.")


@asynccontextmanager
async def _heard(tab: Tab) -> AsyncIterator[Awaitable[str]]:
    """Everything that the page hears until its journey is over; left early, nobody listens on."""

    async def listen() -> str:
        answer = await tab.call("GET", tab.paths.events, accept="text/event-stream")
        return str(answer.text)

    hearing = asyncio.create_task(listen())
    try:
        yield hearing
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


def _states_of(text: str) -> list[str]:
    """The events but for frames and signs of life, each number (also of seconds) as `N`."""
    blocks = [block for block in text.split("\n\n") if "event: " in block]
    kept = [block for block in blocks if "event: frame" not in block]
    return [re.sub(r"\d+", "N", block) for block in kept]


@attack("23", "No scan, no script, no sight: being shut out")
async def shut_out(stage: Stage) -> Conclusion:
    """Reach a code with forms and pages alone: no script, no camera."""
    phone, tab = await stage.phone(), await stage.opened()
    begun = await tab.call(
        "POST", "/auth/start", accept="text/html", headers=SAME_ORIGIN, form={"request": tab.sealed}
    )
    path = begun.headers.get("Location", "")
    if begun.status_code != httpx2.codes.SEE_OTHER or not path.startswith("/connect/"):
        raise GotThrough("Without script the button of the page leads nowhere.")
    tab.paths = Connect(path, f"{path}/events", f"/resume/{tab.short or path.rpartition('/')[2]}")
    await tab.call("POST", f"{path}/letters", accept="text/html", headers=SAME_ORIGIN, form={})
    letters = _LETTERS.search(await _page(tab, path))
    if letters is None:
        raise NotApplicable("Without script this page shows no letters to type.")
    claimed = await phone.claim(letters[0])
    number = _NUMBER.search(await _page(tab, path))
    if number is None:
        raise GotThrough("Without script the page of a claimed journey shows no number.")
    review = await stage.chosen(phone, claimed, int(number[1]))
    await stage.signed(phone, claimed, review)
    if f'href="{tab.paths.resume}"' not in await _page(tab, path):
        raise GotThrough("Without script nothing leads back from an approved page.")
    back = await tab.call("GET", tab.paths.resume, accept="text/html")
    if code_in(back.headers.get("Location", "")) is None:
        raise GotThrough("Without script the way back gives no code.")
    return held("Letters, number and way back are there without script and without a camera.")


async def _page(tab: Tab, path: str) -> str:
    return str((await tab.call("GET", path, accept="text/html")).text)
