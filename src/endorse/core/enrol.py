"""How a phone joins a person, is confirmed by six digits, and leaves again.

A code of the bank lets one phone join. Until somebody who knows the person confirms the digits
that it shows, it is pending and may do nothing: a stolen code alone gives nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from endorse.core import refusal, step
from endorse.core.change import (
    Change,
    ConfirmPhone,
    CountWrongDigits,
    Decision,
    Enrol,
    Issue,
    Notify,
    RevokePhone,
)
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, same, sha256
from endorse.core.consent import timestamp
from endorse.core.journey import Event
from endorse.core.model import Enrolment, Journey, Phone, PhoneState
from endorse.core.notice import By, Kind, of_phone
from endorse.core.policy import DAY, Policy
from endorse.core.proof import Passkey
from endorse.core.refusal import Refusal

BANK: Final = "the bank"
OTHER_PHONE: Final = "another phone of the person"
OWN_PHONE: Final = "the phone itself"
CLOCK: Final = "the clock"

UNCONFIRMED: Final = (PhoneState.PENDING, PhoneState.WAITING)
_GONE: Final = (PhoneState.LAPSED, PhoneState.REVOKED)
_DIGITS: Final = b"endorse-digits-v1"


def issue(
    person_id: str, issued_today: int, now: int, fresh: Fresh, law: Policy
) -> Decision[Secret]:
    """Issue a code with which this person may enrol one phone, within ten minutes."""
    if issued_today >= law.enrolments_a_day:
        return Decision(refusal.SLOW_DOWN.because("enrolment codes of this day"))
    code = b64url(fresh(32))
    enrolment = Enrolment(fingerprint(code), person_id, now, now + law.enrolment)
    return Decision(Secret(code), (Issue(enrolment),))


def a_day_before(now: int) -> int:
    """Give the time from which issued codes count towards the day's number."""
    return now - DAY


def usable(
    enrolment: Enrolment | None, phones: Sequence[Phone], now: int, law: Policy
) -> Enrolment | Refusal:
    """Give the enrolment if a phone may join with it now, beside these phones of the person.

    A code that was used says so: whoever holds it was meant to be the one, and must learn that
    another phone came first. So must the holder of a second code while a phone is unconfirmed.
    """
    if enrolment is not None and enrolment.used_at is not None:
        return refusal.ENROLMENT_USED
    if enrolment is None or now >= enrolment.expires_at:
        return refusal.CODE_NOT_ACCEPTED.because("enrolment code")
    if law.confirm_phones and any(phone.at(now) in UNCONFIRMED for phone in phones):
        return refusal.PHONE_WAITS
    return enrolment


def enrol(
    enrolment: Enrolment | None,
    phones: Sequence[Phone],
    device: str,
    passkey: Passkey,
    name: str,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Phone]:
    """Enrol a phone: its device key (by thumbprint) and its passkey, both proved before.

    It is pending, unless the policy skips the confirmation.
    """
    good = usable(enrolment, phones, now, law)
    if isinstance(good, Refusal):
        return Decision(good)
    phone = Phone(
        phone_id=b64url(fresh(16)),
        person_id=good.person_id,
        name=name,
        device=device,
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
        enrolled_at=now,
        enrolled_with=good.code_hash,
        lapses_at=now + law.pending_phone,
        usable_from=None if law.confirm_phones else now,
    )
    lapsed = [it for it in phones if it.at(now) is PhoneState.LAPSED]
    gone = tuple(RevokePhone(it, CLOCK, None, now) for it in lapsed)
    changes: tuple[Change, ...] = (*gone, Enrol(phone, good.code_hash, now))
    # Where nothing is confirmed, a first phone has nobody whom its arrival could alarm.
    if not (law.confirm_phones or phones):
        return Decision(phone, changes)
    return Decision(
        phone, (*changes, _told(Kind.PHONE_ENROLLED, phone, OWN_PHONE, phone.phone_id, now))
    )


def digits(phone: Phone) -> str:
    """Give the six digits by which people recognise a new phone.

    The first eight bytes of SHA-256("endorse-digits-v1" ‖ 0 ‖ thumbprint ‖ 0 ‖ code hash) as a
    big-endian number, modulo a million: whoever joins with another key shows other digits.
    """
    named = b"\0".join((_DIGITS, phone.device.encode(), phone.enrolled_with.encode()))
    return f"{int.from_bytes(sha256(named)[:8]) % 1_000_000:06}"


def known(phone: Phone | None, device: str, now: int) -> Phone | Refusal:
    """Give the phone if it may sign in, be it only to learn that it is pending."""
    if phone is None or phone.device != device or phone.at(now) in _GONE:
        return refusal.PHONE_NOT_KNOWN
    return phone


def admitted(phone: Phone | None, device: str, now: int) -> Phone | Refusal:
    """Give the phone of a session if it may act: enrolled, with this device key, confirmed."""
    if isinstance(known(phone, device, now), Refusal) or phone is None:
        return refusal.SIGN_IN_REQUIRED.because("another device key, or not enrolled")
    state = phone.at(now)
    if state is PhoneState.USABLE:
        return phone
    no = refusal.PHONE_PENDING.because(state.value)
    if phone.usable_from is None:
        return no
    return msgspec.structs.replace(no, also=(("usable_from", timestamp(phone.usable_from)),))


def confirm(
    phones: Sequence[Phone], phone_id: str, by: Phone | None, typed: str, now: int, law: Policy
) -> Decision[Phone]:
    """Confirm a phone on another one of its person, which makes it usable at once.

    `phones` are the person's; `by` is the confirming one as it is now, which must still be usable.
    """
    if by is None or by.at(now) is not PhoneState.USABLE:
        return Decision(refusal.SIGN_IN_REQUIRED.because("revoked meanwhile"))
    found = next((phone for phone in phones if phone.phone_id == phone_id), None)
    if found is None or found.person_id != by.person_id or found.at(now) in _GONE:
        return Decision(refusal.PHONE_NOT_FOUND)
    if not same(typed, digits(found)):
        return _mistyped(found, OTHER_PHONE, now, law)
    return _confirmed(found, OTHER_PHONE, by.phone_id, now, now)


def confirm_at_desk(phones: Sequence[Phone], typed: str, now: int, law: Policy) -> Decision[Phone]:
    """Confirm the phone of a person that waits, by the bank, which has made sure who it is.

    At once if the person has no other usable phone, otherwise after a wait in which the person
    can stop it there.
    """
    found = next((phone for phone in phones if phone.at(now) in UNCONFIRMED), None)
    if found is None:
        again = (it for it in phones if it.at(now) is PhoneState.USABLE and same(typed, digits(it)))
        return Decision(next(again, refusal.NO_PHONE_WAITS))
    if not same(typed, digits(found)):
        return _mistyped(found, BANK, now, law)
    beside = any(phone.at(now) is PhoneState.USABLE for phone in phones)
    usable_from = now + law.second_phone_wait if beside else now
    return _confirmed(found, BANK, None, usable_from, now)


def revoke(
    phone: Phone | None, person_id: str, by: Phone | None, held: Sequence[Journey], now: int
) -> Decision[Phone]:
    """End a phone, and the journeys that it holds. What it approved stays until it is ended.

    `by` is the phone of the person that asks, as it is now; None is the bank. Revoking twice
    changes nothing.
    """
    if by is not None and by.at(now) is not PhoneState.USABLE:
        return Decision(refusal.SIGN_IN_REQUIRED.because("revoked meanwhile"))
    if phone is None or phone.person_id != person_id:
        return Decision(refusal.PHONE_NOT_FOUND)
    if phone.revoked_at is not None:
        return Decision(phone)
    actor, by_phone = BANK, None
    if by is not None:
        actor = OWN_PHONE if by.phone_id == phone.phone_id else OTHER_PHONE
        by_phone = by.phone_id
    ended = msgspec.structs.replace(phone, revoked_at=now)
    stopped = [
        change
        for journey in held
        if step.barred(journey, Event.REVOKE, now) is None
        for change in step.moved(Event.REVOKE, journey, reason="phone_revoked").changes
    ]
    told = _told(Kind.PHONE_REVOKED, phone, actor, by_phone, now)
    return Decision(ended, (RevokePhone(phone, actor, by_phone, now), *stopped, told))


def _confirmed(
    phone: Phone, by: str, by_phone: str | None, usable_from: int, now: int
) -> Decision[Phone]:
    """Let a phone act from then on, or from the earlier time that it had already."""
    if phone.usable_from is not None and phone.usable_from <= usable_from:
        return Decision(phone)
    after = msgspec.structs.replace(phone, usable_from=usable_from)
    told = _told(Kind.PHONE_CONFIRMED, phone, by, by_phone, now)
    return Decision(after, (ConfirmPhone(phone, usable_from, by, by_phone), told))


def _mistyped(phone: Phone, by: str, now: int, law: Policy) -> Decision[Phone]:
    """Count wrong digits for a phone that waits; the last try ends it."""
    left = max(0, law.digit_tries - phone.wrong_digits - 1)
    if phone.at(now) not in UNCONFIRMED:
        return Decision(refusal.wrong_digits(law.digit_tries))
    counted = CountWrongDigits(phone, by)
    if left:
        return Decision(refusal.wrong_digits(left), (counted,))
    told = _told(Kind.PHONE_REVOKED, phone, by, None, now)
    return Decision(refusal.wrong_digits(0), (counted, RevokePhone(phone, by, None, now), told))


def _told(kind: Kind, phone: Phone, by: str, by_phone: str | None, now: int) -> Notify:
    """Tell all phones of the person. A confirmation can be followed by another, earlier one."""
    who = By.BANK if by == BANK else By.PHONE
    return of_phone(kind, phone.person_id, phone.phone_id, who, now, by_phone, count=now)
