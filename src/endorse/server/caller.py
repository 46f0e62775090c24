"""Who calls the phone's API: the device key that signed the call, and the phone that signed in."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request as HttpRequest
from webauthn import generate_authentication_options, options_to_json
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from endorse.core import enrol, proof, refusal
from endorse.core.change import Decision
from endorse.core.coding import from_b64url
from endorse.core.model import Journey, Phone
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.shapes import Session
from endorse.store import reads
from endorse.store.connection import Query
from endorse.store.steps import Step

T = TypeVar("T")


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


async def signed_in(
    desk: Desk, request: HttpRequest, turn: bool = False
) -> tuple[Phone, bytes] | Refusal:
    """Find the signed-in phone of a call: its session, its device key, and that it is enrolled.

    Where the call takes a `turn` that reads the phone again (`stepped`), it may be as it was when
    it was last read: then nothing of it may be answered before that turn.
    """
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
    if turn:
        kept = enrol.admitted(desk.phones.get(session.phone_id), call.device, desk.clock())
        if not isinstance(kept, Refusal):
            return kept, call.body
    phone = await desk.store.read(lambda db: reads.phone(db, session.phone_id))
    admitted = enrol.admitted(phone, call.device, desk.clock())
    if isinstance(admitted, Refusal):
        return admitted
    desk.phones.keep(admitted)
    return admitted, call.body


async def enter(
    desk: Desk, request: HttpRequest, kind: type[T], turn: bool = False
) -> tuple[Phone, T] | Refusal:
    """Find the signed-in phone of a call, and read what it sent; `turn` as in `signed_in`."""
    entered = await signed_in(desk, request, turn)
    if isinstance(entered, Refusal):
        return entered
    phone, raw = entered
    asked = wire.decode(raw, kind)
    return asked if isinstance(asked, Refusal) else (phone, asked)


async def stepped(
    desk: Desk, read: Query[Step], decide: Callable[[Phone, Step], Decision[Journey]]
) -> Journey | Refusal:
    """Take the turn of a phone's step: its phone must still be in force there.

    Raises StoreAway.
    """

    def decided(step: Step) -> Decision[Journey]:
        device = "" if step.phone is None else step.phone.device
        phone = enrol.admitted(step.phone, device, desk.clock())
        return Decision(phone) if isinstance(phone, Refusal) else decide(phone, step)

    return await desk.settle(read, decided)


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
