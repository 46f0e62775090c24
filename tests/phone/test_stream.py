from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endorse.phone import Done, Frame, NotUnderstood, State
from endorse.phone.stream import Event, EventReader

STREAM = (
    "retry: 250\n\n: beat\n\n"
    'event: state\ndata: {"state":"waiting","expires_in":118}\n\n'
    "event: frame\r\ndata: one\u2028line\r\n\r\n"
    "event: news\rdata: of another time\r\r"
    'event:state\ndata:{\ndata:  "state": "killed",\ndata: "reason": "already_scanned"}\n\n'
    "event: frame\n\n"
    "event: done\ndata: {}\n\n"
)
EVENTS: list[Event] = [
    State("waiting", expires_in=118),
    Frame("one\u2028line"),
    State("killed", reason="already_scanned"),
    Done(),
]


def test_a_whole_stream_is_read() -> None:
    reader = EventReader()
    assert reader.feed(STREAM) == EVENTS
    assert reader.retry == 0.25


def test_a_stream_reads_the_same_cut_anywhere() -> None:
    for cut in range(len(STREAM)):
        reader = EventReader()
        assert [*reader.feed(STREAM[:cut]), *reader.feed(STREAM[cut:])] == EVENTS, cut


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_reads_the_same_in_any_pieces(cuts: list[int]) -> None:
    reader = EventReader()
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(places)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


def test_an_event_that_is_cut_off_is_none() -> None:
    assert EventReader().feed("event: frame\ndata: half") == []


@pytest.mark.parametrize("data", ["{}", "7", "no json", '{"state":1}'])
def test_a_malformed_state_is_named(data: str) -> None:
    with pytest.raises(NotUnderstood, match="state"):
        EventReader().feed(f"event: state\ndata: {data}\n\n")
