"""The text of the moving code: what it looks like, how long it counts, and that it is whole."""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import connect, frame
from endorse.core.model import Journey
from tests.core import scene
from tests.core.scene import ANNA, ISSUER, KEY, LAW, NOW, waiting

MINE = waiting(seed="mine")
OTHER = waiting(seed="other")
TEXT = scene.frame_of(MINE)


def counts(text: str, journey: Journey = MINE, now: int = NOW, issuer: str = ISSUER) -> bool:
    """Whether this text, scanned now, is a frame of this journey."""
    read = frame.read(text, issuer)
    if read is None or read.qid != journey.qid:
        return False
    return frame.counts(read, frame.frame_key(KEY, read.qid), issuer, journey, now, LAW)


def parts(text: str) -> list[str]:
    """The handle, the second and the mac of a frame."""
    return text.split("#1.")[1].split(".")


def joined(qid: str, second: str, mac: str) -> str:
    """A frame of these parts."""
    return f"{ISSUER}/q#1.{qid}.{second}.{mac}"


def test_a_frame_is_the_scan_page_with_everything_secret_after_the_hash_sign() -> None:
    assert re.fullmatch(re.escape(ISSUER) + r"/q#1\.[\w-]{22}\.0\.[\w-]{22}", TEXT, flags=re.ASCII)
    url = urlsplit(TEXT)
    assert (url.path, url.query) == ("/q", "")
    assert len(TEXT) < 90


def test_a_frame_that_was_just_shown_counts() -> None:
    assert counts(TEXT)


@settings(max_examples=40, deadline=None)
@given(age=st.integers(-300, 300), shown=st.integers(0, 119))
def test_a_claim_counts_for_frames_of_minus_one_to_six_seconds_only(age: int, shown: int) -> None:
    now = MINE.code_from + shown
    second = shown - age
    text = scene.frame_of(MINE, age, now)
    decision = scene.claim(text, MINE, ANNA, now)
    assert bool(decision.changes) is (-1 <= age <= 6 and second >= 0)


@pytest.mark.parametrize(
    ("age", "good"), [(-2, False), (-1, True), (0, True), (6, True), (7, False)]
)
def test_the_ages_at_both_edges(age: int, good: bool) -> None:
    assert counts(scene.frame_of(MINE, age, NOW + 50), now=NOW + 50) is good


def test_a_frame_with_one_changed_byte_is_refused() -> None:
    for place, byte in enumerate(TEXT):
        for bit in range(8):
            changed = TEXT[:place] + chr(ord(byte) ^ (1 << bit)) + TEXT[place + 1 :]
            assert not counts(changed), changed


def test_a_frame_with_one_digit_or_letter_for_another_is_refused() -> None:
    for place, byte in enumerate(TEXT):
        for other in "A019_":
            changed = TEXT[:place] + other + TEXT[place + 1 :]
            assert other == byte or not counts(changed), changed


def test_a_frame_with_more_or_less_at_its_ends_is_refused() -> None:
    for text in (TEXT[:-1], TEXT + "A", TEXT + "\n", " " + TEXT, TEXT + "&x", TEXT.upper(), ""):
        assert not counts(text)


def test_parts_of_two_journeys_put_together_are_refused() -> None:
    mine, other = parts(scene.frame_of(MINE)), parts(scene.frame_of(OTHER, -1))
    pairs = list(zip(mine, other, strict=True))
    for chosen in list(itertools.product((0, 1), repeat=3))[1:-1]:
        mixed = joined(*(pair[which] for pair, which in zip(pairs, chosen, strict=True)))
        assert not counts(mixed, MINE), chosen
        assert not counts(mixed, OTHER), chosen


def test_a_frame_of_an_earlier_code_of_the_same_journey_is_refused() -> None:
    late = NOW + LAW.code_shown
    renewed = scene.done(connect.new_code(MINE, late, scene.fresh_from("again"), LAW))
    assert not counts(scene.frame_of(MINE, now=late), renewed, late)
    assert counts(scene.frame_of(renewed, now=late), renewed, late)


def test_a_frame_is_bound_to_the_request() -> None:
    changed = msgspec.structs.replace(MINE, digest=OTHER.digest[::-1])
    assert not counts(scene.frame_of(changed), MINE)


def test_a_frame_is_bound_to_the_servers_key() -> None:
    forged = frame.write(frame.frame_key(b"x" * 32, MINE.qid), ISSUER, MINE, 0)
    assert not counts(forged)


def test_a_frame_of_another_issuer_is_refused_even_with_the_same_key() -> None:
    elsewhere = "https://bank.example.evil.example"
    theirs = frame.write(frame.frame_key(KEY, MINE.qid), elsewhere, MINE, 0)
    assert counts(theirs, issuer=elsewhere)
    assert not counts(theirs)
    assert not counts(ISSUER + theirs.removeprefix(elsewhere))


@pytest.mark.parametrize("second", ["-0", "+1", "01", "1.0", "", "1000000", "٣", "1e2"])
def test_a_second_in_another_spelling_is_no_frame(second: str) -> None:
    qid, _, mac = parts(TEXT)
    assert frame.read(joined(qid, second, mac), ISSUER) is None


@pytest.mark.parametrize("kind", ["2", "11", "a", "", "00"])
def test_another_kind_of_code_is_no_frame(kind: str) -> None:
    assert frame.read(TEXT.replace("#1.", f"#{kind}."), ISSUER) is None


@settings(max_examples=50, deadline=None)
@given(st.text() | st.text().map(lambda tail: f"{ISSUER}/q#1.{tail}"))
def test_any_text_can_be_scanned(text: str) -> None:
    assert not counts(text)


def test_the_text_of_a_frame_survives_reading() -> None:
    read = frame.read(TEXT, ISSUER)
    assert read is not None
    assert joined(read.qid, str(read.second), read.mac) == TEXT
