"""The phone's API: who calls, and the approval's steps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import alter, approve, consent, device, proof, refusal, ways
from endorse.core.change import Decision
from endorse.core.coding import from_b64url, shown
from endorse.core.details import Details, may_be_chosen, payment_of
from endorse.core.journey import LIVE, State
from endorse.core.model import Client, Grant, Hint, Journey, Phone, SharedAccount, Standing
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.altering import changed
from endorse.server.browser import address
from endorse.server.caller import enter, passkey_options, signed_in
from endorse.server.desk import Desk
from endorse.server.shapes import (
    AccountChoice,
    Approval,
    Asked,
    Choice,
    Claim,
    Claimed,
    Hinted,
    JourneyId,
    Journeys,
    Match,
    Matched,
    Moved,
    Reviewed,
    Started,
    Watch,
    Who,
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
    return wire.json(_claimed(desk, journey, await _client_of(desk, journey)))


async def journeys(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/journeys`: what this phone holds, also if it does not know of it yet."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    now = desk.clock()
    live = await desk.store.read(lambda db: reads.live_of_person(db, phone.person_id))
    mine = [it for it in live if it.phone_id == phone.phone_id and it.at(now) in LIVE]
    held = [_claimed(desk, it, await _client_of(desk, it)) for it in mine]
    waiting = await desk.store.read(lambda db: polls.asked_of(db, phone.person_id))
    asked = [
        Asked(
            journey=it.qid,
            client=who(await _client_of(desk, it)),
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
    return wire.json(_claimed(desk, journey, await _client_of(desk, journey)))


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
    return await _choosing(desk, phone, await desk.settle(facts, decide))


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
    return await _choosing(desk, phone, journey)


async def review(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/review`: the frozen consent document and the challenge over it."""
    entered = await enter(desk, request, Choice)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    held = await _held(desk, phone, asked.journey)
    if isinstance(held, Refusal):
        return wire.refused(held)
    client = await _client_of(desk, held)
    owned = [shared(account) for account in await desk.bank.accounts(phone.person_id)]
    chosen = asked.accounts[: desk.law.accounts_chosen + 1]
    if len(chosen) > desk.law.accounts_chosen:
        return wire.refused(refusal.ACCOUNTS_NOT_GOOD)
    choice = approve.Choice(chosen, owned, consent.locale_of(asked.locale))

    def decide(read: _Found) -> Decision[Journey]:
        journey, grant = read
        now, fresh = desk.clock(), desk.fresh
        return approve.review(journey, phone, client, choice, desk.terms, now, fresh, grant)

    journey = await desk.settle(lambda db: _found(db, asked.journey), decide)
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

    return _moved(desk, await desk.settle(_facts(desk, phone, asked.journey), decide))


async def refuse(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/refuse`: the person says no."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    return _moved(
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

    return _moved(
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
    return _moved(desk, journey)


def shared(account: Any) -> SharedAccount:
    """Name a bank's account as the consent document does."""
    # The name goes into what a person signs, so it must not show as anything else than it is.
    name = shown(account.name) if account.name is not None else None
    return SharedAccount(account.resource_id, account.iban, name or None, account.currency)


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


async def _choosing(desk: Desk, phone: Phone, journey: Journey | Refusal) -> Response:
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    client = await _client_of(desk, journey)
    grant = await desk.store.read(lambda db: reads.named_grant(db, journey))
    now, scope = desk.clock(), alter.scope(journey.request, grant)
    return wire.json(
        Matched(
            journey=journey.qid,
            state=journey.state.value,
            scope=scope,
            recurring="offline_access" in scope,
            valid_until=consent.timestamp(consent.valid_until(journey, client, desk.law, grant)),
            accounts=await _choices(desk, phone, journey.request.authorization_details),
            expires_in=max(0, journey.expires_at - now),
            changes=changed(journey, grant),
            authorization_details=journey.request.authorization_details,
        )
    )


async def _choices(desk: Desk, phone: Phone, asked: Details) -> list[AccountChoice]:
    choices = []
    for account in await desk.bank.accounts(phone.person_id):
        if not may_be_chosen(asked, account.iban, account.currency):
            continue
        balances = await desk.bank.balances(account.resource_id)
        available = [it for it in balances if it.balance_type == "interimAvailable"]
        amount = next((it.balance_amount for it in (*available, *balances)), None)
        choices.append(
            AccountChoice(
                resource_id=account.resource_id,
                iban=account.iban,
                name=account.name,
                product=account.product,
                currency=account.currency,
                owner_name=account.owner_name,
                balance=amount,
            )
        )
    return choices


async def _client_of(desk: Desk, journey: Journey) -> Client:
    client_id = journey.request.returns_to.client_id
    client = await desk.store.registration(client_id)
    if client is None:
        raise LookupError(f"The client {client_id} of a live journey is gone.")
    return client


def who(client: Client) -> Who:
    """Say who a client is, as people see it."""
    return Who(client.client_id, client.name, client.legal_name, client.verified)


def _claimed(desk: Desk, journey: Journey, client: Client) -> Claimed:
    now, hint = desk.clock(), approve.hint_of(journey)
    return Claimed(
        journey=journey.qid,
        state=journey.state.value,
        way=journey.way or "",
        asks_number=journey.number is not None,
        asks_payment=payment_of(journey.request.authorization_details) is not None,
        for_device=device.waits(journey),
        client=who(client),
        started=Started(now - journey.started_at, journey.browser),
        hint=Hinted(
            hint.level, hint.reasons, hint.place, hint.distance_km, max(0, hint.not_before - now)
        ),
        expires_in=max(0, journey.expires_at - now),
        binding_message=journey.request.binding_message or None,
    )


def _moved(desk: Desk, answer: Journey | Refusal) -> Response:
    if isinstance(answer, Refusal):
        return wire.refused(answer)
    state, back = answer.at(desk.clock()), None
    if state is State.APPROVED and answer.way == "link":
        back = f"{desk.issuer}/return#{ways.return_nonce(desk.keys.handles, answer)}"
    reason = answer.reason if state is State.KILLED else None
    return wire.json(Moved(answer.qid, state.value, reason, back))


async def _gone(request: HttpRequest) -> None:
    # The body has been read, so the next message can only be the end.
    while (await request.receive())["type"] != "http.disconnect":
        pass
