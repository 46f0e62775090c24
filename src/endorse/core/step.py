"""One step of a journey: whether the table allows it now, and the change that makes it."""

import msgspec

from endorse.core import refusal
from endorse.core.change import Decision, Move
from endorse.core.journey import STEPS, Event, allows
from endorse.core.model import Journey
from endorse.core.refusal import Refusal


def barred(journey: Journey, event: Event, now: int) -> Refusal | None:
    """Give the refusal of an event that the table does not allow now; None if it does."""
    state = journey.at(now)
    return None if allows(state, event) else refusal.wrong_state(state, event)


def moved(event: Event, before: Journey, **fields: object) -> Decision[Journey]:
    """Move a journey by an event that the table allows, with these fields changed."""
    after = msgspec.structs.replace(
        before, state=STEPS[event].target, version=before.version + 1, **fields
    )
    return Decision(after, (Move(event, before, after),))
