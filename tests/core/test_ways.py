"""Each way to a phone: a handle counts for its own journey, while offered, and nowhere else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import approve, connect, ways
from endorse.core.change import FlagClient, Move, NoteTry, Notify
from endorse.core.coding import fingerprint
from endorse.core.journey import Event, State
from endorse.core.model import Hint, Journey, Standing
from tests.core import scene
from tests.core.scene import ANNA, BEN, ISSUER, KEY, LAW, NOTHING, NOW, TERMS, done, refused


def linked(seed: str = "link") -> tuple[Journey, str]:
    """A journey offered to the app on the same device, and the text of its link."""
    answer = done(connect.open_app(scene.waiting(), NOW, scene.fresh_from(seed), LAW))
    return answer.journey, ways.link(ISSUER, answer.lid)


def spelled(now: int = NOW) -> tuple[Journey, str]:
    """A journey with a short code, and its letters."""
    journey = done(connect.spell(scene.waiting(), KEY, now, scene.fresh_from("spell"), LAW))
    return journey, ways.short_code(KEY, journey)


def test_a_link_is_claimed_without_a_number_and_its_code_is_dead_meanwhile() -> None:
    journey, text = linked()
    frame = scene.frame_of(journey)
    assert refused(scene.claim(frame, journey)).name == "code_not_accepted"
    taken = done(scene.claim(text, journey))
    assert (taken.way, taken.number, taken.state) == ("link", None, State.CLAIMED)
    assert done(approve.match(taken, ANNA, None, NOTHING, NOW, LAW)).state is State.MATCHED


def test_a_new_link_kills_the_one_before_and_the_code_kills_both() -> None:
    first, old = linked("one")
    again = done(connect.open_app(first, NOW, scene.fresh_from("two"), LAW))
    new = ways.link(ISSUER, again.lid)
    assert refused(scene.claim(old, again.journey)).name == "code_not_accepted"
    shown = done(connect.show_code(again.journey, NOW, scene.fresh_from("code"), LAW))
    assert shown.qid != first.qid
    assert refused(scene.claim(new, shown)).name == "code_not_accepted"
    assert done(scene.claim(scene.frame_of(shown), shown)).way == "qr"


def test_a_link_past_its_life_does_not_stop_what_reached_another_person_since() -> None:
    journey, text = linked()
    taken = done(scene.claim(text, journey))
    for later, name in ((119, "already_scanned"), (120, "code_not_accepted")):
        second = scene.claim(text, taken, BEN, now=NOW + later)
        assert refused(second).name == name
        assert bool(second.changes) == (name == "already_scanned")


def test_what_went_by_link_is_resumed_only_after_the_return() -> None:
    journey, text = linked()
    taken = done(scene.claim(text, journey))
    reviewed = done(
        scene.chosen(done(approve.match(taken, ANNA, None, NOTHING, NOW, LAW)), "acc-1")
    )
    approved = done(
        approve.approve(reviewed, ANNA, NOTHING, scene.assertion_over(reviewed), TERMS, NOW)
    )
    nonce = ways.return_nonce(KEY, approved)
    assert approved.return_hash == fingerprint(nonce)
    assert not approved.may_resume
    assert refused(connect.come_back(approved, nonce + "x", NOW)).name == "not_found"
    assert refused(connect.come_back(None, nonce, NOW)).name == "not_found"
    back = done(connect.come_back(approved, nonce, NOW))
    assert back.may_resume
    assert connect.come_back(back, nonce, NOW).changes == ()
    late = connect.come_back(approved, nonce, NOW + LAW.resume)
    assert refused(late).name == "wrong_state"


def test_a_short_code_counts_for_five_minutes_however_it_is_typed() -> None:
    journey, letters = spelled()
    assert len(letters) == 8
    assert set(letters) <= set(ways.LETTERS)
    typed = f" {letters[:4].lower()}-{letters[4:].lower()} "
    taken = done(scene.claim(typed, journey, now=NOW + 299))
    assert (taken.way, taken.number is not None) == ("short_code", True)
    assert refused(scene.claim(letters, journey, now=NOW + 300)).name == "code_not_accepted"


def test_a_short_code_stands_while_it_lives_and_keeps_the_request_alive() -> None:
    journey, letters = spelled()
    again = connect.spell(journey, KEY, NOW + 299, scene.fresh_from("again"), LAW)
    assert (done(again), again.changes) == (journey, ())
    assert connect.code_runs_out(journey, NOW + 200, LAW) == 100
    renewed = done(connect.spell(journey, KEY, NOW + 300, scene.fresh_from("again"), LAW))
    assert ways.short_code(KEY, renewed) != letters


def test_wrong_letters_are_noted_and_the_sixth_is_not_even_looked_at() -> None:
    journey, letters = spelled()
    wrong = scene.claim("BBBBBBBB", None)
    assert wrong.changes == (NoteTry("anna", "spelling", NOW),)
    tried = Standing(wrong_spellings=LAW.wrong_spellings)
    assert refused(scene.claim(letters, journey, standing=tried)).name == "slow_down"
    assert done(scene.claim(scene.frame_of(journey), journey, standing=tried)).way == "qr"


@pytest.mark.parametrize("way", ["qr", "link", "short_code"])
def test_a_way_that_is_not_offered_takes_no_claim(way: str) -> None:
    texts = {
        "qr": lambda: (it := scene.waiting(), scene.frame_of(it)),
        "link": linked,
        "short_code": spelled,
    }
    journey, text = texts[way]()
    others = tuple(it for it in LAW.ways if it != way)
    without = msgspec.structs.replace(journey, ways=others)
    assert refused(scene.claim(text, without)).name == "code_not_accepted"
    assert done(scene.claim(text, journey)).way == way


def test_the_page_offers_only_the_ways_of_its_journey() -> None:
    only_qr = msgspec.structs.replace(scene.waiting(), ways=("qr",))
    fresh = scene.fresh_from("no")
    assert refused(connect.open_app(only_qr, NOW, fresh, LAW)).name == "way_not_offered"
    assert refused(connect.spell(only_qr, KEY, NOW, fresh, LAW)).name == "way_not_offered"


def test_a_client_takes_away_ways_and_adds_none() -> None:
    client = msgspec.structs.replace(scene.CLIENT, ways=("qr", "near"))
    assert ways.offered(scene.CLIENT, LAW) == LAW.ways
    assert ways.offered(client, LAW) == ("qr",)


@settings(max_examples=50, deadline=None)
@given(st.text() | st.text().map(lambda it: f"{ISSUER}/a#{it}") | st.text(ways.LETTERS))
def test_any_text_can_be_given_to_a_phone(text: str) -> None:
    journey, _ = linked()
    assert refused(scene.claim(text, journey)).name == "code_not_accepted"


# --- the number, the risk, and other journeys ----------------------------------------------------


def test_a_wrong_number_ends_the_journey_and_is_remembered() -> None:
    journey = scene.claimed()
    wrong = approve.match(journey, ANNA, scene.number(journey) + 1, NOTHING, NOW, LAW)
    assert refused(wrong).name == "number_wrong"
    move, tried = wrong.changes
    assert isinstance(move, Move)
    assert (move.event, move.after.state, move.after.reason) == (
        Event.MISMATCH,
        State.KILLED,
        "wrong_number",
    )
    assert tried == NoteTry("anna", "number", NOW)


def test_a_missing_number_is_no_try() -> None:
    missing = approve.match(scene.claimed(), ANNA, None, NOTHING, NOW, LAW)
    assert (refused(missing).name, missing.changes) == ("number_missing", ())


def test_every_number_has_two_digits_and_all_of_them_come() -> None:
    drawn = {scene.claimed(seed=str(it)).number for it in range(700)}
    assert drawn == set(range(10, 100))


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_the_third_wrong_number_stops_the_persons_claims_and_all_their_phones_are_told(
    before: int,
) -> None:
    journey, standing = scene.claimed(), Standing(wrong_numbers=before)
    wrong = approve.match(journey, ANNA, scene.number(journey) + 1, standing, NOW, LAW)
    _, tried, *stopped = wrong.changes
    assert tried == NoteTry("anna", "number", NOW)
    if before < 2:
        assert stopped == []
        return
    stop, told = stopped
    assert stop == NoteTry("anna", "stop", NOW)
    assert isinstance(told, Notify)
    notice = told.notice
    assert (notice.person_id, notice.kind, notice.by) == ("anna", "claims_stopped", "misuse")
    assert (notice.phone_id, notice.by_phone_id) == (ANNA.phone_id, None)


def test_who_is_stopped_is_not_told_again() -> None:
    journey, standing = scene.claimed(), Standing(wrong_numbers=3, stopped=True)
    wrong = approve.match(journey, ANNA, scene.number(journey) + 1, standing, NOW, LAW)
    assert [type(change) for change in wrong.changes] == [Move, NoteTry]


def test_no_claim_of_somebody_who_is_stopped_is_taken() -> None:
    journey = scene.waiting()
    answer = scene.claim(scene.frame_of(journey), journey, standing=Standing(stopped=True))
    assert (refused(answer).name, answer.changes) == ("claims_stopped", ())
    near = msgspec.structs.replace(journey, ways=("near",))
    hint, fresh = Hint(), scene.fresh_from("near")
    answer = approve.come_near(near, ANNA, Standing(stopped=True), hint, NOW, fresh, LAW)
    assert (refused(answer).name, answer.changes) == ("claims_stopped", ())


def test_the_same_phone_again_does_not_draw_the_number_anew() -> None:
    journey = scene.claimed()
    again = scene.claim(scene.frame_of(journey), journey, seed="another")
    assert (done(again), again.changes) == (journey, ())


def test_a_red_verdict_ends_the_journey_before_the_phone_has_it() -> None:
    journey = scene.waiting()
    answer = scene.claim(scene.frame_of(journey), journey, hint=Hint("red", ("hosting_network",)))
    assert refused(answer).name == "risk_too_high"
    [move] = answer.changes
    assert isinstance(move, Move)
    assert (move.after.state, move.after.reason) == (State.KILLED, "risk")
    assert move.after.phone_id is None


def test_under_a_warning_an_approval_counts_after_ten_seconds() -> None:
    waiting = scene.waiting()
    hint = Hint("amber", ("new_browser",))
    journey = done(scene.claim(scene.frame_of(waiting), waiting, hint=hint))
    matched = done(approve.match(journey, ANNA, journey.number, NOTHING, NOW, LAW))
    reviewed = done(scene.chosen(matched, "acc-1"))
    signed = scene.assertion_over(reviewed)
    early = approve.approve(reviewed, ANNA, NOTHING, signed, TERMS, NOW + 9)
    assert (refused(early).name, refused(early).also) == ("too_early", (("wait", 1),))
    assert approve.approve(reviewed, ANNA, NOTHING, signed, TERMS, NOW + 10).changes


def test_a_seventh_approval_within_an_hour_is_refused() -> None:
    journey = scene.reviewed()
    busy = Standing(approvals=6)
    answer = approve.approve(journey, ANNA, busy, scene.assertion_over(journey), TERMS, NOW)
    assert refused(answer).name == "slow_down"


def test_a_new_claim_ends_the_persons_older_one() -> None:
    older, newer = scene.matched(seed="older"), scene.waiting(seed="newer")
    standing = Standing(live=(older,))
    answer = scene.claim(scene.frame_of(newer), newer, standing=standing)
    ended, taken = answer.changes
    assert isinstance(ended, Move)
    assert isinstance(taken, Move)
    assert (ended.after.journey_id, ended.after.state) == (older.journey_id, State.KILLED)
    assert (ended.after.reason, taken.after.state) == ("superseded", State.CLAIMED)


def test_who_did_not_start_this_ends_all_of_that_browser_and_flags_the_client() -> None:
    journey, other = scene.claimed(), scene.waiting(seed="other")
    over = scene.ended(scene.waiting(seed="over"), State.CANCELLED)
    answer = approve.disown(journey, ANNA, (journey, other, over), NOW)
    assert done(answer).state is State.REJECTED
    first, second, flag = answer.changes
    assert isinstance(first, Move)
    assert isinstance(second, Move)
    assert (first.event, second.event) == (Event.DISOWN, Event.CALL_OFF)
    assert (second.after.journey_id, second.after.reason) == (other.journey_id, "disowned")
    assert flag == FlagClient("app", journey.journey_id, NOW)
    assert refused(approve.disown(journey, BEN, (), NOW)).name == "not_found"


def test_the_near_way_needs_no_number_and_only_where_it_is_offered() -> None:
    journey = msgspec.structs.replace(scene.waiting(), ways=("near",))
    fresh = scene.fresh_from("near")
    taken = done(approve.come_near(journey, ANNA, NOTHING, scene.GREEN, NOW, fresh, LAW))
    assert (taken.way, taken.number, taken.phone_id) == ("near", None, ANNA.phone_id)
    elsewhere = approve.come_near(scene.waiting(), ANNA, NOTHING, scene.GREEN, NOW, fresh, LAW)
    assert refused(elsewhere).name == "way_not_offered"
    frame = scene.frame_of(journey)
    assert refused(scene.claim(frame, journey)).name == "code_not_accepted"
