"""What a phone may do with a journey: claim, match, review, edit, approve, refuse, disown.

Every function takes the facts, the time and, where something new is named, fresh random bytes,
and returns a `Decision`. Which event may follow which state stands in `journey`.
"""

from collections.abc import Sequence

import msgspec

from endorse.core import alter, connect, consent, refusal, ways
from endorse.core.change import Change, CountUp, Decision, FlagClient, NoteTry
from endorse.core.ciba import unwanted_kind
from endorse.core.coding import Fresh, fingerprint
from endorse.core.details import accounts_needed, may_be_chosen
from endorse.core.journey import Event, State, allows
from endorse.core.model import Client, Grant, Hint, Journey, Phone, SharedAccount, Standing
from endorse.core.notice import By, Kind, of_phone
from endorse.core.policy import Policy, Terms
from endorse.core.proof import Assertion, consent_challenge
from endorse.core.refusal import Refusal
from endorse.core.step import barred, moved
from endorse.core.ways import Handle, Spelled


def claim(
    handle: Handle | None,
    journey: Journey | None,
    phone: Phone,
    standing: Standing,
    hint: Hint,
    terms: Terms,
    now: int,
    fresh: Fresh,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """Let the first phone that shows a fresh frame, the link or the short code take the journey.

    The same phone again changes nothing, and never draws the number anew. A second scan by
    another person, while the first one has not shown yet that the screen is in front of it,
    stops the journey: one of the two is being deceived. A person has one live claim: a new one
    ends the older. Every other failure has the one same answer.

    `grant` is the one that the request would change: a phone of another person leaves the journey
    to the right one.
    """
    law = terms.law
    if standing.stopped:
        return Decision(refusal.CLAIMS_STOPPED)
    spelled = isinstance(handle, Spelled)
    if spelled and standing.wrong_spellings >= law.wrong_spellings:
        return Decision(refusal.SLOW_DOWN)
    no = refusal.CODE_NOT_ACCEPTED
    noted = (NoteTry(phone.person_id, "spelling", now),) if spelled else ()
    if handle is None or journey is None:
        return Decision(no.because("no such code"), noted)
    if not ways.counts(handle, journey, terms.server_key, terms.issuer, now, law):
        return Decision(no.because("not fresh, genuine and offered"), noted)
    state = journey.at(now)
    if state is State.WAITING and connect.code_runs_out(journey, now, law):
        other = alter.barred(journey.request, grant, phone.person_id, now)
        if other is not None:
            return Decision(other)
        return _take(
            Event.CLAIM, journey, phone, ways.way_of(handle), standing, hint, now, fresh, law
        )
    if state is State.CLAIMED and journey.phone_id == phone.phone_id:
        return Decision(journey)
    if state is State.CLAIMED and journey.person_id != phone.person_id:
        spoilt = moved(Event.SPOIL, journey, reason="already_scanned")
        return Decision(refusal.ALREADY_SCANNED, spoilt.changes)
    return Decision(no.because(f"in {state}"), noted)


def take(
    journey: Journey | None,
    phone: Phone,
    standing: Standing,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Journey]:
    """Let the first phone of the person who is asked take what waits for them (CIBA Core 8).

    To any other person's phone there is no such journey. The same phone again changes nothing.
    """
    mine = journey is not None and journey.person_id == phone.person_id
    if journey is None or not mine or journey.way != "asked":
        return Decision(refusal.JOURNEY_NOT_FOUND)
    if journey.phone_id == phone.phone_id and journey.at(now) is State.CLAIMED:
        return Decision(journey)
    no = barred(journey, Event.TAKE, now)
    if no is not None:
        return Decision(no)
    return _take(Event.TAKE, journey, phone, "asked", standing, Hint(), now, fresh, law)


def come_near(
    journey: Journey,
    phone: Phone,
    standing: Standing,
    hint: Hint,
    now: int,
    fresh: Fresh,
    law: Policy,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """Take the journey by the phone's passkey, which the page itself asked for and verified.

    The browser's own flow (FIDO hybrid) proved that the phone is beside this browser, and its
    answer is bound to our origin: what another page relays is refused before this is asked.
    """
    if standing.stopped:
        return Decision(refusal.CLAIMS_STOPPED)
    no = barred(journey, Event.COME_NEAR, now)
    if no is None and "near" not in journey.ways:
        no = refusal.WAY_NOT_OFFERED
    no = no or alter.barred(journey.request, grant, phone.person_id, now)
    if no is not None:
        return Decision(no)
    return _take(Event.COME_NEAR, journey, phone, "near", standing, hint, now, fresh, law)


def _take(
    event: Event,
    journey: Journey,
    phone: Phone,
    way: str,
    standing: Standing,
    hint: Hint,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Journey]:
    if hint.level == "red":
        stopped = moved(Event.BAR, journey, reason="risk", way=way, hint=_kept(hint))
        return Decision(refusal.RISK_TOO_HIGH, stopped.changes)
    if hint.level == "amber":
        hint = msgspec.structs.replace(hint, not_before=now + law.amber_wait)
    taken = moved(
        event,
        journey,
        person_id=phone.person_id,
        phone_id=phone.phone_id,
        way=way,
        number=_number(fresh) if ways.needs_number(way) else None,
        hint=_kept(hint),
        claimed_at=now,
        expires_at=now + min(law.idle, law.decision),
    )
    return Decision(taken.answer, (*_superseded(standing, journey, now), *taken.changes))


def _superseded(standing: Standing, journey: Journey, now: int) -> list[Change]:
    return [
        change
        for other in standing.live
        if other.journey_id != journey.journey_id and allows(other.at(now), Event.SUPERSEDE)
        for change in moved(Event.SUPERSEDE, other, reason="superseded").changes
    ]


def _number(fresh: Fresh) -> int:
    """Draw 10 to 99. Of 2**64 values modulo 90 none is likelier than another in any way to tell."""
    return 10 + int.from_bytes(fresh(8), "big") % 90


def _kept(hint: Hint) -> str:
    return msgspec.json.encode(hint).decode()


def match(
    journey: Journey | None,
    phone: Phone,
    number: int | None,
    standing: Standing,
    now: int,
    law: Policy,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """Show the person what is asked, once the phone said the number on the page: one try.

    By link and by nearness there is no number: `rn` takes its place, or the passkey did.
    Too many wrong numbers stop the person's claims for a while, and all their phones are told.
    """
    held = _held(journey, phone, Event.MATCH, now)
    no = held if isinstance(held, Refusal) else _of_grant(held, grant, now)
    if no is not None or isinstance(held, Refusal):
        return Decision(no or held)
    if ways.needs_number(held.way):
        if number is None:
            return Decision(refusal.NUMBER_MISSING)
        if number != held.number:
            killed = moved(Event.MISMATCH, held, reason="wrong_number")
            tried = NoteTry(phone.person_id, "number", now)
            stopped = _stopped(phone, standing, now, law)
            return Decision(refusal.NUMBER_WRONG, (*killed.changes, tried, *stopped))
    return moved(Event.MATCH, held, expires_at=_touched(held, now, law))


def _stopped(phone: Phone, standing: Standing, now: int, law: Policy) -> list[Change]:
    """Stop the person's claims with this wrong number, if it is one too many.

    The phone that typed it is told as well: it knows of one wrong number, not of the stop.
    """
    if standing.stopped or standing.wrong_numbers + 1 < law.wrong_numbers:
        return []
    person = phone.person_id
    told = of_phone(Kind.CLAIMS_STOPPED, person, phone.phone_id, By.MISUSE, now, count=now)
    return [NoteTry(person, "stop", now), told]


class Choice(msgspec.Struct, frozen=True):
    """What the person chose, of what they own, and the language in which they read it."""

    accounts: Sequence[str]
    owned: Sequence[SharedAccount]
    locale: str


def review(
    journey: Journey | None,
    phone: Phone,
    client: Client,
    choice: Choice,
    terms: Terms,
    now: int,
    fresh: Fresh,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """Freeze the consent document over the chosen accounts; its hash is what the passkey signs.

    Accounts that a merge keeps need not be chosen, so that none may be.
    """
    held = _held(journey, phone, Event.REVIEW, now)
    no = held if isinstance(held, Refusal) else _of_grant(held, grant, now)
    if no is not None or isinstance(held, Refusal):
        return Decision(no or held)
    chosen, owned = choice.accounts, choice.owned
    asked = held.request.authorization_details
    offered = {it.resource_id for it in owned if may_be_chosen(asked, it.iban, it.currency)}
    least, most = accounts_needed(asked)
    if held.request.grant_action == alter.MERGE:
        least = 0
    if len(chosen) > terms.law.accounts_chosen:
        return Decision(refusal.ACCOUNTS_NOT_GOOD)
    if len(set(chosen)) != len(chosen) or not set(chosen) <= offered:
        return Decision(refusal.ACCOUNTS_NOT_GOOD)
    if not least <= len(chosen) or (most is not None and len(chosen) > most):
        return Decision(refusal.accounts_number(least, most))
    accounts = [account for account in owned if account.resource_id in set(chosen)]
    signed = consent.document(held, phone, client, accounts, choice.locale, terms, fresh, grant)
    return moved(
        Event.REVIEW,
        held,
        document=signed,
        challenge=consent_challenge(signed),
        expires_at=_touched(held, now, terms.law),
    )


def edit(
    journey: Journey | None, phone: Phone, now: int, law: Policy, grant: Grant | None = None
) -> Decision[Journey]:
    """Go back from the review to the choice; the document and its challenge are dead.

    At the choice it changes nothing: a phone that was away learns there what is asked.
    """
    mine = held_by(journey, phone)
    no = None if isinstance(mine, Refusal) else _of_grant(mine, grant, now)
    if no is not None:
        return Decision(no)
    if not isinstance(mine, Refusal) and mine.at(now) is State.MATCHED:
        return Decision(mine)
    held = _held(journey, phone, Event.EDIT, now)
    if isinstance(held, Refusal):
        return Decision(held)
    return moved(
        Event.EDIT, held, document=None, challenge=None, expires_at=_touched(held, now, law)
    )


def approve(
    journey: Journey | None,
    phone: Phone,
    standing: Standing,
    assertion: Assertion | Refusal,
    terms: Terms,
    now: int,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """Approve by a verified assertion over exactly the frozen document.

    `assertion` was verified over the challenge that it names itself: that this is the document's,
    and that its counter went on, is decided here. One that changes a grant is dead as soon as
    anything else was signed for that.
    """
    held = _held(journey, phone, Event.APPROVE, now)
    if isinstance(held, Refusal):
        return Decision(held)
    if isinstance(assertion, Refusal):
        return Decision(assertion)
    no = alter.outdated(held, grant, now)
    if no is not None:
        return Decision(no)
    signed_this = held.challenge is not None and assertion.challenge == held.challenge
    if not signed_this or assertion.credential_id != phone.credential_id:
        return Decision(refusal.PASSKEY_NOT_GOOD.because("another document or credential"))
    if assertion.sign_count <= phone.sign_count and (assertion.sign_count or phone.sign_count):
        return Decision(refusal.PASSKEY_NOT_GOOD.because("its counter did not go on"))
    wait = hint_of(held).not_before - now
    if wait > 0:
        return Decision(refusal.too_early(wait))
    if standing.approvals >= terms.law.approvals:
        return Decision(refusal.SLOW_DOWN.because("too many approvals"))
    by_link = held.way == "link"
    step = moved(
        Event.APPROVE,
        held,
        assertion=assertion.text,
        approved_at=now,
        return_hash=fingerprint(ways.return_nonce(terms.server_key, held)) if by_link else None,
        expires_at=now + (terms.law.resume if held.poll_hash is None else terms.law.collect),
    )
    changes: list[Change] = [*step.changes, NoteTry(phone.person_id, "approval", now)]
    if assertion.sign_count != phone.sign_count:
        changes.append(CountUp(phone.phone_id, assertion.sign_count))
    return Decision(step.answer, tuple(changes))


def refuse(journey: Journey | None, phone: Phone, now: int) -> Decision[Journey]:
    """Let the person say no."""
    held = _held(journey, phone, Event.REFUSE, now)
    return Decision(held) if isinstance(held, Refusal) else moved(Event.REFUSE, held)


def disown(
    journey: Journey | None, phone: Phone, others: Sequence[Journey], now: int
) -> Decision[Journey]:
    """Let the person say that they did not start this.

    It flags the client for the bank, and ends everything else that is under way in the browser
    it came from (`others`): that is a deceiver's. A client that asked by itself is quiet for a day.
    """
    held = _held(journey, phone, Event.DISOWN, now)
    if isinstance(held, Refusal):
        return Decision(held)
    step = moved(Event.DISOWN, held, reason="not_started_here")
    called_off = [
        change
        for other in others
        if other.journey_id != held.journey_id and allows(other.at(now), Event.CALL_OFF)
        for change in moved(Event.CALL_OFF, other, reason="disowned").changes
    ]
    client_id = held.request.returns_to.client_id
    flag: tuple[Change, ...] = (FlagClient(client_id, held.journey_id, now),)
    if held.way == "asked":
        flag = (*flag, NoteTry(phone.person_id, unwanted_kind(client_id), now))
    return Decision(step.answer, (*step.changes, *called_off, *flag))


def hint_of(journey: Journey) -> Hint:
    """Read the risk verdict of a journey's claim."""
    return Hint() if journey.hint is None else msgspec.json.decode(journey.hint, type=Hint)


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


def _of_grant(journey: Journey, grant: Grant | None, now: int) -> Refusal | None:
    return alter.barred(journey.request, grant, journey.person_id or "", now)


def _touched(journey: Journey, now: int, law: Policy) -> int:
    """Give the next end: idle from now, and never later than the decision's limit."""
    return min((journey.claimed_at or now) + law.decision, now + law.idle)
