"""Clients that poll: what each call is answered, how often, and that the tokens come once."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import approve, authorize, connect, device, polling
from endorse.core.change import CountPoll, Decision, MakeGrant, Move
from endorse.core.journey import Event, State
from endorse.core.model import Client, Journey, Poll, Request, Trusted
from endorse.core.redeem import Tokens
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import ANNA, CLIENT, ISSUER, KEY, LAW, NOW, OTHER_CLIENT, TERMS

POLL = Poll(
    poll_hash="poll",
    kind="device",
    client_id="app",
    request=Request(Trusted("app", ""), ("accounts",), None, None),
    user_code_hash="letters",
    created_at=NOW,
    expires_at=NOW + LAW.device,
    every=LAW.poll_every,
)


def polled(journey: Journey) -> Journey:
    """The same journey, of a client that polls."""
    return msgspec.structs.replace(journey, poll_hash=POLL.poll_hash, polls_until=POLL.expires_at)


def collect(
    journey: Journey | None, poll: Poll | None = POLL, client: Client = CLIENT, now: int = NOW
) -> Decision[Tokens]:
    fresh = scene.fresh_from("poll")
    return polling.collect(client, "device", poll, journey, ANNA, None, TERMS, now, fresh)


def error(decision: Decision[Tokens]) -> str:
    return scene.refused(decision).error


@pytest.mark.spec("RFC 8628 3.5", "authorization_pending while the person has not decided")
@pytest.mark.parametrize("state", [None, State.WAITING, State.CLAIMED, State.MATCHED, State.REVIEW])
def test_whoever_polls_before_the_decision_is_told_to_ask_again(state: State | None) -> None:
    journey = None if state is None else polled(scene.REACH[state]())
    decision = collect(journey)
    assert error(decision) == "authorization_pending"
    (counted,) = decision.changes
    assert isinstance(counted, CountPoll)
    assert (counted.after.polled_at, counted.after.every) == (NOW, 5)


@pytest.mark.spec("RFC 8628 3.5", "access_denied when the person refused")
@pytest.mark.parametrize("state", [State.REJECTED, State.CANCELLED, State.KILLED])
def test_a_no_is_told(state: State) -> None:
    assert error(collect(polled(scene.REACH[state]()))) == "access_denied"


@pytest.mark.spec("RFC 8628 3.5", "expired_token when the device code has expired")
def test_after_the_end_it_is_over_whatever_the_person_does() -> None:
    over = POLL.expires_at
    for journey in (None, polled(scene.waiting()), polled(scene.approved())):
        assert error(collect(journey, now=over)) == "expired_token"
    assert error(collect(polled(scene.REACH[State.EXPIRED]()))) == "expired_token"


def test_a_person_can_decide_no_longer_than_the_client_polls() -> None:
    journey = msgspec.structs.replace(polled(scene.reviewed()), polls_until=NOW + 9)
    assert journey.at(NOW + 8) is State.REVIEW
    assert journey.at(NOW + 9) is State.EXPIRED


def test_the_approval_brings_a_grant_and_tokens() -> None:
    decision = collect(polled(scene.approved()))
    assert scene.done(decision).scope == scene.REQUEST.scope
    moves = [change for change in decision.changes if isinstance(change, Move)]
    assert [(move.event, move.after.state) for move in moves] == [(Event.COLLECT, State.REDEEMED)]
    assert any(isinstance(change, MakeGrant) for change in decision.changes)


def test_a_handle_that_brought_tokens_brings_no_more_and_ends_nothing() -> None:
    journey = polled(scene.approved())
    move = next(it for it in collect(journey).changes if isinstance(it, Move))
    again = collect(move.after)
    assert (error(again), again.changes) == ("invalid_grant", ())


@pytest.mark.parametrize("poll", [None, POLL], ids=["unknown", "another client's"])
def test_another_clients_handle_is_as_good_as_unknown(poll: Poll | None) -> None:
    decision = collect(polled(scene.approved()), poll, OTHER_CLIENT)
    known = collect(None, None)
    assert (error(decision), decision.changes) == ("invalid_grant", ())
    assert decision.answer == known.answer


def test_a_handle_is_good_for_its_own_grant_type_alone() -> None:
    journey = polled(scene.approved())
    fresh = scene.fresh_from("poll")
    decision = polling.collect(CLIENT, "ciba", POLL, journey, ANNA, None, TERMS, NOW, fresh)
    assert (error(decision), decision.changes) == ("invalid_grant", ())


@pytest.mark.spec("RFC 8628 3.5", "slow_down raises the interval by five seconds, for good")
def test_who_polls_too_soon_must_wait_five_seconds_longer_each_time() -> None:
    poll = POLL
    waits = []
    for _ in range(3):
        counted = collect(None, poll, now=NOW + 1).changes[0]
        assert isinstance(counted, CountPoll)
        waits.append(counted.after.every)
        poll = counted.after
    assert waits == [5, 10, 15]
    assert error(collect(None, poll, now=NOW + 10)) == "slow_down"
    assert error(collect(None, poll, now=NOW + 16)) == "authorization_pending"


def test_an_approval_is_not_handed_to_who_polls_too_soon() -> None:
    poll = msgspec.structs.replace(POLL, polled_at=NOW)
    decision = collect(polled(scene.approved()), poll, now=NOW + 3)
    assert error(decision) == "slow_down"
    assert [type(change) for change in decision.changes] == [CountPoll]


@pytest.mark.parametrize("state", list(State))
def test_no_browser_is_ever_sent_to_a_client_that_polls(state: State) -> None:
    journey = polled(scene.REACH[state]())
    decision = authorize.reply(journey, NOW, KEY, ISSUER, LAW)
    assert isinstance(decision.answer, Refusal)
    assert decision.changes == ()


def test_an_approval_waits_for_the_next_poll_however_slow() -> None:
    review = polled(scene.reviewed())
    signed = scene.assertion_over(review)
    done = approve.approve(review, ANNA, scene.NOTHING, signed, TERMS, NOW)
    assert scene.done(done).at(NOW + LAW.collect - 1) is State.APPROVED


@pytest.mark.spec("RFC 8628 3.2", "device code, user code, lifetime and interval are answered")
def test_a_device_gets_two_codes_and_only_hashes_are_kept() -> None:
    able = msgspec.structs.replace(
        CLIENT,
        metadata=msgspec.structs.replace(CLIENT.metadata, grant_types=(device.GRANT_TYPE,)),
    )
    asked = scene.params(scope="accounts")
    decision = device.begin(asked, able, TERMS, NOW, scene.fresh_from("device"))
    offered = scene.done(decision)
    assert len(offered.user_code) == 9
    assert (offered.expires_in, offered.interval) == (600, 5)
    kept = repr(decision.changes)
    assert offered.device_code.reveal() not in kept
    assert offered.user_code.replace("-", "") not in kept


def test_a_client_that_is_not_registered_for_devices_is_refused() -> None:
    decision = device.begin(scene.params(), CLIENT, TERMS, NOW, scene.fresh_from("device"))
    assert scene.refused(decision).error == "unauthorized_client"


@pytest.mark.parametrize(
    ("poll", "taken", "now"),
    [(None, False, NOW), (POLL, True, NOW), (POLL, False, POLL.expires_at)],
    ids=["unknown", "taken", "over"],
)
def test_letters_that_do_not_count_all_have_one_answer(
    poll: Poll | None, taken: bool, now: int
) -> None:
    answer = device.startable(poll, taken, now)
    assert isinstance(answer, Refusal)
    assert answer == device.startable(None, False, NOW)


def test_a_journey_of_a_poll_carries_it() -> None:
    begun = connect.begin(
        POLL.request, ISSUER, scene.BROWSER, LAW.ways, NOW, scene.fresh_from("x"), LAW, poll=POLL
    )
    journey = scene.done(begun).journey
    assert (journey.poll_hash, journey.polls_until) == (POLL.poll_hash, POLL.expires_at)
