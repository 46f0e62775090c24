"""How a phone joins a person and signs in again; in the sandbox, who to be."""

from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from webauthn import generate_registration_options, options_to_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from endorse.core import enrol, proof, refusal
from endorse.core.change import Change, CountUp, TouchPhone
from endorse.core.client import name_problem
from endorse.core.coding import Secret, fingerprint, sha256
from endorse.core.consent import timestamp
from endorse.core.model import Enrolment, Phone, PhoneState
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.caller import called, passkey_options
from endorse.server.ceremony import Ceremony, ceremony_of, challenge_for
from endorse.server.desk import Desk
from endorse.server.shapes import (
    BankName,
    EnrolmentCode,
    EnrolOptions,
    Invented,
    InventedPeople,
    Issued,
    NewPhone,
    Pending,
    PhoneId,
    Session,
    SignedIn,
    SignIn,
    SignInOptions,
    Someone,
    WhoToBe,
)
from endorse.store import reads
from endorse.store.connection import Connection

PHONES_AT_MOST: Final = 100
"""How many of a person's phones are looked at: more than anybody has, and bounded."""


async def enrol_options(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/enrol/options`: whose account this is, and how to make the passkey."""
    call = await called(desk, request, None)
    asked = call if isinstance(call, Refusal) else wire.decode(call.body, EnrolmentCode)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    code_hash = fingerprint(asked.code)
    found, phones = await desk.store.read(lambda db: _joining(db, code_hash))
    enrolment = enrol.usable(found, phones, desk.clock(), desk.law)
    if isinstance(enrolment, Refusal):
        return wire.refused(enrolment)
    person = await desk.bank.person(enrolment.person_id)
    if person is None:
        return wire.refused(refusal.CODE_NOT_ACCEPTED)
    options = generate_registration_options(
        rp_id=desk.settings.rp_id,
        rp_name=desk.settings.brand.name,
        user_name=person.name,
        user_display_name=person.name,
        # Not the person's id itself: the handle is kept by the authenticator and may be synced.
        user_id=sha256(f"{desk.issuer}\0{person.id}".encode()),
        challenge=challenge_for(desk, Ceremony("enrol", code_hash)),
        timeout=desk.law.ceremony * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=[
            COSEAlgorithmIdentifier.ECDSA_SHA_256,
            COSEAlgorithmIdentifier.EDDSA,
            COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
        ],
    )
    raw = msgspec.Raw(options_to_json(options).encode())
    answer = EnrolOptions(
        Someone(person.id, person.name), BankName(desk.settings.brand.name), raw, desk.clock()
    )
    return wire.json(answer)


async def enrol_phone(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/enrol`: keep the device key and the passkey, use the code up."""
    call = await called(desk, request, None)
    asked = call if isinstance(call, Refusal) else wire.decode(call.body, NewPhone)
    if isinstance(asked, Refusal) or isinstance(call, Refusal):
        return wire.refused(asked if isinstance(asked, Refusal) else refusal.PROOF_NOT_GOOD)
    problem = name_problem(asked.name)
    if problem:
        told = f"The name of a phone {problem}."
        return wire.refused(Refusal("name_not_good", "invalid_request", 400, told))
    code_hash = fingerprint(asked.code)
    credential = bytes(asked.credential)
    challenge = proof.challenge_in(credential)
    if ceremony_of(desk, challenge) != Ceremony("enrol", code_hash):
        return wire.refused(refusal.PASSKEY_NOT_GOOD.because("not our challenge"))
    passkey = proof.registered(credential, challenge, desk.issuer, desk.settings.rp_id)
    if isinstance(passkey, Refusal):
        return wire.refused(passkey)
    device = call.device
    phone = await desk.settle(
        lambda db: _joining(db, code_hash),
        lambda facts: enrol.enrol(
            *facts, device, passkey, asked.name, desk.clock(), desk.fresh, desk.law
        ),
    )
    if isinstance(phone, Refusal):
        return wire.refused(phone)
    return await _signed_in(desk, phone, 201)


async def sign_in_options(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/sign-in/options`: a challenge for the passkey of this phone."""
    entered = await _own_phone(desk, request, PhoneId)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    challenge = challenge_for(desk, Ceremony("sign in", phone.phone_id))
    return wire.json(SignInOptions(passkey_options(desk, phone, challenge), desk.clock()))


async def sign_in(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/sign-in`: a session for the phone whose person was verified."""
    entered = await _own_phone(desk, request, SignIn)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, raw = entered
    asked = wire.decode(raw, SignIn)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    credential = bytes(asked.credential)
    challenge = proof.challenge_in(credential)
    if ceremony_of(desk, challenge) != Ceremony("sign in", phone.phone_id):
        return wire.refused(refusal.PASSKEY_NOT_GOOD.because("not our challenge"))
    passkey = proof.Passkey(phone.credential_id, phone.public_key, phone.sign_count)
    answer = proof.asserted(credential, passkey, challenge, desk.issuer, desk.settings.rp_id)
    if isinstance(answer, Refusal):
        return wire.refused(answer)
    notes: list[Change] = [TouchPhone(phone.phone_id, desk.clock())]
    if answer.sign_count != phone.sign_count:
        notes.append(CountUp(phone.phone_id, answer.sign_count))
    if not await desk.store.change(notes, desk.clock()):
        return wire.refused(refusal.PASSKEY_NOT_GOOD.because("the counter went back"))
    return await _signed_in(desk, phone, 200)


async def invented_people(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/sandbox/people`; a real server has no such thing."""
    if desk.invented is None:
        return wire.refused(wire.NOT_FOUND)
    people = [
        Invented(person.id, person.name, len(await desk.bank.accounts(person.id)))
        for person in desk.invented.people()
    ]
    return wire.json(InventedPeople(people))


async def be_somebody(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/sandbox/enrolments`: a code for an invented person."""
    if desk.invented is None:
        return wire.refused(wire.NOT_FOUND)
    if not wire.has_type(request, "application/json"):
        return wire.refused(wire.WRONG_TYPE)
    raw = await wire.body(request, desk.law.body)
    asked = raw if isinstance(raw, Refusal) else wire.decode(raw, WhoToBe)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    person_id = asked.person if asked.person is not None else desk.invented.new_person().id
    code = await issue(desk, person_id)
    if isinstance(code, Refusal):
        return wire.refused(code)
    return wire.json(Issued(code.reveal(), enrolment_link(desk, code), person_id), 201)


async def issue(desk: Desk, person_id: str) -> Secret | Refusal:
    """Issue an enrolment code for a person of the bank."""
    if await desk.bank.person(person_id) is None:
        return wire.NOT_FOUND
    since = enrol.a_day_before(desk.clock())
    return await desk.settle(
        lambda db: reads.enrolments_since(db, person_id, since),
        lambda count: enrol.issue(person_id, count, desk.clock(), desk.fresh, desk.law),
    )


def enrolment_link(desk: Desk, code: Secret) -> str:
    """Write the link of a code. The code stands in the fragment, which no server ever sees."""
    return f"{desk.issuer}/phone#enrol.{code.reveal()}"


async def _own_phone(
    desk: Desk, request: HttpRequest, kind: type[PhoneId] | type[SignIn]
) -> tuple[Phone, bytes] | Refusal:
    """Find the phone that a call names; it must be signed by that phone's own device key."""
    call = await called(desk, request, None)
    asked = call if isinstance(call, Refusal) else wire.decode(call.body, kind)
    if isinstance(asked, Refusal) or isinstance(call, Refusal):
        return asked if isinstance(asked, Refusal) else refusal.PROOF_NOT_GOOD
    phone = await desk.store.read(lambda db: reads.phone(db, asked.phone_id))
    known = enrol.known(phone, call.device, desk.clock())
    return known if isinstance(known, Refusal) else (known, call.body)


async def _signed_in(desk: Desk, phone: Phone, status: int) -> Response:
    person = await desk.bank.person(phone.person_id)
    if person is None:
        return wire.refused(refusal.PHONE_NOT_KNOWN)
    desk.phones.keep(phone)
    now = desk.clock()
    session = desk.keys.sessions.close(Session(phone.phone_id), now)
    someone = Someone(person.id, person.name)
    lives = desk.law.phone_session
    answer = SignedIn(phone.phone_id, someone, session, lives, now, _pending(phone, now))
    return wire.json(answer, status)


def _pending(phone: Phone, now: int) -> Pending | None:
    if phone.at(now) is PhoneState.USABLE:
        return None
    lapses_at = timestamp(phone.lapses_at) if phone.usable_from is None else None
    usable_from = None if phone.usable_from is None else timestamp(phone.usable_from)
    return Pending(enrol.digits(phone), lapses_at, usable_from)


async def _joining(db: Connection, code_hash: str) -> tuple[Enrolment | None, list[Phone]]:
    """Read an enrolment code, and the phones that its person has."""
    found = await reads.enrolment(db, code_hash)
    phones = [] if found is None else await reads.phones_of(db, found.person_id, PHONES_AT_MOST)
    return found, phones
