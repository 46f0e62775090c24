"""Answers for clients that no browser comes back to: they ask again and again (RFC 8628 3.5)."""

from typing import Final

import msgspec

from endorse.core import redeem, refusal, refusal_polling
from endorse.core.change import CountPoll, Decision
from endorse.core.coding import Fresh
from endorse.core.journey import Event, State
from endorse.core.model import Client, Grant, Journey, Phone, Poll
from endorse.core.policy import Policy, Terms
from endorse.core.redeem import Tokens

_SPARED: Final = 1
"""A second by which a call may come early: the clock counts whole ones, and networks jitter."""


def collect(
    client: Client,
    kind: str,
    poll: Poll | None,
    journey: Journey | None,
    phone: Phone | None,
    grant: Grant | None,
    terms: Terms,
    now: int,
    fresh: Fresh,
) -> Decision[Tokens]:
    """Answer a client that polls: the tokens once, before that why there are none (RFC 8628 3.5).

    `kind` is what the client says that it asks with, `poll` what it is, `journey` the one that a
    person began for it, if anybody has, and `grant` the one that its request changes, if it does.
    Another client's handle is unknown, and so is one that brought tokens already. A client that
    asks too soon must let five seconds more pass from then on, also when the answer is there.
    """
    if poll is None or poll.client_id != client.client_id or poll.kind != kind:
        return Decision(refusal_polling.POLL_NOT_GOOD.because("unknown, or another client's"))
    if journey is not None and journey.state is State.REDEEMED:
        return Decision(refusal_polling.POLL_NOT_GOOD.because("it brought its tokens already"))
    if now >= poll.expires_at:
        return Decision(refusal_polling.POLL_EXPIRED)
    counted, too_soon = _counted(poll, now, terms.law)
    if too_soon:
        return Decision(refusal_polling.POLL_SLOWER, (counted,))
    state = State.WAITING if journey is None else journey.at(now)
    if state in (State.REJECTED, State.CANCELLED, State.KILLED):
        return Decision(refusal.ACCESS_DENIED.because(f"the request is {state}"))
    if state is State.EXPIRED:
        return Decision(refusal_polling.POLL_EXPIRED.because("nobody decided in time"))
    if journey is None or state is not State.APPROVED:
        return Decision(refusal_polling.POLL_PENDING, (counted,))
    given = redeem.given(
        Event.COLLECT, journey, client, phone, grant, terms.server_key, now, fresh, terms.law
    )
    return Decision(given.answer, (*given.changes, counted))


def _counted(poll: Poll, now: int, law: Policy) -> tuple[CountPoll, bool]:
    """Count this call; say whether it came too soon after the one before."""
    too_soon = poll.polled_at != 0 and now - poll.polled_at < poll.every - _SPARED
    every = poll.every + law.slow_down if too_soon else poll.every
    after = msgspec.structs.replace(poll, polled_at=now, every=every)
    return CountPoll(poll, after), too_soon
