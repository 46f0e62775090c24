"""Attacks by many at once, and by sending again what was sent before."""

from __future__ import annotations

import asyncio
import itertools

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, Unclear, held
from endorse.audit.stage import Stage, Tab, code_in, must_fail, own_passkey, refused
from endorse.phone import Claimed, NotUnderstood, Refused


@attack("4", "A second phone after the claim")
async def hijacked(stage: Stage) -> Conclusion:
    """Let the phones of many people claim one frame at the same moment."""
    saved = len(stage.target.saved)
    phones = await stage.phones(max(2, saved) if saved else stage.target.crowd)
    tab = await stage.begun()
    frame = await tab.frame()
    results = await asyncio.gather(
        *(phone.claim(frame) for phone in phones), return_exceptions=True
    )
    winners = []
    for phone, result in zip(phones, results, strict=True):
        if isinstance(result, Claimed):
            winners.append((phone, result))
        elif not isinstance(result, Refused):
            raise Unclear(f"A claim ended in {result!r}")
    if len(winners) != 1:
        raise GotThrough(f"{len(winners)} of {len(phones)} phones claimed one journey.")
    phone, claimed = winners[0]
    number = (await stage.state(tab)).number
    await refused(phone.match(claimed.journey, number or 10), "Several scans did not stop it.")
    if await stage.code(tab) is not None:
        raise GotThrough("Several people scanned one code, and the browser got a code.")
    return held(f"Of {len(phones)} people's phones one claimed, and the other scans stopped it.")


@attack("5", "Every message sent again: claim, approval, resume, redemption")
async def replayed(stage: Stage) -> Conclusion:
    """Send each message of an approval twice, then all of them again in every order."""
    phone, tab = await stage.phone(), await stage.begun()
    frame = await tab.shown()
    claimed = await (stage.come_near(tab, phone) if frame is None else phone.claim(frame))
    number = await stage.number(tab)
    if frame is not None and (await phone.claim(frame)).journey != claimed.journey:
        raise GotThrough("One scan made two journeys.")
    if await stage.number(tab) != number:
        raise GotThrough("A repeated scan drew the number anew, so it can be tried again.")
    matched = await phone.match(claimed.journey, number)
    accounts = [account.resource_id for account in matched.accounts]
    review = await phone.review(claimed.journey, accounts)
    bodies: dict[str, object] = {
        **({} if frame is None else {"claim": {"code": frame}}),
        "match": {"journey": claimed.journey, "number": number},
        "review": {"journey": claimed.journey, "accounts": accounts, "locale": "en"},
        "approve": {
            "journey": claimed.journey,
            "credential": own_passkey(phone).sign(review.options, stage.target.issuer),
        },
    }
    await phone.call("POST", "/phone/match", bodies["match"])
    await stage.warned(claimed)
    for _ in range(2):
        await phone.call("POST", "/phone/approve", bodies["approve"])
    codes = {code_in(await tab.resume()) for _ in range(3)}
    for order in itertools.permutations(bodies):
        for step in order:
            await phone.call("POST", f"/phone/{step}", bodies[step])
        codes.add(code_in(await tab.resume()))
    if None in codes:
        raise Unclear("The honest approval, each message twice, gave no code.")
    if len(codes) != 1:
        raise GotThrough(f"One approval gave {len(codes)} codes.")
    return await _redeemed_twice(stage, tab, str(codes.pop()))


async def _redeemed_twice(stage: Stage, tab: Tab, code: str) -> Conclusion:
    """Redeem a code twice: the second time revokes what the first gave (RFC 6749 4.1.2)."""
    seen = "Each message twice, and again in every order, gave one code."
    try:
        first = await stage.tokens(tab, code)
    except NotApplicable:
        return held(f"{seen} Its redemption was not tried: no client secret was given.")
    must_fail(await stage.redeem(tab, code), "A code was redeemed twice.")
    if await stage.opens(first["access_token"]):
        raise GotThrough("After the replay of its code the first access token still opens.")
    try:
        again = await stage.code(tab)
    except NotUnderstood:
        again = None
    if again not in (None, code):
        raise GotThrough("A journey that was redeemed gave another code.")
    return held(f"{seen} Redeemed twice, it revoked what it gave.")
