"""The states of one authorization and the events that move it: one literal table.

Rule 1: everything that says which state may follow which lives in this file.
Rule 2: this file does not know why an event happens, nor what it carries.

The diagram in ARCHITECTURE.md is drawn from `STEPS`.
"""

from enum import StrEnum
from typing import Final

import msgspec


class State(StrEnum):
    """Where a journey stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    MATCHED = "matched"
    REVIEW = "review"
    APPROVED = "approved"
    REDIRECTED = "redirected"
    REDEEMED = "redeemed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    KILLED = "killed"
    EXPIRED = "expired"


class Actor(StrEnum):
    """Who may cause an event."""

    BROWSER = "the browser that began"
    PHONE = "the phone that claimed"
    ANY_PHONE = "an enrolled, signed-in phone"
    ASKED_PHONE = "a phone of the person who is asked"
    NEAR_PASSKEY = "a passkey used on the page itself"
    OTHER_PERSON = "a phone of another person"
    REVOKER = "whoever revoked the phone"
    PERSON_ELSEWHERE = "the person, in another journey"
    RISK = "the bank's risk verdict"
    CLIENT = "the client"
    CLOCK = "the clock"


class Event(StrEnum):
    """What can happen to a journey."""

    START = "start"
    NEW_CODE = "new code"
    OPEN_APP = "open the app"
    SHOW_CODE = "show the code instead"
    SPELL = "short code"
    CLAIM = "claim"
    COME_NEAR = "come near"
    BAR = "bar"
    SPOIL = "second scan"
    SUPERSEDE = "newer claim"
    MATCH = "match"
    MISMATCH = "wrong number"
    REVIEW = "review"
    EDIT = "edit"
    APPROVE = "approve"
    REFUSE = "refuse"
    REVOKE = "phone revoked"
    DISOWN = "did not start this"
    CALL_OFF = "browser disowned"
    CANCEL = "cancel"
    RETURN = "return"
    RESUME = "resume"
    REDEEM = "redeem"
    COLLECT = "collect"
    TAKE = "take"
    EXPIRE = "expire"


class Step(msgspec.Struct, frozen=True):
    """One row: this event, caused by this actor, leads from any of `sources` to `target`."""

    event: Event
    actor: Actor
    sources: tuple[State, ...]
    target: State


_WITH_PHONE: Final = (State.CLAIMED, State.MATCHED, State.REVIEW)
LIVE: Final = (State.WAITING, *_WITH_PHONE)
"""The states in which the person can still decide."""

FINAL: Final = (
    State.REDEEMED,
    State.REJECTED,
    State.CANCELLED,
    State.KILLED,
    State.EXPIRED,
)
"""The states that absorb: nothing leads out of them."""

STEPS: Final = {
    step.event: step
    for step in (
        Step(Event.START, Actor.BROWSER, (), State.WAITING),
        Step(Event.NEW_CODE, Actor.BROWSER, (State.WAITING,), State.WAITING),
        Step(Event.OPEN_APP, Actor.BROWSER, (State.WAITING,), State.WAITING),
        Step(Event.SHOW_CODE, Actor.BROWSER, (State.WAITING,), State.WAITING),
        Step(Event.SPELL, Actor.BROWSER, (State.WAITING,), State.WAITING),
        Step(Event.CLAIM, Actor.ANY_PHONE, (State.WAITING,), State.CLAIMED),
        Step(Event.TAKE, Actor.ASKED_PHONE, (State.WAITING,), State.CLAIMED),
        Step(Event.COME_NEAR, Actor.NEAR_PASSKEY, (State.WAITING,), State.CLAIMED),
        Step(Event.BAR, Actor.RISK, (State.WAITING,), State.KILLED),
        Step(Event.SPOIL, Actor.OTHER_PERSON, (State.CLAIMED,), State.KILLED),
        Step(Event.SUPERSEDE, Actor.PERSON_ELSEWHERE, _WITH_PHONE, State.KILLED),
        Step(Event.MATCH, Actor.PHONE, (State.CLAIMED,), State.MATCHED),
        Step(Event.MISMATCH, Actor.PHONE, (State.CLAIMED,), State.KILLED),
        Step(Event.REVIEW, Actor.PHONE, (State.MATCHED,), State.REVIEW),
        Step(Event.EDIT, Actor.PHONE, (State.REVIEW,), State.MATCHED),
        Step(Event.APPROVE, Actor.PHONE, (State.REVIEW,), State.APPROVED),
        Step(Event.REFUSE, Actor.PHONE, _WITH_PHONE, State.REJECTED),
        Step(Event.REVOKE, Actor.REVOKER, _WITH_PHONE, State.KILLED),
        Step(Event.DISOWN, Actor.PHONE, _WITH_PHONE, State.REJECTED),
        Step(Event.CALL_OFF, Actor.PERSON_ELSEWHERE, LIVE, State.KILLED),
        Step(Event.CANCEL, Actor.BROWSER, LIVE, State.CANCELLED),
        Step(Event.RETURN, Actor.BROWSER, (State.APPROVED,), State.APPROVED),
        Step(Event.RESUME, Actor.BROWSER, (State.APPROVED,), State.REDIRECTED),
        Step(Event.REDEEM, Actor.CLIENT, (State.REDIRECTED,), State.REDEEMED),
        Step(Event.COLLECT, Actor.CLIENT, (State.APPROVED,), State.REDEEMED),
        Step(
            Event.EXPIRE,
            Actor.CLOCK,
            (*LIVE, State.APPROVED, State.REDIRECTED),
            State.EXPIRED,
        ),
    )
}


def allows(state: State, event: Event) -> bool:
    """Say whether the event may happen in this state."""
    return state in STEPS[event].sources
