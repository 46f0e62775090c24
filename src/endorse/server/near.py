"""Proximity: the page itself asks for the passkey, and the request then appears in the app.

The browser runs its own flow for a passkey on another device (FIDO hybrid): the phone must be
within radio range, and its answer names the origin of the page. A page that relays ours has
another origin, and what it sends here is refused.
"""

from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from webauthn import generate_authentication_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import UserVerificationRequirement

from endorse.core import approve, enrol, proof, refusal
from endorse.core.change import CountUp, Decision
from endorse.core.model import Journey, Phone
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.ceremony import Ceremony, ceremony_of, challenge_for
from endorse.server.connect import FOREIGN, from_our_page, of_browser, present
from endorse.server.desk import Desk
from endorse.server.pages import Pages
from endorse.server.shapes import Nearness
from endorse.server.weigh import weighed
from endorse.store import reads, steps
from endorse.store.steps import Named, Step

_NO_PHONE: Final = refusal.PASSKEY_NOT_GOOD.because("no usable phone has this passkey")


async def options(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/near/options`: PublicKeyCredentialRequestOptionsJSON.

    No credential is named: the page does not know whose it is (WebAuthn 5.1.4.1). The hint asks
    the browser to begin with another device.
    """
    found = await _entered(desk, request)
    if isinstance(found, Refusal):
        return wire.refused(found)
    made = options_to_json_dict(
        generate_authentication_options(
            rp_id=desk.settings.rp_id,
            challenge=challenge_for(desk, Ceremony("near", found.short)),
            timeout=desk.law.ceremony * 1000,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )
    return wire.json({**made, "hints": ["hybrid"]})


async def come(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/near` with the passkey's answer: its phone has the request.

    Every failure of the passkey has the one same answer.
    """
    found = await _entered(desk, request)
    if isinstance(found, Refusal):
        return wire.refused(found)
    if not wire.has_type(request, "application/json"):
        return wire.refused(wire.WRONG_TYPE)
    raw = await wire.body(request, desk.law.body)
    asked = raw if isinstance(raw, Refusal) else wire.decode(raw, Nearness)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    proven = await _proven(desk, found, bytes(asked.credential))
    if isinstance(proven, Refusal):
        return wire.refused(proven)
    caller, assertion = proven
    known = await desk.store.read(
        lambda db: reads.knows_browser(db, found.browser_id, caller.person_id)
    )
    # The phone has not called yet, so its own address is not known.
    hint = await weighed(desk, found, caller, "near", "", known)
    named = Named("short", found.short)

    def decide(it: Step) -> Decision[Journey]:
        now, fresh, law = desk.clock(), desk.fresh, desk.law
        phone = _usable(it.phone, now)
        if phone is None:
            return Decision(_NO_PHONE)
        taken = approve.come_near(
            it.journey or found, phone, it.standing, hint, now, fresh, law, it.grant
        )
        if assertion.sign_count == phone.sign_count or isinstance(taken.answer, Refusal):
            return taken
        counted = CountUp(phone.phone_id, assertion.sign_count)
        return Decision(taken.answer, (*taken.changes, counted))

    journey = await desk.settle(
        lambda db: steps.taking(db, caller, named, desk.clock(), desk.law), decide
    )
    return (
        wire.refused(journey) if isinstance(journey, Refusal) else present(desk, request, journey)
    )


async def _entered(desk: Desk, request: HttpRequest) -> Journey | Refusal:
    if not from_our_page(desk, request):
        return FOREIGN
    found = await of_browser(desk, request)
    if found is None:
        return refusal.JOURNEY_NOT_FOUND
    return found if "near" in found.ways else refusal.WAY_NOT_OFFERED


async def _proven(
    desk: Desk, journey: Journey, credential: bytes
) -> tuple[Phone, Assertion] | Refusal:
    """Find the usable phone whose passkey answered this page's challenge, on this very page."""
    no = refusal.PASSKEY_NOT_GOOD
    challenge = proof.challenge_in(credential)
    if ceremony_of(desk, challenge) != Ceremony("near", journey.short):
        return no.because("not this page's challenge")
    credential_id = _id_of(credential)
    found = await desk.store.read(lambda db: reads.phone_by_credential(db, credential_id))
    phone = _usable(found, desk.clock())
    if phone is None:
        return _NO_PHONE
    passkey = proof.Passkey(phone.credential_id, phone.public_key, phone.sign_count)
    verified = proof.asserted(credential, passkey, challenge, desk.issuer, desk.settings.rp_id)
    return verified if isinstance(verified, Refusal) else (phone, verified)


def _usable(phone: Phone | None, now: int) -> Phone | None:
    if phone is None or isinstance(enrol.admitted(phone, phone.device, now), Refusal):
        return None
    return phone


class _Credential(msgspec.Struct, frozen=True):
    id: str


def _id_of(credential: bytes) -> str:
    try:
        return msgspec.json.decode(credential, type=_Credential).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
