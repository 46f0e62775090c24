"""Planted bugs on the way from the page to the number: frames, ways, claims, numbers.

Where two guards hold for each other, a mutant takes both.
"""

from __future__ import annotations

from typing import Final

from endorse.core import approve, connect, frame, ways
from endorse.core.journey import Event, State
from tests.model.planting import Edit, Mutant, Row, mutant

_AGE: Final = "genuine and -law.frame_ahead <= age <= lives"
_FRAMES: Final = (
    mutant("the age of a frame does not count", "L3", frame.counts, _AGE, "genuine"),
    mutant("the mac of a frame is not checked", "L3", frame.counts, "return genuine and", "return"),
    mutant(
        "a moving frame lives as long as a still one",
        "L3",
        frame.counts,
        "law.still_frame_lives if frame.still else law.frame_lives",
        "law.still_frame_lives",
    ),
    mutant(
        "the mac does not bind the kind of a frame",
        "L3",
        frame._mac,
        'b"qr-still-1" if still else b"qr-1"',
        'b"qr-1"',
    ),
    mutant("the mac does not bind the second", "L3", frame._mac, "str(second)", '"0"'),
    mutant(
        "a frame of another journey passes",
        "L3",
        ways.counts,
        "journey.lid_hash is None and handle.qid == journey.qid",
        "journey.lid_hash is None",
        Edit(frame.frame_key, "qid.encode()", 'b""'),
        Edit(frame._mac, "issuer, journey.qid, str(second), journey.digest", "issuer, str(second)"),
    ),
    mutant(
        "a new code keeps the old handle",
        "L3",
        connect._shows_code,
        "qid=b64url(fresh(16))",
        "qid=journey.qid",
    ),
)
_WAYS: Final = (
    mutant(
        "a way that is not offered passes",
        "L3",
        ways.counts,
        "way_of(handle) not in journey.ways",
        "False",
    ),
    mutant(
        "the code lives beside the link",
        "L3",
        ways.counts,
        "journey.lid_hash is None and handle",
        "handle",
    ),
    mutant(
        "any link passes",
        "L3",
        ways.counts,
        'same(journey.lid_hash or "", fingerprint(lid))',
        "True",
    ),
    mutant(
        "the link lives beside the code",
        "L3",
        connect._shows_code,
        "lid_hash=None",
        "lid_hash=journey.lid_hash",
    ),
    mutant(
        "any letters pass",
        "L3",
        ways.counts,
        'same(journey.spelling_hash or "", spelling_hash(server_key, letters))',
        "True",
    ),
    mutant(
        "letters never lapse",
        "L3",
        ways.counts,
        "now < (journey.spelled_at or 0) + law.short_code",
        "True",
        Edit(approve.claim, "and connect.code_runs_out(journey, now, law)", ""),
    ),
    mutant(
        "what lapsed on the page can be claimed",
        "L3",
        approve.claim,
        "and connect.code_runs_out(journey, now, law)",
        "",
        Edit(ways.counts, "and now < journey.code_from + law.code_shown", ""),
    ),
    mutant(
        "near without being offered",
        "L3",
        approve.come_near,
        '"near" not in journey.ways',
        "False",
    ),
)
_CLAIMS: Final = (
    mutant(
        "a second phone takes the journey over",
        "number|phone|L3",
        approve.claim,
        "if state is State.WAITING and",
        "if state in (State.WAITING, State.CLAIMED) and",
        Row(Event.CLAIM, State.CLAIMED),
    ),
    Mutant(
        "near takes a claimed journey over",
        "number|phone|L3",
        (Row(Event.COME_NEAR, State.CLAIMED), Row(Event.BAR, State.CLAIMED)),
    ),
    mutant(
        "the same phone again draws the number anew",
        "number: drawn anew|L3",
        approve.claim,
        "return Decision(journey)",
        "return moved(Event.CLAIM, journey, number=_number(fresh))",
        Row(Event.CLAIM, State.CLAIMED),
    ),
    mutant(
        "another phone of the person is told",
        "phone",
        approve.claim,
        "journey.phone_id == phone.phone_id",
        "journey.person_id == phone.person_id",
    ),
    mutant(
        "a second scan does not end the journey",
        "second scan",
        approve.claim,
        "Decision(refusal.ALREADY_SCANNED, spoilt.changes)",
        "Decision(refusal.ALREADY_SCANNED)",
    ),
    mutant(
        "an older claim lives on",
        "one claim",
        approve._take,
        "(*_superseded(standing, journey, now), *taken.changes)",
        "taken.changes",
    ),
    mutant("a red verdict is let through", "risk", approve._take, 'hint.level == "red"', "False"),
    mutant(
        "claims never stop",
        "number",
        approve.claim,
        "if standing.stopped:",
        "if False:",
    ),
    mutant(
        "too many wrong numbers stop nothing",
        "number",
        approve.match,
        "(*killed.changes, tried, *stopped)",
        "(*killed.changes, tried)",
    ),
)
_NUMBERS: Final = (
    mutant("the number is not compared", "number", approve.match, "number != held.number", "False"),
    mutant(
        "a wrong number may be tried again",
        "number: a wrong one",
        approve.match,
        "(*killed.changes, tried, *stopped)",
        "(tried, *stopped)",
    ),
    mutant(
        "no number passes",
        "number",
        approve.match,
        "if number is None:",
        "if number is None and False:",
        Edit(approve.match, "number != held.number", "number not in (None, held.number)"),
    ),
    mutant(
        "letters need no number",
        "number",
        ways.needs_number,
        'way not in ("link", "near", "asked")',
        'way == "qr"',
    ),
    mutant(
        "another phone of the person may act",
        "phone",
        approve.held_by,
        "journey.phone_id != phone.phone_id",
        "journey.person_id != phone.person_id",
    ),
    mutant(
        "any phone may act",
        "phone",
        approve.held_by,
        "journey.phone_id != phone.phone_id",
        "False",
    ),
)

TO_THE_NUMBER: Final = (*_FRAMES, *_WAYS, *_CLAIMS, *_NUMBERS)
