"""The phone's API: who calls, and the approval's steps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import approve, consent, proof, refusal, ways
from endorse.core.change import Decision
from endorse.core.coding import from_b64url
from endorse.core.journey import LIVE, State
from endorse.core.model import Client, Grant, Hint, Journey, Phone, Standing
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.browser import address
from endorse.server.caller import enter, passkey_options, signed_in
from endorse.server.desk import Desk
from endorse.server.phone_answers import choosing, claimed, client_of, moved, shared, who
from endorse.server.shapes import (
    Approval,
    Asked,
    Choice,
    Claim,
    JourneyId,
    Journeys,
    Match,
    Reviewed,
    Watch,
)
from endorse.server.wait import Waiter
from endorse.server.weigh import weighed
from endorse.store import polls, reads

_WATCH_AT_MOST: Final = 20


async def claim(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/claim`: the first phone with a fresh code, link or letters takes it."""
    entered = await enter(desk, request, Claim)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    handle, key = ways.read(asked.code, desk.issuer), desk.keys.handles
    found = await desk.store.read(lambda db: reads.journey_of(db, handle, key))
    hint = Hint()
    if found is not None and handle is not None:
        hint = await weighed(desk, found, phone, ways.way_of(handle), address(desk, request))

    async def facts(db: Any) -> _Facts:
        standing = await reads.standing(db, phone.person_id, desk.clock(), desk.law)
        journey = await reads.journey_of(db, handle, key)
        return journey, standing, await reads.named_grant(db, journey)

    def decide(read: _Facts) -> Decision[Journey]:
        journey, standing, grant = read
        now, fresh = desk.clock(), desk.fresh
        return approve.claim(handle, journey, phone, standing, hint, desk.terms, now, fresh, grant)

    journey = await desk.settle(facts, decide)
    if isinstance(journey, Refusal):
        missed = journey.name == refusal.CODE_NOT_ACCEPTED.name
        if missed and not desk.bad_claims.take(phone.phone_id, desk.clock()):
            journey = refusal.SLOW_DOWN.because("too many codes that do not count")
        return wire.refused(journey)
    return wire.json(claimed(desk, journey, await client_of(desk, journey)))


async def journeys(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/journeys`: what this phone holds, also if it does not know of it yet."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    now = desk.clock()
    live = await desk.store.read(lambda db: reads.live_of_person(db, phone.person_id))
    mine = [it for it in live if it.phone_id == phone.phone_id and it.at(now) in LIVE]
    held = [claimed(desk, it, await client_of(desk, it)) for it in mine]
    waiting = await desk.store.read(lambda db: polls.asked_of(db, phone.person_id))
    asked = [
        Asked(
            journey=it.qid,
            client=who(await client_of(desk, it)),
            binding_message=it.request.binding_message,
            seconds_ago=now - it.started_at,
            expires_in=it.expires_at - now,
        )
        for it in waiting
        if it.at(now) is State.WAITING
    ]
    return wire.json(Journeys(held, asked))


async def take(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/take`: this phone takes what a client asks its person by itself."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered

    async def facts(db: Any) -> tuple[Journey | None, Standing]:
        standing = await reads.standing(db, phone.person_id, desk.clock(), desk.law)
        return await reads.journey_by_qid(db, asked.journey), standing

    def decide(read: tuple[Journey | None, Standing]) -> Decision[Journey]:
        journey, standing = read
        return approve.take(journey, phone, standing, desk.clock(), desk.fresh, desk.law)

    journey = await desk.settle(facts, decide)
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    return wire.json(claimed(desk, journey, await client_of(desk, journey)))


async def match(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/match`: what is asked, and the accounts to choose from."""
    entered = await enter(desk, request, Match)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered

    def decide(read: _Facts) -> Decision[Journey]:
        journey, standing, grant = read
        now, law = desk.clock(), desk.law
        return approve.match(journey, phone, asked.number, standing, now, law, grant)

    facts = _facts(desk, phone, asked.journey)
    return await choosing(desk, phone, await desk.settle(facts, decide))


async def edit(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/edit`: back from the review to the choice."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    journey = await desk.settle(
        lambda db: _found(db, asked.journey),
        lambda read: approve.edit(read[0], phone, desk.clock(), desk.law, read[1]),
    )
    return await choosing(desk, phone, journey)


async def review(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/review`: the frozen consent document and the challenge over it."""
    entered = await enter(desk, request, Choice)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    owned = [shared(account) for account in await desk.bank.accounts(phone.person_id)]
    choice = approve.Choice(asked.accounts, owned, consent.locale_of(asked.locale))

    async def facts(db: Any) -> tuple[Journey | None, Client | None, Grant | None]:
        journey, grant = await _found(db, asked.journey)
        return journey, await client_of(desk, journey) if journey else None, grant

    def decide(read: tuple[Journey | None, Client | None, Grant | None]) -> Decision[Journey]:
        journey, client, grant = read
        if client is None:
            return Decision(refusal.JOURNEY_NOT_FOUND)
        now, fresh = desk.clock(), desk.fresh
        return approve.review(journey, phone, client, choice, desk.terms, now, fresh, grant)

    journey = await desk.settle(facts, decide)
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    options = passkey_options(desk, phone, from_b64url(journey.challenge or "") or b"")
    return wire.json(
        Reviewed(
            journey=journey.qid,
            state=journey.state.value,
            document=journey.document or "",
            options=options,
            expires_in=max(0, journey.expires_at - desk.clock()),
        )
    )


async def approve_(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/approve`: the passkey signed exactly the frozen document.

    The signature is verified before the turn at the store; the decision then checks that the
    document it was made over is still the one.
    """
    entered = await enter(desk, request, Approval)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    held = await _held(desk, phone, asked.journey)
    if isinstance(held, Refusal):
        return wire.refused(held)
    if held.challenge is None:
        return wire.refused(refusal.wrong_state(held.at(desk.clock()), "approve"))
    passkey = proof.Passkey(phone.credential_id, phone.public_key, phone.sign_count)
    assertion = proof.asserted(
        bytes(asked.credential), passkey, held.challenge, desk.issuer, desk.settings.rp_id
    )
    if isinstance(assertion, Refusal):
        return wire.refused(assertion)

    def decide(read: _Facts) -> Decision[Journey]:
        journey, standing, grant = read
        now, terms = desk.clock(), desk.terms
        return approve.approve(journey, phone, standing, assertion, terms, now, grant)

    return moved(desk, await desk.settle(_facts(desk, phone, asked.journey), decide))


async def refuse(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/refuse`: the person says no."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    return moved(
        desk,
        await desk.settle(
            lambda db: reads.journey_by_qid(db, asked.journey),
            lambda journey: approve.refuse(journey, phone, desk.clock()),
        ),
    )


async def disown(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/disown`: the person did not start this; all of that browser's ends."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered

    async def facts(db: Any) -> tuple[Journey | None, list[Journey]]:
        journey = await reads.journey_by_qid(db, asked.journey)
        others = await reads.live_of_browser(db, journey.browser_id) if journey else []
        return journey, others

    return moved(
        desk,
        await desk.settle(
            facts, lambda read: approve.disown(read[0], phone, read[1], desk.clock())
        ),
    )


async def watch(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/watch`: as soon as the state differs, or after 20 s all the same."""
    entered = await enter(desk, request, Watch)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    held = await _held(desk, phone, asked.journey)
    if isinstance(held, Refusal):
        return wire.refused(held)
    waiter = Waiter(held.journey_id, held.version)
    desk.waiting.enter(waiter, ticking=False)
    leaving = asyncio.ensure_future(_gone(request))
    leaving.add_done_callback(lambda _: waiter.close())
    journey = held
    try:
        again = await _held(desk, phone, asked.journey)
        journey = held if isinstance(again, Refusal) else again
        patience = min(_WATCH_AT_MOST, max(1, journey.expires_at - desk.clock()))
        async with asyncio.timeout(patience):
            while journey.at(desk.clock()).value == asked.state and not waiter.closed:
                await waiter.wake()
                journey, waiter.changed = waiter.changed or journey, None
    except TimeoutError:
        pass
    finally:
        desk.waiting.leave(waiter)
        leaving.cancel()
    return moved(desk, journey)


_Found = tuple[Journey | None, Grant | None]
"""A journey, and the grant that its request would change."""
_Facts = tuple[Journey | None, Standing, Grant | None]
"""The same, with what is remembered of the person."""


async def _found(db: Any, qid: str) -> _Found:
    journey = await reads.journey_by_qid(db, qid)
    return journey, await reads.named_grant(db, journey)


def _facts(desk: Desk, phone: Phone, qid: str) -> Callable[[Any], Awaitable[_Facts]]:
    async def read(db: Any) -> _Facts:
        standing = await reads.tried(db, phone.person_id, desk.clock(), desk.law)
        journey, grant = await _found(db, qid)
        return journey, standing, grant

    return read


async def _held(desk: Desk, phone: Phone, qid: str) -> Journey | Refusal:
    journey = await desk.store.read(lambda db: reads.journey_by_qid(db, qid))
    return approve.held_by(journey, phone)


async def _gone(request: HttpRequest) -> None:
    # The body has been read, so the next message can only be the end.
    while (await request.receive())["type"] != "http.disconnect":
        pass
