"""Who calls the phone's API: the device key that signed the call, and the phone that signed in."""

from typing import TypeVar

import msgspec
from starlette.requests import Request as HttpRequest
from webauthn import generate_authentication_options, options_to_json
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from endorse.core import enrol, proof, refusal
from endorse.core.coding import from_b64url
from endorse.core.model import Phone
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.shapes import Session
from endorse.store import reads

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


async def enter(desk: Desk, request: HttpRequest, kind: type[T]) -> tuple[Phone, T] | Refusal:
    """Find the signed-in phone of a call, and read what it sent."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return entered
    phone, raw = entered
    asked = wire.decode(raw, kind)
    return asked if isinstance(asked, Refusal) else (phone, asked)


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
