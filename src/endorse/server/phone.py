"""The phone's API: who calls, and the approval's steps."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import approve, consent, proof, refusal, ways
from endorse.core.change import Decision
from endorse.core.coding import from_b64url
from endorse.core.journey import LIVE, State
from endorse.core.model import Hint, Journey, Phone
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.browser import address
from endorse.server.caller import enter, passkey_options, signed_in, stepped
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
from endorse.store import polls, reads, steps
from endorse.store.connection import Connection, Query
from endorse.store.steps import Named, Step

_WATCH_AT_MOST: Final = 20


async def claim(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/claim`: the first phone with a fresh code, link or letters takes it."""
    entered = await enter(desk, request, Claim, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    handle = ways.read(asked.code, desk.issuer)
    named = steps.by(handle, desk.keys.handles)
    found, known = await desk.store.read(lambda db: steps.seen(db, named, caller.person_id))
    hint = Hint()
    if found is not None and handle is not None:
        way, here = ways.way_of(handle), address(desk, request)
        hint = await weighed(desk, found, caller, way, here, known)

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        now, fresh, terms = desk.clock(), desk.fresh, desk.terms
        return approve.claim(
            handle, it.journey, phone, it.standing, hint, terms, now, fresh, it.grant
        )

    journey = await stepped(desk, _taking(desk, caller, named), decide)
    if isinstance(journey, Refusal):
        missed = journey.name == refusal.CODE_NOT_ACCEPTED.name
        if missed and not desk.bad_claims.take(caller.phone_id, desk.clock()):
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
    entered = await enter(desk, request, JourneyId, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    named = steps.Named("qid", asked.journey)

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        return approve.take(it.journey, phone, it.standing, desk.clock(), desk.fresh, desk.law)

    journey = await stepped(desk, _taking(desk, caller, named), decide)
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    return wire.json(claimed(desk, journey, await client_of(desk, journey)))


async def match(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/match`: what is asked, and the accounts to choose from."""
    entered = await enter(desk, request, Match, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        now, law = desk.clock(), desk.law
        return approve.match(it.journey, phone, asked.number, it.standing, now, law, it.grant)

    facts = _counted(desk, caller, asked.journey)
    return await choosing(desk, caller, await stepped(desk, facts, decide))


async def edit(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/edit`: back from the review to the choice."""
    entered = await enter(desk, request, JourneyId, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    journey = await stepped(
        desk,
        lambda db: steps.step(db, caller, asked.journey),
        lambda phone, it: approve.edit(it.journey, phone, desk.clock(), desk.law, it.grant),
    )
    return await choosing(desk, caller, journey)


async def review(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/review`: the frozen consent document and the challenge over it."""
    entered = await enter(desk, request, Choice, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    owned = [shared(account) for account in await desk.bank.accounts(caller.person_id)]
    choice = approve.Choice(asked.accounts, owned, consent.locale_of(asked.locale))

    async def facts(db: Connection) -> Step:
        it = await steps.step(db, caller, asked.journey)
        return it._replace(client=await client_of(desk, it.journey)) if it.journey else it

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        if it.client is None:
            return Decision(refusal.JOURNEY_NOT_FOUND)
        now, fresh, terms = desk.clock(), desk.fresh, desk.terms
        return approve.review(it.journey, phone, it.client, choice, terms, now, fresh, it.grant)

    journey = await stepped(desk, facts, decide)
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    options = passkey_options(desk, caller, from_b64url(journey.challenge or "") or b"")
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

    The signature is verified before the turn at the store, over the challenge that the answer
    names; the decision then checks that this is the document's.
    """
    entered = await enter(desk, request, Approval, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    credential = bytes(asked.credential)
    passkey = proof.Passkey(caller.credential_id, caller.public_key, caller.sign_count)
    challenge = proof.challenge_in(credential)
    assertion = proof.asserted(credential, passkey, challenge, desk.issuer, desk.settings.rp_id)

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        now, terms = desk.clock(), desk.terms
        return approve.approve(it.journey, phone, it.standing, assertion, terms, now, it.grant)

    return moved(desk, await stepped(desk, _counted(desk, caller, asked.journey), decide))


async def refuse(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/refuse`: the person says no."""
    entered = await enter(desk, request, JourneyId, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered
    journey = await stepped(
        desk,
        lambda db: steps.step(db, caller, asked.journey),
        lambda phone, it: approve.refuse(it.journey, phone, desk.clock()),
    )
    return moved(desk, journey)


async def disown(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/disown`: the person did not start this; all of that browser's ends."""
    entered = await enter(desk, request, JourneyId, turn=True)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    caller, asked = entered

    async def facts(db: Connection) -> Step:
        it = await steps.step(db, caller, asked.journey)
        if it.journey is None:
            return it
        return it._replace(others=tuple(await reads.live_of_browser(db, it.journey.browser_id)))

    def decide(phone: Phone, it: Step) -> Decision[Journey]:
        return approve.disown(it.journey, phone, it.others, desk.clock())

    return moved(desk, await stepped(desk, facts, decide))


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


def _counted(desk: Desk, caller: Phone, qid: str) -> Query[Step]:
    return lambda db: steps.counted(db, caller, qid, desk.clock(), desk.law)


def _taking(desk: Desk, caller: Phone, named: Named) -> Query[Step]:
    return lambda db: steps.taking(db, caller, named, desk.clock(), desk.law)


async def _held(desk: Desk, phone: Phone, qid: str) -> Journey | Refusal:
    journey = await desk.store.read(lambda db: reads.journey_by_qid(db, qid))
    return approve.held_by(journey, phone)


async def _gone(request: HttpRequest) -> None:
    # The body has been read, so the next message can only be the end.
    while (await request.receive())["type"] != "http.disconnect":
        pass
