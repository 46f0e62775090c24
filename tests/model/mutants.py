"""Planted bugs: in each, one guard of the core is missing, and a law that must notice is named.

A mutant replaces a piece of a function's source, which must stand there exactly once; so a guard
that is written otherwise one day takes its mutant with it. Where two guards hold for each other,
a mutant takes both.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

import msgspec

from endorse.core import approve, authorize, connect, consent, frame, redeem, ways
from endorse.core.journey import STEPS, Event, State
from endorse.core.model import Journey
from tests.model import memory


@dataclass(frozen=True)
class Edit:
    """In this function, one piece of source is another."""

    where: Any
    old: str
    new: str


@dataclass(frozen=True)
class Row:
    """In the table of steps, an event may come from these states as well."""

    event: Event
    also: State


@dataclass(frozen=True)
class Mutant:
    """A planted bug, and the beginning of what the broken law must say."""

    name: str
    law: str
    edits: tuple[Edit | Row, ...]


def mutant(name: str, law: str, where: Any, old: str, new: str, *more: Edit | Row) -> Mutant:
    return Mutant(name, law, (Edit(where, old, new), *more))


@contextmanager
def planted(bug: Mutant) -> Iterator[None]:
    """Plant the bug for a while, in the functions themselves: all who imported them have it."""
    code: dict[Any, list[Edit]] = {}
    with ExitStack() as stack:
        for edit in bug.edits:
            if isinstance(edit, Row):
                stack.enter_context(_row(edit))
            else:
                code.setdefault(edit.where, []).append(edit)
        for where, edits in code.items():
            stack.enter_context(_code(where, edits))
        yield


@contextmanager
def _code(where: Any, edits: list[Edit]) -> Iterator[None]:
    assert isinstance(where, FunctionType)
    source = textwrap.dedent(inspect.getsource(where))
    for edit in edits:
        assert source.count(edit.old) == 1, f"{where.__qualname__} has {edit.old!r} not once"
        source = source.replace(edit.old, edit.new)
    names: dict[str, Any] = dict(where.__globals__)
    exec(compile(source, where.__code__.co_filename, "exec"), names)
    kept, where.__code__ = where.__code__, names[where.__name__].__code__
    try:
        yield
    finally:
        where.__code__ = kept


@contextmanager
def _row(row: Row) -> Iterator[None]:
    kept = STEPS[row.event]
    STEPS[row.event] = msgspec.structs.replace(kept, sources=(*kept.sources, row.also))
    try:
        yield
    finally:
        STEPS[row.event] = kept


def _endless(state: str, law: str = "lifetimes") -> Mutant:
    old = "waits = self.state in LIVE"
    new = f"waits = self.state is not State.{state} and self.state in LIVE"
    if state in ("APPROVED", "REDIRECTED"):
        old, new = f"State.{state}", "State.WAITING"
        if state == "APPROVED":
            old, new = "(State.APPROVED, State.REDIRECTED)", "(State.REDIRECTED,)"
        else:
            old, new = "(State.APPROVED, State.REDIRECTED)", "(State.APPROVED,)"
    return mutant(f"{state.lower()} never expires", law, Journey.at, old, new)


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
        'way not in ("link", "near")',
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
_APPROVALS: Final = (
    mutant(
        "the challenge is not compared",
        "L2",
        approve.approve,
        "assertion.challenge == held.challenge",
        "True",
    ),
    mutant(
        "another credential passes",
        "L2",
        approve.approve,
        "or assertion.credential_id != phone.credential_id",
        "",
    ),
    mutant(
        "a document has no fresh nonce",
        "L2",
        consent.document,
        '"nonce": b64url(fresh(16))',
        '"nonce": ""',
    ),
    mutant(
        "the document of an edited choice lives on",
        "L2",
        approve.edit,
        "document=None, challenge=None, ",
        "",
        Row(Event.APPROVE, State.MATCHED),
    ),
    mutant(
        "a new choice keeps the old document",
        "L2",
        approve.edit,
        "document=None, challenge=None, ",
        "",
        Edit(approve.review, "signed = consent", "signed = held.document or consent"),
    ),
    mutant(
        "a document before the number",
        "L2",
        approve.review,
        "Event.REVIEW, now",
        "Event.REVIEW, now",
        Row(Event.REVIEW, State.CLAIMED),
    ),
    mutant(
        "accounts of others are passed over",
        "L2",
        approve.review,
        "set(chosen) <= set(by_id)",
        "True",
    ),
    mutant(
        "a document of no request",
        "L2",
        consent.document,
        '"request": journey.digest',
        '"request": ""',
    ),
    mutant("an amber verdict need not be read", "risk", approve.approve, "wait > 0", "False"),
    mutant(
        "approvals without number",
        "risk",
        approve.approve,
        "standing.approvals >= terms.law.approvals",
        "False",
    ),
    mutant(
        "disowning spares the browser's other journeys",
        "over",
        approve.disown,
        "*called_off, ",
        "",
    ),
)
_TIMES: Final = (
    *(_endless(it) for it in ("WAITING", "CLAIMED", "MATCHED", "REVIEW", "APPROVED", "REDIRECTED")),
    mutant(
        "a decision may take for ever",
        "lifetimes",
        approve._touched,
        "min((journey.claimed_at or now) + law.decision, now + law.idle)",
        "now + law.idle",
    ),
)
_CODES: Final = (
    mutant(
        "a browser resumes without B",
        "L1",
        memory.opens,
        "same(journey.browser_hash, fingerprint(secret))",
        "True",
    ),
    mutant(
        "by link, a browser resumes without the return",
        "L4",
        authorize.reply,
        "and not journey.may_resume",
        "and False",
    ),
    mutant(
        "any return nonce passes",
        "L4",
        connect.come_back,
        'not same(journey.return_hash or "", fingerprint(nonce))',
        "False",
    ),
    mutant(
        "one return nonce for all journeys",
        "L4",
        ways.return_nonce,
        "journey.journey_id.encode()",
        'b""',
    ),
    mutant(
        "a repeated resume gives another code",
        "code",
        authorize.reply,
        "if state is State.REDIRECTED:\n        code = code_of(server_key, journey.journey_id)",
        "if state is State.REDIRECTED:\n        code = code_of(server_key, journey.short)",
    ),
    mutant(
        "a redeemed code is given once more",
        "code",
        authorize.reply,
        "if state is State.REDIRECTED:",
        "if state in (State.REDIRECTED, State.REDEEMED):",
    ),
    mutant(
        "one code for all journeys",
        "code",
        authorize.code_of,
        "journey_id.encode()",
        'b""',
    ),
    mutant(
        "a replayed code spares the grant",
        "code",
        redeem.code,
        "journey.state is State.REDEEMED",
        "False",
    ),
    mutant(
        "a code is redeemed twice",
        "over|code",
        redeem.code,
        "journey.state is State.REDEEMED",
        "False",
        Edit(
            redeem._code_problem,
            "journey.at(now) is not State.REDIRECTED",
            "journey.at(now) not in (State.REDIRECTED, State.REDEEMED)",
        ),
        Row(Event.REDEEM, State.REDEEMED),
    ),
    mutant(
        "another client redeems",
        "code: another client's",
        redeem.code,
        "journey.request.returns_to.client_id != client.client_id",
        "False",
    ),
    mutant(
        "another verifier redeems",
        "code: another verifier",
        redeem.code,
        'not pkce_holds(params.text("code_verifier"), journey.request.code_challenge)',
        "False",
    ),
    mutant(
        "the grant is wider than the document",
        "L2",
        redeem._grant,
        "scope=signed.scope",
        'scope=(*signed.scope, "payments")',
    ),
)
_GUARDS: Final = (
    mutant(
        "a change applies to another state",
        "L2|number|phone|one claim|over|L3",
        memory.Memory._move,
        "(stored.state, stored.version) != (before.state, before.version)",
        "False",
    ),
    mutant(
        "a change applies to another version of the same state",
        "L2|number|phone|one claim|over|L3",
        memory.Memory._move,
        "(stored.state, stored.version) != (before.state, before.version)",
        "stored.state != before.state",
    ),
)

MUTANTS: Final = (
    *_FRAMES,
    *_WAYS,
    *_CLAIMS,
    *_NUMBERS,
    *_APPROVALS,
    *_TIMES,
    *_CODES,
    *_GUARDS,
)
