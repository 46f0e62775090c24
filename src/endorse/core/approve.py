"""What may happen between the page and the phone: begin, claim, match, review, approve, refuse.

Every function takes the facts, the time and, where something new is named, fresh random bytes,
and returns a `Decision`. Which event may follow which state stands in `journey`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import rfc8785

from endorse.core import frame as frames
from endorse.core import refusal
from endorse.core.authorize import digest
from endorse.core.change import Begin, CountUp, Decision, Move
from endorse.core.coding import Fresh, b64url, fingerprint
from endorse.core.journey import STEPS, Event, State, allows
from endorse.core.model import Client, Journey, Phone, Request, SharedAccount
from endorse.core.policy import Policy
from endorse.core.proof import Assertion, consent_challenge
from endorse.core.refusal import Refusal

TEXTS_VERSION: Final = "1"
"""The version of the words the phone shows; it is part of what is signed."""


class Begun(msgspec.Struct, frozen=True):
    """A journey that just began, and the browser secret B, which only its cookie holds."""

    journey: Journey
    browser_secret: str


def begin(
    request: Request, issuer: str, browser: str, now: int, fresh: Fresh, law: Policy
) -> Decision[Begun]:
    """Begin a journey for a browser that asked for it from our own page."""
    secret = b64url(fresh(32))
    journey = Journey(
        journey_id=b64url(fresh(16)),
        short=b64url(fresh(12)),
        qid=b64url(fresh(16)),
        browser_hash=fingerprint(secret),
        request=request,
        digest=digest(request, issuer),
        browser=browser,
        state=State.WAITING,
        version=0,
        started_at=now,
        code_from=now,
        codes=1,
        expires_at=_waits_until(now, now, 1, law),
        forget_at=now + law.remember_journey,
    )
    return Decision(Begun(journey, secret), (Begin(journey),))


def code_runs_out(journey: Journey, now: int, law: Policy) -> int:
    """Give the seconds for which the code on the screen still counts; 0 when it has lapsed."""
    return max(0, journey.code_from + law.code_shown - now)


def codes_left(journey: Journey, law: Policy) -> int:
    """Give how many more times the person may ask for a new code."""
    return max(0, 1 + law.new_codes - journey.codes)


def new_code(journey: Journey, now: int, fresh: Fresh, law: Policy) -> Decision[Journey]:
    """Show a new code for the same request, once the one before has lapsed."""
    no = _barred(journey, Event.NEW_CODE, now)
    if no is not None:
        return Decision(no)
    if code_runs_out(journey, now, law) or not codes_left(journey, law):
        return Decision(refusal.wrong_state(journey.state, Event.NEW_CODE))
    return _moved(
        Event.NEW_CODE,
        journey,
        qid=b64url(fresh(16)),
        code_from=now,
        codes=journey.codes + 1,
        expires_at=_waits_until(journey.started_at, now, journey.codes + 1, law),
    )


def cancel(journey: Journey, now: int) -> Decision[Journey]:
    """Let the browser that began call it off."""
    no = _barred(journey, Event.CANCEL, now)
    return Decision(no) if no is not None else _moved(Event.CANCEL, journey)


def claim(
    text: str,
    journey: Journey | None,
    phone: Phone,
    server_key: bytes,
    issuer: str,
    now: int,
    law: Policy,
) -> Decision[Journey]:
    """Let the first phone that scanned a fresh frame take the journey.

    The same phone again changes nothing. A second scan by another person, while the first one
    has not shown yet that the screen is in front of it, stops the journey: one of the two is
    being deceived. Every other failure has the one same answer.
    """
    frame = frames.read(text, issuer)
    if journey is None or frame is None or frame.qid != journey.qid:
        return Decision(refusal.CODE_NOT_ACCEPTED.because("no such code"))
    key = frames.frame_key(server_key, journey.qid)
    if not frames.counts(frame, key, issuer, journey, now, law):
        return Decision(refusal.CODE_NOT_ACCEPTED.because("not a fresh, genuine frame"))
    state = journey.at(now)
    if state is State.WAITING and code_runs_out(journey, now, law):
        return _moved(
            Event.CLAIM,
            journey,
            person_id=phone.person_id,
            phone_id=phone.phone_id,
            claimed_at=now,
            expires_at=now + min(law.idle, law.decision),
        )
    if state is State.CLAIMED and journey.phone_id == phone.phone_id:
        return Decision(journey)
    if state is State.CLAIMED and journey.person_id != phone.person_id:
        spoilt = _moved(Event.SPOIL, journey, reason="already_scanned")
        return Decision(refusal.ALREADY_SCANNED, spoilt.changes)
    return Decision(refusal.CODE_NOT_ACCEPTED.because(f"in {state}"))


def match(journey: Journey | None, phone: Phone, now: int, law: Policy) -> Decision[Journey]:
    """Show the person what is asked. (Nothing is demanded here yet; the number will be.)"""
    held = _held(journey, phone, Event.MATCH, now)
    if isinstance(held, Refusal):
        return Decision(held)
    return _moved(Event.MATCH, held, expires_at=_touched(held, now, law))


def valid_until(journey: Journey, client: Client, law: Policy) -> int:
    """Give the time at which what is asked will end, counted from the claim.

    So what the phone shows first is what the document says later. Without offline_access it is
    as long as one approval can take, and then one access token's life.
    """
    start = journey.claimed_at or journey.started_at
    if "offline_access" not in journey.request.scope:
        return start + law.decision + law.resume + law.code + law.access_token
    return start + min(client.duration, law.grant_at_most)


def review(
    journey: Journey | None,
    phone: Phone,
    client: Client,
    chosen: Sequence[str],
    owned: Sequence[SharedAccount],
    issuer: str,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Journey]:
    """Freeze the consent document over the chosen accounts; its hash is what the passkey signs."""
    held = _held(journey, phone, Event.REVIEW, now)
    if isinstance(held, Refusal):
        return Decision(held)
    by_id = {account.resource_id: account for account in owned}
    known = set(chosen) <= set(by_id)
    if not chosen or len(set(chosen)) != len(chosen) or not known:
        return Decision(refusal.ACCOUNTS_NOT_GOOD)
    accounts = [account for account in owned if account.resource_id in set(chosen)]
    document = _document(held, phone, client, accounts, issuer, fresh, law)
    return _moved(
        Event.REVIEW,
        held,
        document=document,
        challenge=consent_challenge(document),
        expires_at=_touched(held, now, law),
    )


def edit(journey: Journey | None, phone: Phone, now: int, law: Policy) -> Decision[Journey]:
    """Go back from the review to the choice; the document and its challenge are dead."""
    held = _held(journey, phone, Event.EDIT, now)
    if isinstance(held, Refusal):
        return Decision(held)
    return _moved(
        Event.EDIT, held, document=None, challenge=None, expires_at=_touched(held, now, law)
    )


def approve(
    journey: Journey | None, phone: Phone, assertion: Assertion, now: int, law: Policy
) -> Decision[Journey]:
    """Approve by a verified assertion over exactly the frozen document."""
    held = _held(journey, phone, Event.APPROVE, now)
    if isinstance(held, Refusal):
        return Decision(held)
    signed_this = held.challenge is not None and assertion.challenge == held.challenge
    if not signed_this or assertion.credential_id != phone.credential_id:
        return Decision(refusal.PASSKEY_NOT_GOOD.because("another document or credential"))
    moved = _moved(
        Event.APPROVE,
        held,
        assertion=assertion.text,
        approved_at=now,
        expires_at=now + law.resume,
    )
    if assertion.sign_count == phone.sign_count:
        return moved
    count = CountUp(phone.phone_id, assertion.sign_count)
    return Decision(moved.answer, (*moved.changes, count))


def refuse(journey: Journey | None, phone: Phone, now: int) -> Decision[Journey]:
    """Let the person say no."""
    held = _held(journey, phone, Event.REFUSE, now)
    return Decision(held) if isinstance(held, Refusal) else _moved(Event.REFUSE, held)


def held_by(journey: Journey | None, phone: Phone) -> Journey | Refusal:
    """Give the journey if this phone claimed it; to any other phone it does not exist."""
    if journey is None or journey.phone_id is None or journey.phone_id != phone.phone_id:
        return refusal.JOURNEY_NOT_FOUND
    return journey


def _held(journey: Journey | None, phone: Phone, event: Event, now: int) -> Journey | Refusal:
    held = held_by(journey, phone)
    if isinstance(held, Refusal):
        return held
    return _barred(held, event, now) or held


def _barred(journey: Journey, event: Event, now: int) -> Refusal | None:
    state = journey.at(now)
    return None if allows(state, event) else refusal.wrong_state(state, event)


def _waits_until(started_at: int, now: int, codes: int, law: Policy) -> int:
    """Give when a request that waits is over: with its last code, or when nobody is there."""
    in_all = started_at + law.waiting_in_all
    return in_all if codes <= law.new_codes else min(in_all, now + law.code_shown)


def _touched(journey: Journey, now: int, law: Policy) -> int:
    """Give the next end: idle from now, and never later than the decision's limit."""
    return min((journey.claimed_at or now) + law.decision, now + law.idle)


def _moved(event: Event, before: Journey, **fields: object) -> Decision[Journey]:
    after = msgspec.structs.replace(before, state=STEPS[event].target, **fields)
    return Decision(after, (Move(event, before, after),))


def timestamp(seconds: int) -> str:
    """Write a time as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(
    journey: Journey,
    phone: Phone,
    client: Client,
    accounts: Sequence[SharedAccount],
    issuer: str,
    fresh: Fresh,
    law: Policy,
) -> str:
    """Write the consent document as canonical JSON (RFC 8785)."""
    document = {
        "accounts": msgspec.to_builtins(accounts),
        "client": {
            "client_id": client.client_id,
            "legal_name": client.legal_name,
            "name": client.name,
            "verified": client.verified,
        },
        "device": phone.device,
        "issuer": issuer,
        "locale": "en",
        "nonce": b64url(fresh(16)),
        "person": phone.person_id,
        "recurring": "offline_access" in journey.request.scope,
        "request": journey.digest,
        "scope": list(journey.request.scope),
        "texts": TEXTS_VERSION,
        "type": "endorse-consent-v1",
        "valid_until": timestamp(valid_until(journey, client, law)),
    }
    return rfc8785.dumps(document).decode()
