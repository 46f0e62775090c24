"""Attacks in which a deceiver stands between the page and the person: relays and fixation."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable
from contextlib import aclosing
from typing import TypeVar

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, Unclear, held, known
from endorse.audit.stage import Stage, Tab, own_passkey, refused
from endorse.phone import NotUnderstood, Phone, PhoneError, Refused, State
from endorse.phone.encoding import b64url

T = TypeVar("T")

_ROUNDS = 3
_RESUME_ENDS = 61.0
_LISTENS = 1.5
_NOT_NEAR = "Nearness, which stops it, is not offered here."
_OTHER_ORIGIN = "https://login.bank.example.attacker.example"


@attack("7", "One-way relay: the victim gets the code, and a number fixed before the scan")
async def one_way(stage: Stage) -> Conclusion:
    """Show a victim forwarded frames and a guessed number; hear nothing back."""
    guessed, drawn = 0, set()
    # Wrong numbers stop a person's claims, so phones that somebody gave are used once.
    rounds = 1 if stage.target.saved else _ROUNDS
    for _ in range(rounds):
        victim, tab = await stage.phone(), await stage.begun()
        early = (await tab.until("waiting")).number
        if early is not None:
            raise GotThrough("The number is known before the claim, so a relay can show it.")
        shown = 10 + secrets.randbelow(90)
        answer = await stage.claims(victim, await tab.frame())
        number = await stage.number(tab)
        if number is None or not 10 <= number <= 99:
            raise GotThrough("The page shows no number of two digits: nothing binds it to a phone.")
        if not answer.is_success:
            raise Unclear(f"A fresh frame was refused: {answer.text}")
        if "number" in answer.json():
            raise GotThrough("The answer to the claim tells the phone the number.")
        drawn.add(number)
        journey = str(answer.json()["journey"])
        if shown == number:
            guessed += 1
            continue
        await refused(victim.match(journey, shown), "A wrong number was taken.")
        await refused(victim.match(journey, number), "After a wrong number there was a second try.")
        if await stage.code(tab) is not None:
            raise GotThrough("After a wrong number the browser got a code.")
    if guessed > 1 or len(drawn) == 1 < rounds:
        raise GotThrough(f"The number can be foreseen: {sorted(drawn)} in {rounds} journeys.")
    luck = " One guess was right, as 1 in 90 is." if guessed else ""
    return held(f"One wrong number ended it, and no try was left; tried {rounds} times.{luck}")


@attack("8", "Two-way live relay of the moving code")
async def two_way(stage: Stage) -> Conclusion:
    """Forward frames to a victim and the number back, live; then try the same by nearness."""
    near = await _near_relay(stage)
    victim, tab = await stage.phone(), await stage.begun()
    frame = await tab.shown()
    if frame is None:
        link, letters = await _or_nothing(tab.open_app()), await _or_nothing(tab.spell())
        if link or letters:
            raise GotThrough("No moving code is offered, and yet a link or letters are.")
        if near == _NOT_NEAR:
            raise Unclear("The page shows no code, and offers no other way either.")
        return held(f"There is no moving code to relay. {near}")
    claimed = await victim.claim(frame)
    number = await stage.number(tab)
    review = await stage.chosen(victim, claimed, number)
    await stage.signed(victim, claimed, review)
    if await stage.code(tab) is None:
        return held(f"The relayed approval gave no code. {near}")
    declining, again = await stage.phone(), await stage.begun()
    asked = await stage.claimed(again, declining)
    await declining.disown(asked.journey)
    if await stage.code(again) is not None:
        raise GotThrough('The victim said "I did not start this", and the browser got a code.')
    return known(
        "A victim who types the number that the deceiver reads out, and approves, gives access. "
        f"One who declines does not. {near}"
    )


async def _near_relay(stage: Stage) -> str:
    """Relay the page that asks for the passkey: its answer names the origin of the fake page."""
    tab = await stage.begun()
    options = await _or_nothing(tab.near_options())
    if options is None:
        return _NOT_NEAR
    victim = await stage.phone()
    before = await _held(victim)
    passkey = own_passkey(victim)
    through = "A passkey's answer that was made on another page's origin proved nearness."
    for origin in (_OTHER_ORIGIN, "null", stage.target.issuer + ".attacker.example"):
        await refused(tab.come_near(passkey.sign(options, origin)), through)
    unseen = passkey.sign(options, stage.target.issuer, user_verified=False)
    await refused(tab.come_near(unseen), "Nearness was proven without user verification.")
    other = await stage.begun()
    theirs = passkey.sign(await other.near_options(), stage.target.issuer)
    await refused(tab.come_near(theirs), "A passkey's answer to another page's challenge counted.")
    if await _held(victim) != before:
        raise GotThrough("A relayed passkey's answer put a request on the victim's phone.")
    await tab.come_near(passkey.sign(options, stage.target.issuer))
    if await _held(victim) == before:
        raise Unclear("Honest nearness put no request on the phone.")
    return "By nearness the relay fails: an answer made for another origin is refused."


async def _held(phone: Phone) -> set[str]:
    return {it.journey for it in await phone.journeys()}


@attack("8b", "A short code dictated over the telephone")
async def dictated(stage: Stage) -> Conclusion:
    """Ask for letters, and talk a victim into typing them, and then the number."""
    victim, tab = await stage.phone(), await stage.begun()
    letters = await _or_nothing(tab.spell())
    if letters is None:
        return held("Letters are not offered here.")
    claimed = await victim.claim(letters)
    if claimed.hint.level == "green":
        raise GotThrough("A short code is shown to the person without any warning.")
    review = await stage.chosen(victim, claimed, await stage.number(tab))
    if claimed.hint.wait:
        await refused(victim.approve(review), "The approval counted before the warning's time.")
    await stage.signed(victim, claimed, review)
    if await stage.code(tab) is None:
        return held("The dictated approval gave no code.")
    return known(
        "A victim who types dictated letters and the dictated number, and approves under the "
        f"warning ({', '.join(claimed.hint.reasons) or claimed.hint.level}), gives access."
    )


@attack("9", "Link fixation: the victim opens the attacker's link")
async def fixed(stage: Stage) -> Conclusion:
    """Begin in the attacker's browser, and let the victim approve by its link."""
    victim, tab = await stage.phone(), await stage.begun()
    before = {it.grant_id for it in await victim.connections()}
    link = await _or_nothing(tab.open_app())
    if link is None:
        raise NotApplicable("The way by link is not offered here.")
    claimed = await victim.claim(link)
    told = asyncio.create_task(_states(tab))
    review = await stage.chosen(victim, claimed, None)
    back = (await stage.signed(victim, claimed, review)).return_url
    if back is None:
        raise Unclear("The phone was given no way back to the browser that began.")
    states = await told
    if "approved" in states or "redirected" in states:
        raise GotThrough("The waiting page is told of the approval, so it can complete by polling.")
    await _no_code(stage, tab, "The attacker's browser got a code without the return nonce.")
    guess = f"{stage.target.issuer}/return#{b64url(secrets.token_bytes(32))}"
    await refused(tab.come_back(guess), "A guessed return nonce counted.")
    elsewhere = await stage.opened()
    await refused(elsewhere.come_back(back), "A browser that did not begin could return.")
    await _no_code(stage, tab, "The return in the victim's browser freed the attacker's code.")
    await _honest_return(stage, victim)
    seen = "Neither browser got a code."
    await stage.wait(_RESUME_ENDS, "until an approval without a return is over", seen)
    await _no_code(stage, tab, "A minute later the attacker's browser got a code.")
    if {it.grant_id for it in await victim.connections()} != before:
        raise GotThrough("An approval that nobody resumed left a connection.")
    return held(f"{seen} After a minute nothing is left of it.")


async def _honest_return(stage: Stage, person: Phone) -> None:
    """See that the way by link works at all for whoever begins and approves on one device."""
    tab = await stage.begun()
    claimed = await person.claim(await tab.open_app())
    review = await stage.chosen(person, claimed, None)
    await tab.come_back((await stage.signed(person, claimed, review)).return_url or "")
    if await stage.code(tab) is None:
        raise Unclear("An honest approval by link gave no code.")


async def _states(tab: Tab) -> list[str]:
    """The states that a waiting page hears while its person is in the app."""
    heard: list[str] = []
    try:
        async with asyncio.timeout(_LISTENS), aclosing(tab.events()) as events:
            async for event in events:
                heard += [event.state] if isinstance(event, State) else []
    except (TimeoutError, PhoneError):
        pass
    return heard


async def _no_code(stage: Stage, tab: Tab, through: str) -> None:
    try:
        code = await stage.code(tab)
    except NotUnderstood:
        return
    if code is not None:
        raise GotThrough(through)


@attack("14", "The attacker's phone claims the victim's screen")
async def claimed_by_other(stage: Stage) -> Conclusion:
    """Scan a victim's screen from afar: once without seeing the number, once seeing it."""
    attacker, tab = await stage.phone(), await stage.begun()
    claimed = await attacker.claim(await tab.frame())
    number = await stage.number(tab)
    page = await tab.call("GET", tab.paths.connect, accept="text/html")
    if str(number) not in page.text:
        raise GotThrough("The page of a claimed journey does not show its number.")
    wrong = 10 + ((number or 0) - 10 + 1 + secrets.randbelow(89)) % 90
    await refused(attacker.match(claimed.journey, wrong), "A wrong number was taken.")
    await refused(attacker.match(claimed.journey, number), "There was a second try at the number.")
    if await stage.code(tab) is not None:
        raise GotThrough("The victim's browser was sent on with a code.")
    seeing = await stage.phone()
    tab = await stage.begun()
    await stage.approved(tab, seeing)
    if await stage.code(tab) is None:
        return held("Even a phone that saw code and number could not link its accounts.")
    return known(
        "A phone that sees both the code and the number links its own accounts to the victim's "
        "app. One that does not see the number has one guess in 90. The page says to cancel "
        "when the own phone does not ask for the number."
    )


async def _or_nothing(work: Awaitable[T]) -> T | None:
    """What the page gives, or None where it does not offer this way."""
    try:
        return await work
    except (Refused, NotUnderstood):
        return None
