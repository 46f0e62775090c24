"""What the phone's API answers in the steps of an approval."""

from typing import Any

from starlette.responses import Response

from endorse.core import alter, approve, consent, device, ways
from endorse.core.coding import shown
from endorse.core.details import Details, may_be_chosen, payment_of
from endorse.core.journey import State
from endorse.core.model import Client, Journey, Phone, SharedAccount
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.altering import changed
from endorse.server.desk import Desk
from endorse.server.shapes import AccountChoice, Claimed, Hinted, Matched, Moved, Started, Who
from endorse.store import reads


def shared(account: Any) -> SharedAccount:
    """Name a bank's account as the consent document does."""
    # The name goes into what a person signs, so it must not show as anything else than it is.
    name = shown(account.name) if account.name is not None else None
    return SharedAccount(account.resource_id, account.iban, name or None, account.currency)


async def choosing(desk: Desk, phone: Phone, journey: Journey | Refusal) -> Response:
    """Say what is asked, and give the accounts to choose from."""
    if isinstance(journey, Refusal):
        return wire.refused(journey)
    client = await client_of(desk, journey)
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


async def client_of(desk: Desk, journey: Journey) -> Client:
    """Give the client of a live journey."""
    client_id = journey.request.returns_to.client_id
    client = await desk.store.registration(client_id)
    if client is None:
        raise LookupError(f"The client {client_id} of a live journey is gone.")
    return client


def who(client: Client) -> Who:
    """Say who a client is, as people see it."""
    return Who(client.client_id, client.name, client.legal_name, client.verified)


def claimed(desk: Desk, journey: Journey, client: Client) -> Claimed:
    """Say who asks, and what is known of where it began."""
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


def moved(desk: Desk, answer: Journey | Refusal) -> Response:
    """Say where the journey stands; what was approved by link brings the way back."""
    if isinstance(answer, Refusal):
        return wire.refused(answer)
    state, back = answer.at(desk.clock()), None
    if state is State.APPROVED and answer.way == "link":
        back = f"{desk.issuer}/return#{ways.return_nonce(desk.keys.handles, answer)}"
    reason = answer.reason if state is State.KILLED else None
    return wire.json(Moved(answer.qid, state.value, reason, back))
