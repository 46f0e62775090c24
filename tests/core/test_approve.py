"""What the page and the phone may do: begin, claim, match, review, approve, refuse, cancel."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
import rfc8785

from endorse.core import approve, authorize, connect, consent
from endorse.core.change import Begin, CountUp, Decision, Move, NoteTry
from endorse.core.coding import b64url, fingerprint, sha256
from endorse.core.journey import State
from endorse.core.model import Journey, Phone, Request, SharedAccount
from endorse.core.proof import Assertion
from tests.core import scene
from tests.core.scene import (
    ANNA,
    ANNAS_OTHER_PHONE,
    BEN,
    CLIENT,
    ISSUER,
    LAW,
    NOW,
    claimed,
    done,
    matched,
    refused,
    reviewed,
    waiting,
)


def scan(journey: Journey, phone: Phone, now: int = NOW) -> Decision[Journey]:
    """A claim by this phone with a frame that is on the screen now."""
    text = scene.frame_of(journey, now=now)
    return scene.claim(text, journey, phone, now)


def sign(journey: Journey, assertion: Assertion, phone: Phone = ANNA) -> Decision[Journey]:
    """An approval with this assertion."""
    return approve.approve(journey, phone, scene.NOTHING, assertion, scene.TERMS, NOW)


def document(journey: Journey) -> dict[str, object]:
    """The consent document, read by a plain JSON reader."""
    read: dict[str, object] = json.loads(journey.document or "")
    return read


# --- begin -----------------------------------------------------------------------------------


def test_a_beginning_stores_the_browsers_secret_as_its_hash_only() -> None:
    decision = connect.begin(
        scene.REQUEST, ISSUER, scene.BROWSER, LAW.ways, NOW, scene.fresh_from("b"), LAW
    )
    begun = done(decision)
    assert begun.journey.browser_hash == fingerprint(begun.browser_secret)
    assert decision.changes == (Begin(begun.journey),)
    assert begun.browser_secret not in msgspec.json.encode(begun.journey).decode()
    assert begun.journey.digest == authorize.digest(scene.REQUEST, ISSUER)


def test_two_beginnings_share_no_handle() -> None:
    one, two = waiting(seed="one"), waiting(seed="two")
    for name in ("journey_id", "short", "qid", "browser_hash"):
        assert getattr(one, name) != getattr(two, name)
    assert len({one.journey_id, one.short, one.qid}) == 3


# --- new code --------------------------------------------------------------------------------


def test_a_new_code_is_to_be_had_only_when_the_old_one_lapsed() -> None:
    journey = waiting()
    fresh = scene.fresh_from("new")
    early = connect.new_code(journey, NOW + 119, fresh, LAW)
    assert refused(early).name == "wrong_state"
    renewed = done(connect.new_code(journey, NOW + 120, fresh, LAW))
    assert renewed.qid != journey.qid
    assert (renewed.code_from, renewed.codes) == (NOW + 120, 2)
    assert renewed.expires_at == journey.expires_at
    assert connect.code_runs_out(renewed, NOW + 121, LAW) == 119


def test_a_fourth_new_code_is_refused() -> None:
    journey, now = waiting(), NOW
    for left in (3, 2, 1):
        assert connect.codes_left(journey, LAW) == left
        now += 120
        journey = done(connect.new_code(journey, now, scene.fresh_from(str(left)), LAW))
    assert connect.codes_left(journey, LAW) == 0
    again = connect.new_code(journey, now + 119 + 1, scene.fresh_from("4"), LAW)
    assert refused(again).name == "wrong_state"


# --- claim -----------------------------------------------------------------------------------


def test_the_first_phone_wins() -> None:
    journey = waiting()
    decision = scan(journey, ANNA)
    won = done(decision)
    assert (won.state, won.person_id, won.phone_id) == (State.CLAIMED, "anna", "phone-anna")
    assert (won.claimed_at, won.expires_at) == (NOW, NOW + 120)
    assert len(decision.changes) == 1


def test_the_same_phone_again_is_harmless_and_changes_nothing() -> None:
    journey = claimed()
    assert scan(journey, ANNA, NOW + 100) == Decision(journey)


def test_a_second_scan_by_another_person_stops_the_journey() -> None:
    decision = scan(claimed(), BEN)
    no = refused(decision)
    assert (no.error, no.status) == ("already_scanned", 409)
    (move,) = decision.changes
    assert isinstance(move, Move)
    assert (move.after.state, move.after.reason) == (State.KILLED, "already_scanned")
    assert move.after.person_id == "anna"


def test_another_phone_of_the_same_person_is_refused_without_stopping_it() -> None:
    decision = scan(claimed(), ANNAS_OTHER_PHONE)
    assert refused(decision).error == "code_not_accepted"
    assert decision.changes == ()


def test_every_failed_claim_has_the_one_same_answer() -> None:
    journey = waiting()
    fresh = scene.frame_of(journey)
    lapsed = NOW + LAW.code_shown
    tries = {
        "unknown code": scene.claim(fresh, None, BEN),
        "no frame": scene.claim("hello", journey, BEN),
        "another code": scene.claim(fresh, waiting(seed="x"), BEN),
        "other issuer": scene.claim(fresh, journey, BEN, issuer="https://b.example"),
        "bad mac": scene.claim(fresh[:-2] + "AA", journey, BEN),
        "too old": scene.claim(fresh, journey, BEN, now=NOW + 7),
        "of the future": scene.claim(fresh, journey, BEN, now=NOW - 2),
        "lapsed": scan(journey, BEN, lapsed),
        "expired": scan(journey, BEN, journey.expires_at),
        "matched": scan(matched(), BEN),
        "in review": scan(reviewed(), BEN),
        "approved": scan(scene.approved(), BEN),
        "cancelled": scan(scene.REACH[State.CANCELLED](), BEN),
        "claimed, bad mac": scene.claim(fresh[:-2] + "AA", claimed(), BEN),
    }
    seen = set()
    for what, decision in tries.items():
        no = refused(decision)
        assert decision.changes == (), what
        seen.add((no.name, no.error, no.status, no.told, no.spec))
    assert len(seen) == 1


def test_a_stale_frame_of_another_person_does_not_stop_a_claimed_journey() -> None:
    journey = claimed()
    late = scene.claim(scene.frame_of(journey), journey, BEN, now=NOW + 7)
    assert late.changes == ()


def test_the_last_second_of_a_code_counts_and_the_next_does_not() -> None:
    journey = waiting()
    assert scan(journey, ANNA, NOW + 119).changes
    assert not scan(journey, ANNA, NOW + 120).changes


# --- who holds it ----------------------------------------------------------------------------


@pytest.mark.parametrize("phone", [BEN, ANNAS_OTHER_PHONE])
def test_to_a_phone_that_did_not_claim_it_a_journey_does_not_exist(phone: Phone) -> None:
    journey = reviewed()
    tries = [
        approve.match(claimed(), phone, claimed().number, scene.NOTHING, NOW, LAW),
        scene.chosen(matched(), "acc-1", phone=phone),
        approve.edit(journey, phone, NOW, LAW),
        sign(journey, scene.assertion_over(journey, phone), phone),
        approve.refuse(journey, phone, NOW),
        approve.match(None, phone, 10, scene.NOTHING, NOW, LAW),
        approve.match(waiting(), phone, 10, scene.NOTHING, NOW, LAW),
    ]
    for decision in tries:
        no = refused(decision)
        assert (no.error, no.status, decision.changes) == ("not_found", 404, ())


# --- review ----------------------------------------------------------------------------------


def test_the_document_says_everything_that_is_agreed_and_nothing_else() -> None:
    journey = done(scene.chosen(matched(), "acc-3", "acc-1"))
    said = document(journey)
    nonce = said.pop("nonce")
    assert isinstance(nonce, str)
    assert len(nonce) == 22
    assert said == {
        "type": "endorse-consent-v1",
        "issuer": ISSUER,
        "request": journey.digest,
        "person": "anna",
        "device": "thumbprint-anna",
        "client": {
            "client_id": "app",
            "name": "Budget & Co",
            "legal_name": "Budget & Co B.V.",
            "verified": True,
        },
        "scope": ["accounts", "balances", "transactions", "offline_access"],
        "accounts": [
            {
                "resourceId": "acc-1",
                "iban": "NL91ABNA0417164300",
                "name": "Current",
                "currency": "EUR",
            },
            {"resourceId": "acc-3", "iban": None, "name": None, "currency": "USD"},
        ],
        "recurring": True,
        "valid_until": consent.timestamp(NOW + CLIENT.duration),
        "locale": "en",
        "texts": "1",
    }


def test_the_document_is_canonical_json_and_the_challenge_its_tagged_hash() -> None:
    owned = [SharedAccount("acc-é", None, 'Zoë\'s "pot" \U0001f4b6', "EUR")]
    choice = approve.Choice(["acc-é"], owned, "en")
    decision = approve.review(
        matched(), ANNA, CLIENT, choice, scene.TERMS, NOW, scene.fresh_from("r")
    )
    journey = done(decision)
    text = journey.document or ""
    assert text.encode() == rfc8785.dumps(json.loads(text))
    tagged = b"endorse-consent-v1" + b"\x00" + text.encode()
    assert journey.challenge == b64url(sha256(tagged))


def test_two_equal_reviews_have_two_challenges() -> None:
    journey = matched()
    one = done(scene.chosen(journey, "acc-1", seed="one"))
    two = done(scene.chosen(journey, "acc-1", seed="two"))
    assert one.challenge != two.challenge
    first, second = document(one), document(two)
    assert first.pop("nonce") != second.pop("nonce")
    assert first == second


def test_a_document_names_no_more_accounts_than_the_policy_allows() -> None:
    owned = [SharedAccount(f"acc-{it}", None, None, "EUR") for it in range(LAW.accounts_chosen + 1)]

    def reviewed(count: int) -> Decision[Journey]:
        chosen = [account.resource_id for account in owned[:count]]
        choice = approve.Choice(chosen, owned, "en")
        fresh = scene.fresh_from("r")
        return approve.review(matched(), ANNA, CLIENT, choice, scene.TERMS, NOW, fresh)

    assert done(reviewed(LAW.accounts_chosen)).document
    assert refused(reviewed(LAW.accounts_chosen + 1)).error == "accounts_not_accepted"


@pytest.mark.parametrize(
    "accounts",
    [(), ("acc-4",), ("acc-1", "acc-4"), ("acc-1", "acc-1"), ("",), ("acc-1 acc-2",)],
)
def test_only_owned_accounts_each_once_and_at_least_one(accounts: tuple[str, ...]) -> None:
    decision = scene.chosen(matched(), *accounts)
    assert refused(decision).error == "accounts_not_accepted"
    assert decision.changes == ()


def test_a_request_without_offline_access_ends_within_minutes() -> None:
    journey = done(scene.chosen(matched(scene.ONCE), "acc-1"))
    said = document(journey)
    assert said["recurring"] is False
    assert said["valid_until"] == consent.timestamp(NOW + 300 + 60 + 60 + 300)


@pytest.mark.parametrize("request_", [scene.REQUEST, scene.ONCE], ids=["recurring", "once"])
def test_what_is_shown_first_as_the_end_is_what_is_signed(request_: Request) -> None:
    journey = matched(request_)
    shown = consent.valid_until(journey, CLIENT, LAW)
    signed = document(done(scene.chosen(journey, "acc-1", now=NOW + 100)))["valid_until"]
    assert signed == consent.timestamp(shown)


def test_no_grant_lasts_longer_than_the_law_allows() -> None:
    long = msgspec.structs.replace(CLIENT, duration=1000 * 86400)
    journey = done(scene.chosen(matched(), "acc-1", client=long))
    assert document(journey)["valid_until"] == consent.timestamp(NOW + 180 * 86400)


def test_a_time_is_written_in_utc_to_the_second() -> None:
    assert consent.timestamp(0) == "1970-01-01T00:00:00Z"
    assert consent.timestamp(1_800_000_000) == "2027-01-15T08:00:00Z"


# --- edit and approve ------------------------------------------------------------------------


def test_after_an_edit_the_old_challenge_is_dead() -> None:
    first = reviewed()
    edited = done(approve.edit(first, ANNA, NOW, LAW))
    assert (edited.state, edited.document, edited.challenge) == (State.MATCHED, None, None)
    again = done(scene.chosen(edited, "acc-1", "acc-3", seed="again"))
    assert refused(sign(edited, scene.assertion_over(first))).error == "wrong_state"
    old = sign(again, scene.assertion_over(first))
    assert refused(old).error == "passkey_not_accepted"
    assert old.changes == ()
    assert done(sign(again, scene.assertion_over(again))).state is State.APPROVED


def test_an_edit_at_the_choice_changes_nothing_and_is_for_the_phone_that_holds_it_alone() -> None:
    journey = matched()
    decision = approve.edit(journey, ANNA, NOW, LAW)
    assert (done(decision), decision.changes) == (journey, ())
    assert refused(approve.edit(journey, BEN, NOW, LAW)).error == "not_found"
    assert refused(approve.edit(journey, ANNA, journey.expires_at, LAW)).error == "wrong_state"


def test_an_approval_keeps_the_signature_as_evidence() -> None:
    journey = reviewed()
    approved = done(sign(journey, scene.assertion_over(journey)))
    assert approved.assertion == '{"signed":true}'
    assert (approved.document, approved.approved_at) == (journey.document, NOW)
    assert approved.expires_at == NOW + LAW.resume


def test_an_approval_counts_the_passkey_up_in_the_same_decision() -> None:
    journey = reviewed()
    decision = sign(journey, scene.assertion_over(journey, sign_count=7))
    assert [type(change) for change in decision.changes] == [Move, NoteTry, CountUp]
    assert decision.changes[2] == CountUp("phone-anna", 7)
    assert len(sign(journey, scene.assertion_over(journey)).changes) == 2


def test_a_counter_that_did_not_go_on_since_the_signature_was_verified_is_refused() -> None:
    """The phone was read again in the turn: the same answer, or a copy's, was counted before."""
    journey, counted = reviewed(), msgspec.structs.replace(ANNA, sign_count=7)
    for sign_count in (0, 6, 7):
        again = scene.assertion_over(journey, sign_count=sign_count)
        assert refused(sign(journey, again, counted)).error == "passkey_not_accepted"
    assert sign(journey, scene.assertion_over(journey, sign_count=8), counted).changes


def test_an_assertion_over_another_document_is_refused() -> None:
    journey, other = reviewed(), reviewed(seed="other")
    decision = sign(journey, scene.assertion_over(other))
    assert refused(decision).error == "passkey_not_accepted"
    assert decision.changes == ()


def test_an_assertion_of_another_credential_is_refused() -> None:
    journey = reviewed()
    theirs = msgspec.structs.replace(
        scene.assertion_over(journey), credential_id=ANNAS_OTHER_PHONE.credential_id
    )
    assert refused(sign(journey, theirs)).error == "passkey_not_accepted"


def test_a_review_without_a_challenge_can_never_be_approved() -> None:
    journey = msgspec.structs.replace(reviewed(), challenge=None)
    assert refused(sign(journey, scene.assertion_over(journey))).error == "passkey_not_accepted"


# --- time ------------------------------------------------------------------------------------


def test_each_touch_gives_two_minutes_and_all_of_them_five() -> None:
    journey, now = claimed(), NOW
    ends = []
    steps: list[Callable[[Journey, int], Decision[Journey]]] = [
        lambda j, t: approve.match(j, ANNA, j.number, scene.NOTHING, t, LAW),
        lambda j, t: scene.chosen(j, "acc-1", now=t),
        lambda j, t: approve.edit(j, ANNA, t, LAW),
        lambda j, t: scene.chosen(j, "acc-1", now=t),
    ]
    for step in steps:
        now += 70
        journey = done(step(journey, now))
        ends.append(journey.expires_at - NOW)
    assert ends == [190, 260, 300, 300]


def test_two_minutes_without_a_touch_end_it() -> None:
    journey = claimed()
    assert approve.match(journey, ANNA, journey.number, scene.NOTHING, NOW + 119, LAW).changes
    late = approve.match(journey, ANNA, journey.number, scene.NOTHING, NOW + 120, LAW)
    assert refused(late).told == "The request is in the state expired."


def test_ten_minutes_of_waiting_end_it() -> None:
    journey = waiting()
    assert connect.cancel(journey, NOW + 599).changes
    assert refused(connect.cancel(journey, NOW + 600)).name == "wrong_state"


def test_no_and_cancel_are_final() -> None:
    rejected = done(approve.refuse(reviewed(), ANNA, NOW))
    cancelled = done(connect.cancel(reviewed(), NOW))
    assert (rejected.state, cancelled.state) == (State.REJECTED, State.CANCELLED)
    for over in (rejected, cancelled):
        assert refused(sign(over, scene.assertion_over(over))).error == "wrong_state"
