"""Attacks on the moving code, and on the handles that stand in for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, held
from endorse.audit.stage import SAME_ORIGIN, Stage, Tab, body_of, must_fail, refused, with_body
from endorse.phone import Phone, Refused
from endorse.phone.encoding import b64url

_DEAD_AFTER = 8.0
"""Seconds. A frame counts for six at most, and the server's clock shows whole seconds."""
_AT_ONCE = 8


@attack("1", "A code sent on by mail, print or screenshot")
async def sent_on(stage: Stage) -> Conclusion:
    """Take a frame, let seconds pass, and claim with it."""
    phone, tab = await stage.phone(), await stage.begun()
    photograph = await tab.frame()
    await stage.wait(_DEAD_AFTER, "until a frame is too old")
    await refused(phone.claim(photograph), f"A frame counted after {_DEAD_AFTER:.0f} s.")
    await stage.claimed(tab, phone)
    return held(f"A frame {_DEAD_AFTER:.0f} s old was refused, the present one was taken.")


@attack("2", "An edited frame")
async def edited(stage: Stage) -> Conclusion:
    """Change each character of a frame, and put together parts of two journeys' frames."""
    phone, tab, other = await stage.phone(), await stage.begun(), await stage.begun()
    frame = await tab.frame()
    texts = [frame[:at] + chr(ord(sign) ^ 1) + frame[at + 1 :] for at, sign in enumerate(frame)]
    texts += [frame[:-1], frame + "A", frame.upper(), frame + " ", " " + frame]
    mine, theirs = body_of(frame), body_of(await other.frame())
    for mask in range(1, 2 ** len(mine) - 1):
        mixed = [(theirs if mask >> at & 1 else mine)[at] for at in range(len(mine))]
        if mixed not in (mine, theirs):
            texts.append(with_body(frame, mixed))
    for text, answer in await _answers(stage, phone, texts):
        must_fail(answer, f"An edited frame counted: {text!r} in place of {frame!r}.")
    await stage.claimed(tab, phone)
    return held(f"{len(texts)} edited and mixed frames were refused, the untouched one was taken.")


@attack("3", "A frame of the future, and games with the clock")
async def of_the_future(stage: Stage) -> Conclusion:
    """Date a frame forward and back, and call with a phone whose clock is an hour off."""
    phone, tab = await stage.phone(), await stage.begun()
    frame = await tab.frame()
    kind, handle, second, mac = body_of(frame)
    later = [str(int(second) + by) for by in (1, 2, 6, 60, 10**5)] + ["-1", "+0", f"0{second}"]
    dated = [with_body(frame, [kind, handle, at, mac]) for at in later]
    for text, answer in await _answers(stage, phone, dated):
        must_fail(answer, f"A frame counted with another second than it was made for: {text!r}.")
    for hours in (-1, 1):
        wrong = Phone.from_dict(phone.to_dict(), stage.http, clock=_off(stage, hours * 3600))
        answer = await stage.claims(wrong, await tab.frame())
        must_fail(answer, f"A call signed {hours} h from now counted.")
    await stage.claimed(tab, phone)
    return held("Frames dated otherwise, and calls dated an hour off, were refused.")


def _off(stage: Stage, seconds: int) -> Callable[[], float]:
    return lambda: stage.target.clock() + seconds


@attack("10", "One handle passed off as another")
async def confused(stage: Stage) -> Conclusion:
    """Give each handle (frame, link, letters, page) to every place that takes another one."""
    phone, scanned = await stage.phone(), await stage.begun()
    frame = await scanned.frame()
    _, qid, second, mac = body_of(frame)
    linked, spelled = await stage.begun(), await stage.begun()
    before = await linked.frame()
    link, letters = await _offered(linked.open_app()), await _offered(spelled.spell())
    at = stage.target.issuer
    texts = [qid, mac, f"{at}/a#{qid}", f"{at}/a#{mac}", f"{at}/a#1.{qid}.{second}.{mac}"]
    texts += [f"{at}/q#0.{qid}.{second}.{mac}", f"{at}/q#2.{qid}.{second}.{mac}", f"{at}/q#{qid}"]
    texts += [f"{at}/a#{scanned.short}", f"{at}/q#{scanned.short}", scanned.short]
    texts += [frame.replace("/q#", "/a#"), frame.replace("/q#", "/return#")]
    lid = link.rpartition("#")[2]
    if link:
        # While the link is offered, the code that was shown before it is dead.
        texts += [before, f"{at}/q#{lid}", f"{at}/q#1.{lid[:22]}.{second}.{mac}", lid]
        texts += [f"{at}/return#{lid}", link.replace("/a#", "/q#")]
    if letters:
        texts += [f"{at}/a#{letters}", f"{at}/q#{letters}", letters[::-1] + "B"]
    for text, answer in await _answers(stage, phone, texts):
        must_fail(answer, f"This was taken for what it is not: {text!r}.")
    handles = [text for text in (qid, mac, lid, letters, frame, scanned.short[::-1]) if text]
    await _elsewhere(stage, phone, scanned, handles)
    await stage.claimed(scanned, phone)
    return held(f"{len(texts)} texts and {len(handles)} handles were refused where others belong.")


async def _offered(button: Awaitable[str]) -> str:
    """What a button gave, or nothing where the server does not offer that way."""
    try:
        return await button
    except Refused:
        return ""


async def _elsewhere(stage: Stage, phone: Phone, tab: Tab, handles: list[str]) -> None:
    """Use handles as page addresses, as return nonces, as journeys and as authorization codes."""
    for handle in handles:
        safe = handle.replace("/", "%2F").replace("#", "%23").replace(":", "%3A")
        for path in (f"/connect/{safe}", f"/connect/{safe}/events", f"/resume/{safe}"):
            answer = await tab.call("GET", path)
            must_fail(answer, f"{path} opened with a handle of another kind.")
        answer = await tab.call("POST", "/return", headers=SAME_ORIGIN, form={"nonce": handle})
        must_fail(answer, f"{handle!r} counted as a return nonce.")
        for step in ("match", "edit", "refuse", "disown"):
            body = {"journey": handle, "number": 10} if step == "match" else {"journey": handle}
            answer = await phone.call("POST", f"/phone/{step}", body)
            must_fail(answer, f"{handle!r} let a phone {step} what it never claimed.")
        must_fail(await stage.redeem(tab, handle), f"{handle!r} counted as an authorization code.")


@attack("20", "Learning from errors which codes exist")
async def enumerated(stage: Stage) -> Conclusion:
    """Compare the answers to codes that are unknown, forged, expired and of another kind."""
    phone, tab, linked = await stage.phone(), await stage.begun(), await stage.begun()
    old = await tab.frame()
    kind, handle, second, mac = body_of(old)
    unknown, forged = b64url(bytes(16)), b64url(bytes(range(16)))
    await stage.wait(_DEAD_AFTER, "until a frame is too old")
    texts = {
        "unknown": with_body(old, [kind, unknown, second, mac]),
        "forged": with_body(old, [kind, handle, second, forged]),
        "dated": with_body(old, [kind, handle, str(int(second) + 5), mac]),
        "expired": old,
        "no such link": f"{stage.target.issuer}/a#{b64url(bytes(32))}",
        "no such letters": "BCDFGHJK",
        "nonsense": "nonsense",
    }
    link = await _offered(linked.open_app())
    if link and await _offered(linked.show_code()):
        texts["link withdrawn"] = link
    told = {name: await stage.claims(phone, text) for name, text in texts.items()}
    _same(told)
    stranger = await stage.opened()
    _same(
        {
            "another's page": await stranger.call("GET", tab.paths.connect),
            "no page": await stranger.call("GET", f"/connect/{unknown[: len(tab.short)]}"),
        }
    )
    return held(f"{len(told)} kinds of bad codes, and pages of others, got one answer each.")


def _same(told: dict[str, httpx2.Response]) -> None:
    """Expect the same status and body from all answers but those of a limit."""
    seen: dict[tuple[int, bytes], str] = {}
    for name, answer in told.items():
        if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
            must_fail(answer, f"It was taken: {name}.")
            seen.setdefault((answer.status_code, answer.content), name)
    if len(seen) > 1:
        raise GotThrough(f"The answers differ between: {', '.join(seen.values())}.")


async def _answers(
    stage: Stage, phone: Phone, texts: list[str]
) -> list[tuple[str, httpx2.Response]]:
    """Claim with each text, a few at a time: all while the frame that they are made of is fresh."""
    answers: list[tuple[str, httpx2.Response]] = []
    for begin in range(0, len(texts), _AT_ONCE):
        some = texts[begin : begin + _AT_ONCE]
        got = await asyncio.gather(*(stage.claims(phone, text) for text in some))
        answers += zip(some, got, strict=True)
    return answers
