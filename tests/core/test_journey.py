"""The table of states: what may follow what, and that no operation does anything else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import approve, authorize, connect
from endorse.core.change import Change, Decision, Move
from endorse.core.journey import FINAL, LIVE, STEPS, Event, State, allows
from endorse.core.model import Journey, Phone
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import ANNA, BEN, ISSUER, KEY, LAW, NOTHING, NOW

# Written out once more on purpose: the table in the code may not grow by accident.
TABLE = {
    (State.WAITING, Event.NEW_CODE): State.WAITING,
    (State.WAITING, Event.CLAIM): State.CLAIMED,
    (State.CLAIMED, Event.SPOIL): State.KILLED,
    (State.CLAIMED, Event.MATCH): State.MATCHED,
    (State.MATCHED, Event.REVIEW): State.REVIEW,
    (State.REVIEW, Event.EDIT): State.MATCHED,
    (State.REVIEW, Event.APPROVE): State.APPROVED,
    (State.CLAIMED, Event.REFUSE): State.REJECTED,
    (State.MATCHED, Event.REFUSE): State.REJECTED,
    (State.REVIEW, Event.REFUSE): State.REJECTED,
    (State.CLAIMED, Event.REVOKE): State.KILLED,
    (State.MATCHED, Event.REVOKE): State.KILLED,
    (State.REVIEW, Event.REVOKE): State.KILLED,
    (State.WAITING, Event.CANCEL): State.CANCELLED,
    (State.CLAIMED, Event.CANCEL): State.CANCELLED,
    (State.MATCHED, Event.CANCEL): State.CANCELLED,
    (State.REVIEW, Event.CANCEL): State.CANCELLED,
    (State.APPROVED, Event.RESUME): State.REDIRECTED,
    (State.REDIRECTED, Event.REDEEM): State.REDEEMED,
    (State.APPROVED, Event.COLLECT): State.REDEEMED,
    (State.WAITING, Event.EXPIRE): State.EXPIRED,
    (State.CLAIMED, Event.EXPIRE): State.EXPIRED,
    (State.MATCHED, Event.EXPIRE): State.EXPIRED,
    (State.REVIEW, Event.EXPIRE): State.EXPIRED,
    (State.APPROVED, Event.EXPIRE): State.EXPIRED,
    (State.REDIRECTED, Event.EXPIRE): State.EXPIRED,
}

TABLE |= {
    **{(State.WAITING, it): State.WAITING for it in (Event.OPEN_APP, Event.SHOW_CODE, Event.SPELL)},
    (State.WAITING, Event.COME_NEAR): State.CLAIMED,
    (State.WAITING, Event.TAKE): State.CLAIMED,
    (State.WAITING, Event.BAR): State.KILLED,
    (State.CLAIMED, Event.MISMATCH): State.KILLED,
    (State.APPROVED, Event.RETURN): State.APPROVED,
    **{
        (state, event): target
        for state in (State.CLAIMED, State.MATCHED, State.REVIEW)
        for event, target in (
            (Event.SUPERSEDE, State.KILLED),
            (Event.DISOWN, State.REJECTED),
            (Event.CALL_OFF, State.KILLED),
        )
    },
    (State.WAITING, Event.CALL_OFF): State.KILLED,
}

Operation = Callable[[Journey, Phone, int], Decision[Any]]


def _approve(journey: Journey, phone: Phone, now: int) -> Decision[Any]:
    return approve.approve(
        journey, phone, scene.NOTHING, scene.assertion_over(journey, phone), scene.TERMS, now
    )


def _claim(journey: Journey, phone: Phone, now: int) -> Decision[Any]:
    frame = scene.frame_of(journey, now=max(now, journey.code_from))
    return scene.claim(frame, journey, phone, now)


OPERATIONS: dict[Event, Operation] = {
    Event.NEW_CODE: lambda j, _, now: connect.new_code(j, now, scene.fresh_from("new"), LAW),
    Event.CLAIM: _claim,
    Event.MATCH: lambda j, phone, now: approve.match(j, phone, j.number, NOTHING, now, LAW),
    Event.REVIEW: lambda j, phone, now: scene.chosen(j, "acc-1", now=now, phone=phone),
    Event.EDIT: lambda j, phone, now: approve.edit(j, phone, now, LAW),
    Event.APPROVE: _approve,
    Event.REFUSE: approve.refuse,
    Event.CANCEL: lambda j, _, now: connect.cancel(j, now),
    Event.RESUME: lambda j, _, now: authorize.reply(j, now, KEY, ISSUER, LAW),
    Event.REDEEM: lambda j, _, now: scene.redemption(j, now),
}

JOURNEYS = {state: reach() for state, reach in scene.REACH.items()}


def moves(decision: Decision[Any]) -> list[Move]:
    """The moves among the changes of a decision."""
    changes: tuple[Change, ...] = decision.changes
    return [change for change in changes if isinstance(change, Move)]


def test_an_event_is_allowed_in_a_state_only_if_the_table_says_so() -> None:
    pairs = itertools.product(State, Event)
    assert {pair: STEPS[pair[1]].target for pair in pairs if allows(*pair)} == TABLE


def test_the_states_of_the_journeys_here_are_what_they_claim_to_be() -> None:
    assert {state: journey.state for state, journey in JOURNEYS.items()} == {
        state: state for state in State
    }


@pytest.mark.parametrize("state", list(State))
def test_an_operation_moves_a_journey_by_the_table_or_not_at_all(state: State) -> None:
    journey = JOURNEYS[state]
    for event, operation in OPERATIONS.items():
        # A new code is to be had when the old one lapsed; all else happens at once.
        now = NOW + LAW.code_shown if event is Event.NEW_CODE else NOW
        wanted = TABLE.get((journey.at(now), event))
        got = [(it.event, it.before, it.after.state) for it in moves(operation(journey, ANNA, now))]
        assert got == ([(event, journey, wanted)] if wanted else []), event


@settings(max_examples=30, deadline=None)
@given(
    state=st.sampled_from(list(State)),
    event=st.sampled_from(list(OPERATIONS)),
    phone=st.sampled_from([ANNA, BEN, scene.ANNAS_OTHER_PHONE]),
    later=st.integers(-10, 2000),
)
def test_no_operation_by_anyone_at_any_time_leaves_the_table(
    state: State, event: Event, phone: Phone, later: int
) -> None:
    journey = JOURNEYS[state]
    now = NOW + later
    for move in moves(OPERATIONS[event](journey, phone, now)):
        assert move.event in (event, Event.SPOIL)
        assert TABLE[journey.at(now), move.event] is move.after.state
        assert move.before == journey


@pytest.mark.parametrize("state", FINAL)
def test_a_final_state_absorbs_every_event_for_ever(state: State) -> None:
    assert JOURNEYS[state].at(NOW + 10**9) is state
    for operation in OPERATIONS.values():
        assert moves(operation(JOURNEYS[state], ANNA, NOW)) == []


@pytest.mark.parametrize("state", [*LIVE, State.APPROVED, State.REDIRECTED])
def test_nothing_moves_a_journey_whose_time_is_over(state: State) -> None:
    journey = JOURNEYS[state]
    over = journey.expires_at
    assert journey.at(over - 1) is state
    assert journey.at(over) is State.EXPIRED
    for operation in OPERATIONS.values():
        assert operation(journey, ANNA, over).changes == ()


@pytest.mark.parametrize("event", [Event.MATCH, Event.REVIEW, Event.EDIT, Event.APPROVE])
def test_a_refused_event_names_the_state_that_stands_in_its_way(event: Event) -> None:
    journey = msgspec.structs.replace(JOURNEYS[State.CANCELLED], phone_id=ANNA.phone_id)
    refusal = OPERATIONS[event](journey, ANNA, NOW).answer
    assert isinstance(refusal, Refusal)
    assert (refusal.error, refusal.status) == ("wrong_state", 409)
    assert "cancelled" in refusal.told
