"""The phone's API: who calls, and the approval's steps."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from webauthn import generate_authentication_options, options_to_json
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from endorse.core import approve, consent, enrol, frame, proof, refusal
from endorse.core.change import Decision
from endorse.core.coding import from_b64url, shown
from endorse.core.model import Client, Journey, Phone, SharedAccount
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.shapes import (
    AccountChoice,
    Approval,
    Choice,
    Claim,
    Claimed,
    JourneyId,
    Matched,
    Moved,
    Reviewed,
    Session,
    Started,
    Watch,
    Who,
)
from endorse.server.wait import Waiter
from endorse.store import reads

T = TypeVar("T")
_WATCH_AT_MOST: Final = 20


class Called(msgspec.Struct, frozen=True):
    """A phone's call after its checks: the raw body and the device key that signed it."""

    body: bytes
    device: str


async def called(desk: Desk, request: HttpRequest, session: str | None) -> Called | Refusal:
    """Read a call and verify the device key's proof over it (RFC 9449 4.3)."""
    raw = await wire.body(request, desk.law.body)
    if isinstance(raw, Refusal):
        return raw
    if raw and not wire.has_type(request, "application/json"):
        return wire.WRONG_TYPE
    proofs = request.headers.getlist("dpop")
    if len(proofs) != 1:
        return refusal.PROOF_NOT_GOOD.because(f"{len(proofs)} DPoP headers")
    url = desk.issuer + str(request.scope["path"])
    call = proof.Call(request.method, url, raw, session, proofs[0])
    now = desk.clock()
    device = proof.device_of(call, now, desk.law)
    if isinstance(device, Refusal):
        # A phone whose clock is wrong has no other way to learn the right time.
        return msgspec.structs.replace(device, also=(("time", now),))
    return Called(raw, device)


async def signed_in(desk: Desk, request: HttpRequest) -> tuple[Phone, bytes] | Refusal:
    """Find the signed-in phone of a call: its session, its device key, and that it is enrolled."""
    scheme, _, text = (wire.authorization(request) or "").partition(" ")
    if scheme.lower() != "dpop" or not text:
        return refusal.SIGN_IN_REQUIRED.because("no session")
    call = await called(desk, request, text)
    if isinstance(call, Refusal):
        return call
    lives = desk.law.phone_session
    session = desk.keys.sessions.open(text, Session, desk.clock(), lives)
    if session is None:
        return refusal.SIGN_IN_REQUIRED.because("session over or not ours")
    phone = await desk.store.read(lambda db: reads.phone(db, session.phone_id))
    admitted = enrol.admitted(phone, call.device, desk.clock())
    return admitted if isinstance(admitted, Refusal) else (admitted, call.body)


async def claim(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/claim`: the first phone with a fresh frame takes the journey."""
    entered = await enter(desk, request, Claim)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    read = frame.read(asked.code, desk.issuer)
    qid = read.qid if read else ""

    def decide(journey: Journey | None) -> Decision[Journey]:
        key = desk.keys.handles
        return approve.claim(asked.code, journey, phone, key, desk.issuer, desk.clock(), desk.law)

    journey = await desk.settle(lambda db: reads.journey_by_qid(db, qid), decide)
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    now = desk.clock()
    return wire.json(
        Claimed(
            journey=journey.qid,
            state=journey.state.value,
            client=who(await _client_of(desk, journey)),
            started=Started(now - journey.started_at, journey.browser),
            expires_in=max(0, journey.expires_at - now),
        )
    )


async def match(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/match`: what is asked, and the accounts to choose from."""
    return await _choosing(desk, request, approve.match)


async def edit(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/edit`: back from the review to the choice."""
    return await _choosing(desk, request, approve.edit)


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
    journey = await desk.settle(
        lambda db: reads.journey_by_qid(db, asked.journey),
        lambda journey: approve.review(
            journey, phone, client, chosen, owned, desk.issuer, desk.clock(), desk.fresh, desk.law
        ),
    )
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
    return _moved(
        await desk.settle(
            lambda db: reads.journey_by_qid(db, asked.journey),
            lambda journey: approve.approve(journey, phone, assertion, desk.clock(), desk.law),
        ),
    )


async def refuse(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/refuse`: the person says no."""
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    return _moved(
        await desk.settle(
            lambda db: reads.journey_by_qid(db, asked.journey),
            lambda journey: approve.refuse(journey, phone, desk.clock()),
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
    waiter = Waiter(held.journey_id)
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
    return wire.json(Moved(journey.qid, journey.at(desk.clock()).value))


def passkey_options(desk: Desk, phone: Phone, challenge: bytes) -> msgspec.Raw:
    """Write PublicKeyCredentialRequestOptionsJSON for this phone's passkey (WebAuthn 5.5)."""
    options = generate_authentication_options(
        rp_id=desk.settings.rp_id,
        challenge=challenge,
        timeout=desk.law.ceremony * 1000,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=from_b64url(phone.credential_id) or b"")
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return msgspec.Raw(options_to_json(options).encode())


def shared(account: Any) -> SharedAccount:
    """Name a bank's account as the consent document does."""
    # The name goes into what a person signs, so it must not show as anything else than it is.
    name = shown(account.name) if account.name is not None else None
    return SharedAccount(account.resource_id, account.iban, name or None, account.currency)


async def enter(desk: Desk, request: HttpRequest, kind: type[T]) -> tuple[Phone, T] | Refusal:
    """Find the signed-in phone of a call, and read what it asks."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return entered
    phone, raw = entered
    asked = wire.decode(raw, kind)
    return asked if isinstance(asked, Refusal) else (phone, asked)


async def _held(desk: Desk, phone: Phone, qid: str) -> Journey | Refusal:
    journey = await desk.store.read(lambda db: reads.journey_by_qid(db, qid))
    return approve.held_by(journey, phone)


_Step = Callable[[Journey | None, Phone, int, Any], Decision[Journey]]


async def _choosing(desk: Desk, request: HttpRequest, step: _Step) -> Response:
    entered = await enter(desk, request, JourneyId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    journey = await desk.settle(
        lambda db: reads.journey_by_qid(db, asked.journey),
        lambda journey: step(journey, phone, desk.clock(), desk.law),
    )
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    client = await _client_of(desk, journey)
    now = desk.clock()
    return wire.json(
        Matched(
            journey=journey.qid,
            state=journey.state.value,
            scope=journey.request.scope,
            recurring="offline_access" in journey.request.scope,
            valid_until=consent.timestamp(consent.valid_until(journey, client, desk.law)),
            accounts=await _choices(desk, phone),
            expires_in=max(0, journey.expires_at - now),
        )
    )


async def _choices(desk: Desk, phone: Phone) -> list[AccountChoice]:
    choices = []
    for account in await desk.bank.accounts(phone.person_id):
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
    client = await desk.store.read(lambda db: reads.registration(db, client_id))
    if client is None:
        raise LookupError(f"The client {client_id} of a live journey is gone.")
    return client


def who(client: Client) -> Who:
    """Say who a client is, as people see it."""
    return Who(client.client_id, client.name, client.legal_name, client.verified)


def _moved(answer: Journey | Refusal) -> Response:
    if isinstance(answer, Refusal):
        return wire.refused(answer)
    return wire.json(Moved(answer.qid, answer.state.value))


async def _gone(request: HttpRequest) -> None:
    # The body has been read, so the next message can only be the end.
    while (await request.receive())["type"] != "http.disconnect":
        pass
