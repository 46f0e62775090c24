"""How a phone joins a person: a code of the bank, once, for ten minutes, a few a day."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from endorse.core import enrol, refusal
from endorse.core.change import Decision, Enrol, Issue, Notify, RevokePhone
from endorse.core.coding import fingerprint
from endorse.core.model import Enrolment, Phone, PhoneState
from endorse.core.policy import WIDE, Policy
from endorse.core.proof import Passkey
from tests.core import scene
from tests.core.scene import ANNA, LAW, NOW

CODE = Enrolment(fingerprint("code"), "anna", NOW, NOW + 600)
PASSKEY = Passkey("credential", "public key", 3)


def join(
    code: Enrolment | None, now: int = NOW, phones: Sequence[Phone] = (), law: Policy = LAW
) -> Decision[Phone]:
    """The enrolment of a phone with this code, beside these phones of the person."""
    fresh = scene.fresh_from("phone")
    return enrol.enrol(code, phones, "thumbprint", PASSKEY, "My phone", now, fresh, law)


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
    joined, told = decision.changes
    assert joined == Enrol(phone, CODE.code_hash, NOW)
    assert isinstance(told, Notify)
    assert (told.notice.kind, told.notice.phone_id) == ("phone_enrolled", phone.phone_id)
    assert msgspec.structs.asdict(phone) == {
        "phone_id": phone.phone_id,
        "person_id": "anna",
        "name": "My phone",
        "device": "thumbprint",
        "credential_id": "credential",
        "public_key": "public key",
        "sign_count": 3,
        "enrolled_at": NOW,
        "enrolled_with": CODE.code_hash,
        "lapses_at": NOW + 86_400,
        "usable_from": None,
        "wrong_digits": 0,
        "signed_in_at": None,
        "revoked_at": None,
    }


@pytest.mark.parametrize(
    ("code", "now"),
    [
        pytest.param(None, NOW, id="unknown"),
        pytest.param(CODE, NOW + 600, id="expired"),
    ],
)
def test_an_unknown_or_expired_code_has_the_one_same_answer(
    code: Enrolment | None, now: int
) -> None:
    decision = join(code, now)
    no = scene.refused(decision)
    assert (no.error, no.status, no.detail) == ("code_not_accepted", 404, "enrolment code")
    assert decision.changes == ()
    assert enrol.usable(code, (), now, LAW) == no


@pytest.mark.parametrize("now", [NOW, NOW + 600])
def test_a_used_code_says_that_another_phone_came_first(now: int) -> None:
    decision = join(msgspec.structs.replace(CODE, used_at=NOW - 1), now)
    no = scene.refused(decision)
    assert (no.error, no.status) == ("enrolment_code_used", 409)
    assert "tell your bank" in no.told
    assert decision.changes == ()


@pytest.mark.parametrize("usable_from", [None, NOW + 1], ids=["pending", "waiting"])
def test_a_second_phone_may_not_join_while_one_is_unconfirmed(usable_from: int | None) -> None:
    first = msgspec.structs.replace(scene.done(join(CODE)), usable_from=usable_from)
    decision = join(CODE, phones=[first, ANNA])
    no = scene.refused(decision)
    assert (no.error, no.status) == ("another_phone_pending", 409)
    assert decision.changes == ()
    # Where nothing is ever confirmed, nothing waits either.
    assert join(CODE, phones=[first], law=WIDE).changes


def test_a_phone_may_join_beside_usable_and_revoked_ones() -> None:
    revoked = msgspec.structs.replace(scene.done(join(CODE)), revoked_at=NOW)
    assert [type(it) for it in join(CODE, phones=[ANNA, revoked]).changes] == [Enrol, Notify]


def test_a_phone_that_lapsed_is_ended_by_the_next_one() -> None:
    lapsed = scene.done(join(CODE))
    late = msgspec.structs.replace(CODE, expires_at=NOW + 10**6)
    assert scene.refused(join(late, NOW + 86_399, [lapsed])) == refusal.PHONE_WAITS
    gone, joined, _ = join(late, NOW + 86_400, [lapsed]).changes
    assert gone == RevokePhone(lapsed, "the clock", None, NOW + 86_400)
    assert isinstance(joined, Enrol)


def test_a_sandbox_phone_is_usable_at_once() -> None:
    phone = scene.done(join(CODE, law=WIDE))
    assert (phone.usable_from, phone.at(NOW)) == (NOW, PhoneState.USABLE)


def test_where_nothing_is_confirmed_only_a_second_phone_is_told_of() -> None:
    assert [type(it) for it in join(CODE, law=WIDE).changes] == [Enrol]
    assert [type(it) for it in join(CODE, phones=[ANNA], law=WIDE).changes] == [Enrol, Notify]


def test_a_code_may_be_used_in_its_last_second() -> None:
    assert join(CODE, NOW + 599).changes
