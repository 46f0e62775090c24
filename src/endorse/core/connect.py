"""What the browser that began may do: begin, ask for another way, cancel, come back.

Every function takes the facts, the time and, where something new is named, fresh random bytes,
and returns a `Decision`. Which event may follow which state stands in `journey`.
"""

import msgspec

from endorse.core import refusal, refusal_requests, ways
from endorse.core.authorize import digest
from endorse.core.change import Begin, Decision
from endorse.core.coding import Fresh, b64url, fingerprint, same
from endorse.core.journey import Event, State
from endorse.core.model import Journey, Poll, Request
from endorse.core.policy import Policy
from endorse.core.step import barred, moved


class Browser(msgspec.Struct, frozen=True):
    """A browser as it began: how the phone names it, its lasting cookie's hash, its address."""

    name: str
    browser_id: str = ""
    address: str = ""


class Begun(msgspec.Struct, frozen=True):
    """A journey that just began, and the browser secret B, which only its cookie holds."""

    journey: Journey
    browser_secret: str


class Linked(msgspec.Struct, frozen=True):
    """A journey that is offered to the app on the same device, and the link's one-use secret."""

    journey: Journey
    lid: str


def begin(
    request: Request,
    issuer: str,
    browser: Browser,
    offered: tuple[str, ...],
    now: int,
    fresh: Fresh,
    law: Policy,
    spent: bool = False,
    poll: Poll | None = None,
) -> Decision[Begun]:
    """Begin a journey for a browser that asked for it from our own page.

    `spent` says that the request it carries is too old by now, or was answered elsewhere; `poll` is
    what the client waits with, where it is no browser that brings it the answer.
    """
    if spent:
        return Decision(
            refusal_requests.REQUEST_URI_NOT_GOOD.because("spent since the page was shown")
        )
    secret = b64url(fresh(32))
    journey = Journey(
        journey_id=b64url(fresh(16)),
        short=b64url(fresh(12)),
        qid=b64url(fresh(16)),
        browser_hash=fingerprint(secret),
        request=request,
        digest=digest(request, issuer),
        browser=browser.name,
        browser_id=browser.browser_id,
        address=browser.address,
        ways=offered,
        state=State.WAITING,
        version=0,
        started_at=now,
        code_from=now,
        codes=1,
        expires_at=_waits_until(now, now, 1, law),
        forget_at=now + law.remember_journey,
        poll_hash=poll.poll_hash if poll else None,
        polls_until=poll.expires_at if poll else None,
    )
    return Decision(Begun(journey, secret), (Begin(journey),))


def code_runs_out(journey: Journey, now: int, law: Policy) -> int:
    """Give the seconds for which what the page offers still counts; 0 when it has lapsed."""
    ends = journey.code_from + law.code_shown
    if journey.spelled_at is not None:
        ends = max(ends, journey.spelled_at + law.short_code)
    return max(0, ends - now)


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
    return _shows_code(Event.NEW_CODE, journey, now, fresh, law, journey.codes + 1)


def open_app(journey: Journey, now: int, fresh: Fresh, law: Policy) -> Decision[Linked]:
    """Offer the request to the app on this device, in place of the code.

    The link works once; asked again, a new one takes its place. The code is dead meanwhile.
    """
    no = barred(journey, Event.OPEN_APP, now) or _not_offered(journey, "link")
    if no is not None:
        return Decision(no)
    lid = b64url(fresh(32))
    step = moved(
        Event.OPEN_APP,
        journey,
        lid_hash=fingerprint(lid),
        spelling=None,
        spelling_hash=None,
        spelled_at=None,
        code_from=now,
    )
    after = journey if isinstance(step.answer, refusal.Refusal) else step.answer
    return Decision(Linked(after, lid), step.changes)


def show_code(journey: Journey, now: int, fresh: Fresh, law: Policy) -> Decision[Journey]:
    """Show the code again in place of the link, which is dead from now on."""
    no = barred(journey, Event.SHOW_CODE, now) or _not_offered(journey, "qr")
    if no is None and journey.lid_hash is None:
        no = refusal.wrong_state(journey.state, Event.SHOW_CODE)
    if no is not None:
        return Decision(no)
    return _shows_code(Event.SHOW_CODE, journey, now, fresh, law, journey.codes)


def spell(
    journey: Journey, server_key: bytes, now: int, fresh: Fresh, law: Policy
) -> Decision[Journey]:
    """Make a short code for a person who cannot scan. Asked again, the same one stands."""
    no = barred(journey, Event.SPELL, now) or _not_offered(journey, "short_code")
    if no is None and journey.lid_hash is not None:
        no = refusal.wrong_state(journey.state, Event.SPELL)
    if no is not None:
        return Decision(no)
    if journey.spelled_at is not None and now < journey.spelled_at + law.short_code:
        return Decision(journey)
    spelled = msgspec.structs.replace(journey, spelling=b64url(fresh(16)))
    letters = ways.short_code(server_key, spelled)
    return moved(
        Event.SPELL,
        journey,
        spelling=spelled.spelling,
        spelling_hash=ways.spelling_hash(server_key, letters),
        spelled_at=now,
        expires_at=max(journey.expires_at, now + law.short_code),
    )


def cancel(journey: Journey, now: int) -> Decision[Journey]:
    """Let the browser that began call it off."""
    no = barred(journey, Event.CANCEL, now)
    return Decision(no) if no is not None else moved(Event.CANCEL, journey)


def come_back(journey: Journey | None, nonce: str, now: int) -> Decision[Journey]:
    """Take the return nonce from the browser that began; the caller has seen its B.

    Only after this may a request that went by link be resumed. A repeated return is harmless.
    """
    if journey is None or not same(journey.return_hash or "", fingerprint(nonce)):
        return Decision(refusal.JOURNEY_NOT_FOUND)
    if journey.returned_at is not None:
        return Decision(journey)
    no = barred(journey, Event.RETURN, now)
    return Decision(no) if no is not None else moved(Event.RETURN, journey, returned_at=now)


def _not_offered(journey: Journey, way: str) -> refusal.Refusal | None:
    return None if way in journey.ways else refusal.WAY_NOT_OFFERED


def _shows_code(
    event: Event, journey: Journey, now: int, fresh: Fresh, law: Policy, codes: int
) -> Decision[Journey]:
    return moved(
        event,
        journey,
        qid=b64url(fresh(16)),
        lid_hash=None,
        spelling=None,
        spelling_hash=None,
        spelled_at=None,
        code_from=now,
        codes=codes,
        expires_at=_waits_until(journey.started_at, now, codes, law),
    )


def _waits_until(started_at: int, now: int, codes: int, law: Policy) -> int:
    """Give when a request that waits is over: with its last code, or when nobody is there."""
    in_all = started_at + law.waiting_in_all
    return in_all if codes <= law.new_codes else min(in_all, now + law.code_shown)
