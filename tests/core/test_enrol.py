"""How a phone joins a person: a code of the bank, once, for ten minutes, a few a day."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import enrol
from endorse.core.change import Decision, Enrol, Issue
from endorse.core.coding import fingerprint
from endorse.core.model import Enrolment, Phone
from endorse.core.proof import Passkey
from tests.core import scene
from tests.core.scene import LAW, NOW

CODE = Enrolment(fingerprint("code"), "anna", NOW, NOW + 600)
PASSKEY = Passkey("credential", "public key", 3)


def join(code: Enrolment | None, now: int = NOW) -> Decision[Phone]:
    """The enrolment of a phone with this code."""
    return enrol.enrol(code, "thumbprint", PASSKEY, "My phone", now, scene.fresh_from("phone"))


def test_a_code_is_stored_as_its_hash_and_lives_ten_minutes() -> None:
    decision = enrol.issue("anna", 0, NOW, scene.fresh_from("code"), LAW)
    code = scene.done(decision).reveal()
    assert decision.changes == (Issue(Enrolment(fingerprint(code), "anna", NOW, NOW + 600)),)
    assert len(code) == 43


def test_a_sixth_code_of_a_day_is_refused() -> None:
    assert enrol.issue("anna", 4, NOW, scene.fresh_from("code"), LAW).changes
    decision = enrol.issue("anna", 5, NOW, scene.fresh_from("code"), LAW)
    assert scene.refused(decision).status == 429
    assert decision.changes == ()
    assert enrol.a_day_before(NOW) == NOW - 86400


def test_a_phone_joins_the_person_of_its_code() -> None:
    decision = join(CODE)
    phone = scene.done(decision)
    assert decision.changes == (Enrol(phone, CODE.code_hash, NOW),)
    assert msgspec.structs.asdict(phone) == {
        "phone_id": phone.phone_id,
        "person_id": "anna",
        "name": "My phone",
        "device": "thumbprint",
        "credential_id": "credential",
        "public_key": "public key",
        "sign_count": 3,
        "enrolled_at": NOW,
        "revoked_at": None,
    }


@pytest.mark.parametrize(
    ("code", "now"),
    [
        pytest.param(None, NOW, id="unknown"),
        pytest.param(msgspec.structs.replace(CODE, used_at=NOW - 1), NOW, id="used"),
        pytest.param(CODE, NOW + 600, id="expired"),
    ],
)
def test_an_unknown_used_or_expired_code_has_the_one_same_answer(
    code: Enrolment | None, now: int
) -> None:
    decision = join(code, now)
    no = scene.refused(decision)
    assert (no.error, no.status, no.detail) == ("code_not_accepted", 404, "enrolment code")
    assert decision.changes == ()
    assert enrol.usable(code, now) is None


def test_a_code_may_be_used_in_its_last_second() -> None:
    assert join(CODE, NOW + 599).changes
