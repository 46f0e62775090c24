"""What the browser that began may do: begin, ask for a new code, cancel.

Every function takes the facts, the time and, where something new is named, fresh random bytes,
and returns a `Decision`. Which event may follow which state stands in `journey`.
"""

import msgspec

from endorse.core import refusal
from endorse.core.authorize import digest
from endorse.core.change import Begin, Decision
from endorse.core.coding import Fresh, b64url, fingerprint
from endorse.core.journey import Event, State
from endorse.core.model import Journey, Request
from endorse.core.policy import Policy
from endorse.core.step import barred, moved


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
    no = barred(journey, Event.NEW_CODE, now)
    if no is not None:
        return Decision(no)
    if code_runs_out(journey, now, law) or not codes_left(journey, law):
        return Decision(refusal.wrong_state(journey.state, Event.NEW_CODE))
    return moved(
        Event.NEW_CODE,
        journey,
        qid=b64url(fresh(16)),
        code_from=now,
        codes=journey.codes + 1,
        expires_at=_waits_until(journey.started_at, now, journey.codes + 1, law),
    )


def cancel(journey: Journey, now: int) -> Decision[Journey]:
    """Let the browser that began call it off."""
    no = barred(journey, Event.CANCEL, now)
    return Decision(no) if no is not None else moved(Event.CANCEL, journey)


def _waits_until(started_at: int, now: int, codes: int, law: Policy) -> int:
    """Give when a request that waits is over: with its last code, or when nobody is there."""
    in_all = started_at + law.waiting_in_all
    return in_all if codes <= law.new_codes else min(in_all, now + law.code_shown)
