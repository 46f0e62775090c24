"""How a phone joins a person: a one-time code of the bank, a device key, a passkey."""

from endorse.core import refusal
from endorse.core.change import Decision, Enrol, Issue
from endorse.core.coding import Fresh, Secret, b64url, fingerprint
from endorse.core.model import Enrolment, Phone
from endorse.core.policy import DAY, Policy
from endorse.core.proof import Passkey


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


def usable(enrolment: Enrolment | None, now: int) -> Enrolment | None:
    """Give the enrolment if its code may still be used."""
    if enrolment is None or enrolment.used_at is not None or now >= enrolment.expires_at:
        return None
    return enrolment


def enrol(
    enrolment: Enrolment | None,
    device: str,
    passkey: Passkey,
    name: str,
    now: int,
    fresh: Fresh,
) -> Decision[Phone]:
    """Enrol a phone: its device key (by thumbprint) and its passkey, both proved before."""
    good = usable(enrolment, now)
    if good is None:
        return Decision(refusal.CODE_NOT_ACCEPTED.because("enrolment code"))
    phone = Phone(
        phone_id=b64url(fresh(16)),
        person_id=good.person_id,
        name=name,
        device=device,
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
        enrolled_at=now,
    )
    return Decision(phone, (Enrol(phone, good.code_hash, now),))
