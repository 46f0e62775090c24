"""A new phone is confirmed by its six digits, on another phone or at the desk, or it ends."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import enrol, refusal
from endorse.core.change import Change, ConfirmPhone, CountWrongDigits, Move, Notify, RevokePhone
from endorse.core.coding import fingerprint
from endorse.core.journey import Event, State
from endorse.core.model import Phone, PhoneState
from endorse.core.policy import DAY
from endorse.phone import DeviceKey
from tests.core import scene
from tests.core.scene import ANNA, ANNAS_OTHER_PHONE, BEN, LAW, NOW

NEW = msgspec.structs.replace(
    ANNAS_OTHER_PHONE,
    phone_id="new",
    device="thumbprint-new",
    enrolled_at=NOW,
    enrolled_with="code-hash-new",
    lapses_at=NOW + DAY,
    usable_from=None,
)
DIGITS = enrol.digits(NEW)
WRONG = f"{(int(DIGITS) + 1) % 10**6:06}"
BANK = "the bank"
PHONE = "another phone of the person"


def notice_of(change: Change) -> tuple[str, str | None, str, str | None]:
    """What a notice says: its kind, which phone it is about, and who did it."""
    assert isinstance(change, Notify)
    told = change.notice
    assert told.person_id == "anna"
    return told.kind, told.phone_id, told.by, told.by_phone_id


def test_the_digits_are_the_documented_hash_of_key_and_code() -> None:
    text = "endorse-digits-v1\0thumbprint-new\0code-hash-new"
    number = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
    assert f"{number % 1_000_000:06}" == DIGITS
    for name in ("device", "enrolled_with"):
        assert enrol.digits(msgspec.structs.replace(NEW, **{name: "other"})) != DIGITS


@settings(max_examples=30, deadline=None)
@given(seed=st.binary(min_size=1, max_size=8), code=st.text(min_size=1, max_size=50))
def test_phone_and_server_compute_the_same_digits(seed: bytes, code: str) -> None:
    key = DeviceKey.create(lambda size: hashlib.shake_256(seed).digest(size))
    enrolled_with = fingerprint(code)
    phone = msgspec.structs.replace(NEW, device=key.thumbprint, enrolled_with=enrolled_with)
    assert key.digits(code) == enrol.digits(phone)
    assert len(enrol.digits(phone)) == 6


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, PhoneState.PENDING),
        ({"lapses_at": NOW + 1}, PhoneState.PENDING),
        ({"lapses_at": NOW}, PhoneState.LAPSED),
        ({"usable_from": NOW + 1}, PhoneState.WAITING),
        ({"usable_from": NOW}, PhoneState.USABLE),
        ({"usable_from": NOW, "lapses_at": NOW}, PhoneState.USABLE),
        ({"usable_from": NOW, "revoked_at": NOW}, PhoneState.REVOKED),
        ({"revoked_at": NOW}, PhoneState.REVOKED),
    ],
)
def test_the_state_of_a_phone_at_a_time(changed: dict[str, int], state: PhoneState) -> None:
    assert msgspec.structs.replace(NEW, **changed).at(NOW) is state


# --- signing in and acting ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "signs_in", "acts"),
    [
        ({"usable_from": NOW}, None, None),
        ({}, None, "phone_pending"),
        ({"usable_from": NOW + 1}, None, "phone_pending"),
        ({"lapses_at": NOW}, "phone_not_known", "sign_in_required"),
        ({"usable_from": NOW, "revoked_at": NOW}, "phone_not_known", "sign_in_required"),
        ({"usable_from": NOW, "device": "other"}, "phone_not_known", "sign_in_required"),
    ],
)
def test_who_may_sign_in_and_who_may_act(
    changed: dict[str, object], signs_in: str | None, acts: str | None
) -> None:
    phone = msgspec.structs.replace(NEW, **changed)
    for got, wanted in (
        (enrol.known(phone, NEW.device, NOW), signs_in),
        (enrol.admitted(phone, NEW.device, NOW), acts),
    ):
        assert got == phone if wanted is None else getattr(got, "name", None) == wanted


def test_a_phone_that_is_not_there_may_nothing() -> None:
    assert enrol.known(None, "x", NOW) == refusal.PHONE_NOT_KNOWN
    assert getattr(enrol.admitted(None, "x", NOW), "name", None) == "sign_in_required"


def test_a_phone_that_waits_for_its_day_is_told_when_it_ends() -> None:
    phone = msgspec.structs.replace(NEW, usable_from=NOW + 1)
    no = enrol.admitted(phone, NEW.device, NOW)
    assert isinstance(no, refusal.Refusal)
    assert dict(no.also) == {"usable_from": "2027-01-15T08:00:01Z"}


# --- on another phone --------------------------------------------------------------------------


@pytest.mark.parametrize("usable_from", [None, NOW + 100], ids=["pending", "waiting"])
def test_another_phone_of_the_person_makes_it_usable_at_once(usable_from: int | None) -> None:
    new = msgspec.structs.replace(NEW, usable_from=usable_from)
    decision = enrol.confirm([new, ANNA], "new", ANNA, DIGITS, NOW, LAW)
    assert scene.done(decision).at(NOW) is PhoneState.USABLE
    confirmed, told = decision.changes
    assert confirmed == ConfirmPhone(new, NOW, PHONE, ANNA.phone_id)
    assert notice_of(told) == ("phone_confirmed", "new", "phone", ANNA.phone_id)


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(None, id="gone"),
        pytest.param(msgspec.structs.replace(ANNA, revoked_at=NOW), id="revoked"),
        pytest.param(msgspec.structs.replace(ANNA, usable_from=NOW + 1), id="waiting"),
        pytest.param(NEW, id="itself, pending"),
    ],
)
def test_a_phone_that_is_not_usable_itself_confirms_nothing(by: Phone | None) -> None:
    decision = enrol.confirm([NEW, ANNA], "new", by, DIGITS, NOW, LAW)
    assert scene.refused(decision).name == "sign_in_required"
    assert decision.changes == ()


def test_a_phone_of_another_person_finds_nothing_to_confirm() -> None:
    for phones in ([BEN], [BEN, NEW]):
        decision = enrol.confirm(phones, "new", BEN, DIGITS, NOW, LAW)
        assert (decision.answer, decision.changes) == (refusal.PHONE_NOT_FOUND, ())


@pytest.mark.parametrize("changed", [{"revoked_at": NOW}, {"lapses_at": NOW}])
def test_a_phone_that_ended_cannot_be_confirmed(changed: dict[str, int]) -> None:
    over = msgspec.structs.replace(NEW, **changed)
    decision = enrol.confirm([over, ANNA], "new", ANNA, DIGITS, NOW, LAW)
    assert (decision.answer, decision.changes) == (refusal.PHONE_NOT_FOUND, ())
    at_desk = enrol.confirm_at_desk([over, ANNA], DIGITS, NOW, LAW)
    assert (at_desk.answer, at_desk.changes) == (refusal.NO_PHONE_WAITS, ())


def test_confirming_twice_changes_nothing_more() -> None:
    usable = msgspec.structs.replace(NEW, usable_from=NOW)
    decision = enrol.confirm([usable, ANNA], "new", ANNA, DIGITS, NOW + 5, LAW)
    assert (decision.answer, decision.changes) == (usable, ())
    at_desk = enrol.confirm_at_desk([ANNA, usable], DIGITS, NOW + 5, LAW)
    assert (at_desk.answer, at_desk.changes) == (usable, ())


# --- at the desk -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "others",
    [
        [],
        [msgspec.structs.replace(ANNA, revoked_at=NOW)],
        [msgspec.structs.replace(ANNA, usable_from=None, lapses_at=NOW)],
    ],
    ids=["none", "revoked", "lapsed"],
)
def test_the_desk_makes_an_only_phone_usable_at_once(others: list[Phone]) -> None:
    decision = enrol.confirm_at_desk([NEW, *others], DIGITS, NOW, LAW)
    assert scene.done(decision).at(NOW) is PhoneState.USABLE
    confirmed, told = decision.changes
    assert confirmed == ConfirmPhone(NEW, NOW, BANK, None)
    assert notice_of(told) == ("phone_confirmed", "new", "bank", None)


def test_beside_another_phone_what_the_desk_confirms_waits_for_a_day() -> None:
    decision = enrol.confirm_at_desk([NEW, ANNA], DIGITS, NOW, LAW)
    phone = scene.done(decision)
    assert decision.changes[0] == ConfirmPhone(NEW, NOW + DAY, BANK, None)
    assert phone.at(NOW + DAY - 1) is PhoneState.WAITING
    assert phone.at(NOW + DAY) is PhoneState.USABLE


def test_a_second_confirmation_by_the_desk_does_not_lengthen_the_wait() -> None:
    waiting = msgspec.structs.replace(NEW, usable_from=NOW + DAY)
    again = enrol.confirm_at_desk([waiting, ANNA], DIGITS, NOW + 50, LAW)
    assert (again.answer, again.changes) == (waiting, ())
    # The other phone is lost and revoked meanwhile: nobody is left to object.
    alone = enrol.confirm_at_desk([waiting], DIGITS, NOW + 50, LAW)
    confirmed, told = alone.changes
    assert confirmed == ConfirmPhone(waiting, NOW + 50, BANK, None)
    first = enrol.confirm_at_desk([NEW, ANNA], DIGITS, NOW, LAW).changes[1]
    # Otherwise the second notice would pass for the first, and nobody would read it.
    assert isinstance(first, Notify)
    assert isinstance(told, Notify)
    assert first.notice.notice_id != told.notice.notice_id


def test_the_desk_finds_no_phone_where_none_waits() -> None:
    decision = enrol.confirm_at_desk([ANNA], "000000", NOW, LAW)
    assert (decision.answer, decision.changes) == (refusal.NO_PHONE_WAITS, ())


# --- wrong digits ------------------------------------------------------------------------------


@pytest.mark.parametrize("usable_from", [None, NOW + 100], ids=["pending", "waiting"])
def test_the_third_wrong_digits_end_the_phone_whoever_typed_them(usable_from: int | None) -> None:
    phone = msgspec.structs.replace(NEW, usable_from=usable_from)
    for count, left in ((0, 2), (1, 1), (2, 0)):
        counted = msgspec.structs.replace(phone, wrong_digits=count)
        for by, decision in (
            (PHONE, enrol.confirm([counted, ANNA], "new", ANNA, WRONG, NOW, LAW)),
            (BANK, enrol.confirm_at_desk([counted, ANNA], WRONG, NOW, LAW)),
        ):
            no = scene.refused(decision)
            assert (no.name, no.status, dict(no.also)) == (
                "wrong_digits",
                403,
                {"tries_left": left},
            )
            first, *then = decision.changes
            assert first == CountWrongDigits(counted, by)
            assert then[:1] == ([] if left else [RevokePhone(counted, by, None, NOW)])
            assert [notice_of(it)[0] for it in then[1:]] == ([] if left else ["phone_revoked"])


def test_wrong_digits_do_no_harm_to_a_usable_phone() -> None:
    usable = msgspec.structs.replace(NEW, usable_from=NOW, wrong_digits=2)
    decision = enrol.confirm([usable, ANNA], "new", ANNA, WRONG, NOW, LAW)
    assert scene.refused(decision).name == "wrong_digits"
    assert decision.changes == ()


# --- revoking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "actor"),
    [(ANNA, "the phone itself"), (ANNAS_OTHER_PHONE, PHONE), (None, BANK)],
    ids=["itself", "another", "the bank"],
)
def test_a_phone_is_revoked_with_the_journeys_that_it_holds(by: Phone | None, actor: str) -> None:
    held = [scene.claimed(seed="1"), scene.matched(seed="2"), scene.reviewed(seed="3")]
    decision = enrol.revoke(ANNA, "anna", by, held, NOW)
    assert scene.done(decision).revoked_at == NOW
    first, *moves, told = decision.changes
    assert notice_of(told)[:2] == ("phone_revoked", ANNA.phone_id)
    assert first == RevokePhone(ANNA, actor, by.phone_id if by else None, NOW)
    after = [move.after for move in moves if isinstance(move, Move)]
    assert [move.event for move in moves if isinstance(move, Move)] == [Event.REVOKE] * 3
    assert {(one.state, one.reason) for one in after} == {(State.KILLED, "phone_revoked")}


@pytest.mark.parametrize("state", [State.APPROVED, State.REDIRECTED, State.REJECTED])
def test_what_a_phone_has_decided_stays_decided(state: State) -> None:
    decision = enrol.revoke(ANNA, "anna", None, [scene.REACH[state]()], NOW)
    assert [type(change) for change in decision.changes] == [RevokePhone, Notify]


def test_a_journey_whose_time_is_over_needs_no_end() -> None:
    journey = scene.claimed()
    changes = enrol.revoke(ANNA, "anna", None, [journey], journey.expires_at).changes
    assert [type(change) for change in changes] == [RevokePhone, Notify]


def test_a_pending_phone_is_revoked_too() -> None:
    assert enrol.revoke(NEW, "anna", ANNA, (), NOW).changes


def test_revoking_twice_changes_nothing_more() -> None:
    ended = msgspec.structs.replace(ANNA, revoked_at=NOW - 1)
    decision = enrol.revoke(ended, "anna", None, (), NOW)
    assert (decision.answer, decision.changes) == (ended, ())


@pytest.mark.parametrize("phone", [None, BEN], ids=["unknown", "of another person"])
def test_only_the_persons_own_phones_are_found(phone: Phone | None) -> None:
    for by in (None, ANNA):
        decision = enrol.revoke(phone, "anna", by, (), NOW)
        assert (decision.answer, decision.changes) == (refusal.PHONE_NOT_FOUND, ())


def test_a_phone_that_was_revoked_meanwhile_revokes_nothing() -> None:
    ended = msgspec.structs.replace(ANNA, revoked_at=NOW)
    decision = enrol.revoke(ANNAS_OTHER_PHONE, "anna", ended, (), NOW)
    assert scene.refused(decision).name == "sign_in_required"
    assert decision.changes == ()
