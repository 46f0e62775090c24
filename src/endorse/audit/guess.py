"""Guessing, and asking too often."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import httpx2

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, held
from endorse.audit.stage import Stage, body_of, must_fail, refused, with_body
from endorse.phone import Refused, SlowDown
from endorse.phone.encoding import b64url

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_AT_ONCE = 20
_WRONG_NUMBERS = 4
_STARTS = 30


@attack("6", "Guessing handles, letters and the number")
async def guessed(stage: Stage) -> Conclusion:
    """Guess each secret many times; then the number, until the person's claims stop."""
    phone, tab = await stage.phone(), await stage.begun()
    issuer, count = stage.target.issuer, stage.target.guesses
    guesses: dict[str, Callable[[], str]] = {
        **_of_frames(await tab.shown()),
        "links": lambda: f"{issuer}/a#{_random(32)}",
        "letters": lambda: "".join(secrets.choice(_LETTERS) for _ in range(8)),
    }
    unlimited = []
    for name, guess in guesses.items():
        if not await _many(count, lambda guess=guess: stage.claims(phone, guess()), name):  # type: ignore[misc]
            unlimited.append(name)
    short = len(tab.short)
    await _many(count, lambda: tab.call("GET", f"/connect/{_random(32)[:short]}"), "pages")
    stopped = await _wrong_numbers(stage)
    told = f"{count} guesses of each of {len(guesses) + 1} secrets missed."
    if not unlimited and stopped:
        return held(f"{told} The limits of tries and of wrong numbers set in.")
    if not await stage.is_sandbox():
        missing = [*unlimited, *([] if stopped else ["wrong numbers"])]
        raise GotThrough(f"No limit set in for: {', '.join(missing)}.")
    return held(f"{told} Its limits are wide, as a sandbox's are.")


def _of_frames(frame: str | None) -> dict[str, Callable[[], str]]:
    """How the secrets in a frame are guessed; nothing where the page shows none."""
    if frame is None:
        return {}
    kind, qid, second, _ = body_of(frame)
    return {
        "handles": lambda: with_body(frame, [kind, _random(16), second, _random(16)]),
        "macs": lambda: with_body(frame, [kind, qid, second, _random(16)]),
    }


async def _many(count: int, guess: Callable[[], Awaitable[httpx2.Response]], name: str) -> bool:
    """Guess so many times; say whether a limit set in."""
    limited = False
    for begin in range(0, count, _AT_ONCE):
        answers = await asyncio.gather(
            *(guess() for _ in range(begin, min(count, begin + _AT_ONCE)))
        )
        for answer in answers:
            must_fail(answer, f"A guess hit, of {count}: {name}.")
            limited = limited or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS
    return limited


async def _wrong_numbers(stage: Stage) -> bool:
    """Miss the number again and again; say whether the person's claims stop after some."""
    phone = await stage.phone()
    for _ in range(_WRONG_NUMBERS):
        tab = await stage.begun()
        try:
            claimed = await stage.claimed(tab, phone)
        except Refused as no:
            if no.status == httpx2.codes.TOO_MANY_REQUESTS:
                return True
            raise
        if not claimed.asks_number:
            return True  # nothing is there to be guessed
        number = await stage.number(tab)
        wrong = 10 + ((number or 0) + 1) % 90
        await refused(phone.match(claimed.journey, wrong), "A wrong number was taken.")
        await refused(phone.match(claimed.journey, number), "There was a second try at the number.")
    return False


@attack("24", "A flood of starts")
async def flooded(stage: Stage) -> Conclusion:
    """Begin again and again from one address."""
    for began in range(_STARTS):
        tab = await stage.opened()
        try:
            await tab.start()
        except SlowDown:
            return held(f"After {began} starts in a row the address was told to slow down.")
    if await stage.is_sandbox():
        raise NotApplicable(f"{_STARTS} starts in a row: a sandbox's limits are wide.")
    raise GotThrough(f"{_STARTS} starts in a row from one address met no limit.")


def _random(size: int) -> str:
    return b64url(secrets.token_bytes(size))
