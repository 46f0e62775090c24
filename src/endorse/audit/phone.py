"""Attacks on the phone's end: what is signed, by whom, and who may join."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import rfc8785

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, held
from endorse.audit.stage import Stage, must_fail, own_passkey, refused
from endorse.phone import DeviceKey, NotUnderstood, Passkey, Phone, Refused, Review, sandbox_code
from endorse.phone.consent import challenge_of
from endorse.phone.encoding import key_to_text, new_key


@attack("16", "The document changed between showing and signing")
async def changed_document(stage: Stage) -> Conclusion:
    """Sign documents that differ in one field, an old one, and one with a stranger's account."""
    phone, other, tab = await stage.phone(), await stage.phone(), await stage.begun()
    issuer, passkey = stage.target.issuer, own_passkey(phone)
    theirs = await stage.reviewed(await stage.begun(), other)
    claimed = await stage.claimed(tab, phone)
    matched = await phone.match(claimed.journey, await stage.number(tab))
    accounts = [account.resource_id for account in matched.accounts]
    foreign = [account.resource_id for account in theirs.consent.accounts]
    for chosen in (foreign, [*accounts, *foreign], [], [accounts[0], accounts[0]], ["no-such"]):
        body = {"journey": claimed.journey, "accounts": chosen, "locale": "en"}
        answer = await phone.call("POST", "/phone/review", body)
        must_fail(answer, "A document names accounts that the person may not give.")
    first = await phone.review(claimed.journey, accounts)
    await phone.edit(claimed.journey)
    second = await phone.review(claimed.journey, accounts)
    if first.options["challenge"] == second.options["challenge"]:
        raise GotThrough("Two reviews have one challenge, so an old signature fits a new one.")
    old = passkey.sign(first.options, issuer)
    await refused(phone.approve(second, old), "The signature over an edited document counted.")
    forged = _changed(second)
    for field, document in forged.items():
        options = {**second.options, "challenge": challenge_of(document)}
        through = f"A document with another {field!r} was signed, and it counted."
        await refused(phone.approve(second, passkey.sign(options, issuer)), through)
    await stage.signed(phone, claimed, second)
    return held(f"{len(forged)} changed fields, an old document and foreign accounts were refused.")


def _changed(review: Review) -> dict[str, str]:
    """The document with each of its fields changed in turn."""
    facts: dict[str, Any] = msgspec.json.decode(review.document)
    changed = {name: {**facts, name: _other(value)} for name, value in facts.items()}
    changed["an added field"] = {**facts, "more": "x"}
    return {name: rfc8785.dumps(it).decode() for name, it in changed.items()}


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return value[:-1]
    return {**value, "name": "Somebody else"}


@attack("17", "A phone's session stolen without its passkey")
async def stolen_session(stage: Stage) -> Conclusion:
    """Call with the session alone, then with session and device key, and approve somehow."""
    phone, tab = await stage.phone(), await stage.begun()
    saved = phone.to_dict()
    other_key = {**saved, "device": DeviceKey.create(secrets.token_bytes).to_text()}
    thief = Phone.from_dict(other_key, stage.http, clock=stage.target.clock)
    for method, path in (("GET", "/phone/connections"), ("GET", "/phone/phones")):
        answer = await thief.call(method, path)
        must_fail(answer, "A session worked with another device key than its phone's.")
    frame = await tab.shown()
    if frame is not None:
        must_fail(await stage.claims(thief, frame), "A stolen session claimed a journey.")
    bare = {"Authorization": f"DPoP {saved['session']}", "Accept": "application/json"}
    for headers in (bare, {**bare, "Authorization": f"Bearer {saved['session']}"}):
        answer = await stage.get("/phone/connections", **headers)
        must_fail(answer, "A session worked without any proof of the device key.")
    review = await stage.reviewed(tab, phone)
    issuer, passkey = stage.target.issuer, own_passkey(phone)
    made_up = {**passkey.to_dict(), "key": key_to_text(new_key(secrets.token_bytes))}
    signed = {
        "without user verification": passkey.sign(review.options, issuer, user_verified=False),
        "by another key": Passkey.from_dict(made_up).sign(review.options, issuer),
        "on another origin": passkey.sign(review.options, "https://attacker.example"),
    }
    unsigned = {**passkey.sign(review.options, issuer)}
    unsigned["response"] = {**unsigned["response"], "signature": ""}
    signed["by nobody"] = unsigned
    for how, credential in signed.items():
        await refused(phone.approve(review, credential), f"An approval counted, signed {how}.")
    stranger = await stage.phone()
    theirs = own_passkey(stranger)
    options = {**review.options, "allowCredentials": []}
    for who in (phone, stranger):
        await refused(
            who.approve(review, theirs.sign(options, issuer)),
            "An approval counted that another person's passkey had signed.",
        )
    if (await stage.state(tab)).state != "review":
        raise GotThrough("A refused approval moved the journey.")
    return held(
        f"A session without its device key opened nothing; {len(signed) + 2} signatures failed."
    )


@attack("26", "A stolen enrolment code")
async def stolen_enrolment(stage: Stage) -> Conclusion:
    """Join a person's account with their code, and act before anybody compared the digits."""
    owner = await (stage.saved(0) if stage.target.saved else stage.phone())
    code = stage.target.enrolment_code or await _code_for(stage, owner)
    thief = Phone(stage.target.issuer, stage.http, name="Stranger", clock=stage.target.clock)
    await thief.enrol(code)
    late = Phone(stage.target.issuer, stage.http, clock=stage.target.clock)
    await refused(late.enrol(code), "Two phones joined with one enrolment code.")
    told = [it for it in await owner.notices() if it.phone_id == thief.phone_id]
    if not told:
        raise GotThrough("The person's first phone is not told of the new one.")
    if thief.pending is None:
        if await stage.is_sandbox():
            seen = "The code worked once and the first phone was told."
            raise NotApplicable(f"{seen} A sandbox asks for no digits.")
        raise GotThrough("A phone joined by a code alone, without its six digits.")
    claim = stage.claimed(await stage.begun(), thief)
    await refused(claim, "A phone acted before its digits were confirmed.")
    await refused(thief.connections(), "A phone saw connections before it was confirmed.")
    wrong = f"{(int(thief.digits or 0) + 1) % 10**6:06}"
    for _ in range(3):
        await refused(owner.confirm(thief.phone_id or "", wrong), "Wrong digits confirmed a phone.")
    right = owner.confirm(thief.phone_id or "", thief.digits or "")
    await refused(right, "After three wrong tries the right digits still confirmed the phone.")
    return held(
        "Without its digits it could do nothing; the first phone was told; 3 tries ended it."
    )


async def _code_for(stage: Stage, owner: Phone) -> str:
    try:
        person = owner.person.id if owner.person else None
        return await sandbox_code(stage.target.issuer, stage.http, person)
    except (Refused, NotUnderstood):
        raise NotApplicable("It takes a fresh enrolment code (--enrolment-code).") from None
