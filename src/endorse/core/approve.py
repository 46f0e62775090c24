"""What a phone may do with a journey: claim, match, review, edit, approve, refuse.

Every function takes the facts, the time and, where something new is named, fresh random bytes,
and returns a `Decision`. Which event may follow which state stands in `journey`.
"""

from collections.abc import Sequence

from endorse.core import connect, consent, refusal
from endorse.core import frame as frames
from endorse.core.change import CountUp, Decision
from endorse.core.coding import Fresh
from endorse.core.journey import Event, State
from endorse.core.model import Client, Journey, Phone, SharedAccount
from endorse.core.policy import Policy
from endorse.core.proof import Assertion, consent_challenge
from endorse.core.refusal import Refusal
from endorse.core.step import barred, moved


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
    if state is State.WAITING and connect.code_runs_out(journey, now, law):
        return moved(
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
        spoilt = moved(Event.SPOIL, journey, reason="already_scanned")
        return Decision(refusal.ALREADY_SCANNED, spoilt.changes)
    return Decision(refusal.CODE_NOT_ACCEPTED.because(f"in {state}"))


def match(journey: Journey | None, phone: Phone, now: int, law: Policy) -> Decision[Journey]:
    """Show the person what is asked. (Nothing is demanded here yet; the number will be.)"""
    held = _held(journey, phone, Event.MATCH, now)
    if isinstance(held, Refusal):
        return Decision(held)
    return moved(Event.MATCH, held, expires_at=_touched(held, now, law))


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
    signed = consent.document(held, phone, client, accounts, issuer, fresh, law)
    return moved(
        Event.REVIEW,
        held,
        document=signed,
        challenge=consent_challenge(signed),
        expires_at=_touched(held, now, law),
    )


def edit(journey: Journey | None, phone: Phone, now: int, law: Policy) -> Decision[Journey]:
    """Go back from the review to the choice; the document and its challenge are dead."""
    held = _held(journey, phone, Event.EDIT, now)
    if isinstance(held, Refusal):
        return Decision(held)
    return moved(
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
    step = moved(
        Event.APPROVE,
        held,
        assertion=assertion.text,
        approved_at=now,
        expires_at=now + law.resume,
    )
    if assertion.sign_count == phone.sign_count:
        return step
    count = CountUp(phone.phone_id, assertion.sign_count)
    return Decision(step.answer, (*step.changes, count))


def refuse(journey: Journey | None, phone: Phone, now: int) -> Decision[Journey]:
    """Let the person say no."""
    held = _held(journey, phone, Event.REFUSE, now)
    return Decision(held) if isinstance(held, Refusal) else moved(Event.REFUSE, held)


def held_by(journey: Journey | None, phone: Phone) -> Journey | Refusal:
    """Give the journey if this phone claimed it; to any other phone it does not exist."""
    if journey is None or journey.phone_id is None or journey.phone_id != phone.phone_id:
        return refusal.JOURNEY_NOT_FOUND
    return journey


def _held(journey: Journey | None, phone: Phone, event: Event, now: int) -> Journey | Refusal:
    held = held_by(journey, phone)
    if isinstance(held, Refusal):
        return held
    return barred(held, event, now) or held


def _touched(journey: Journey, now: int, law: Policy) -> int:
    """Give the next end: idle from now, and never later than the decision's limit."""
    return min((journey.claimed_at or now) + law.decision, now + law.idle)
