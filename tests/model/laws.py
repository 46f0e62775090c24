"""The laws that must hold after every step, told in the model's own words.

They judge what changed by what people did and saw. They ask nothing of the guards that they judge:
lifetimes stand here once more, as the design has them, and so does the hash of a document.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from endorse.core import change as c
from endorse.core.journey import Event
from endorse.core.model import Journey
from tests.model.grant_laws import GrantLaws
from tests.model.judging import Act, challenge_of, require

FRAME, STILL, LINK, LETTERS, NEAR = "frame", "still frame", "link", "letters", "near"
WAY: Final = {FRAME: "qr", STILL: "qr", LINK: "link", LETTERS: "short_code", NEAR: "near"}
LIVES: Final = {FRAME: 6, STILL: 10, LINK: 119, LETTERS: 299}
"""For how many seconds after it was made each thing may be shown to a phone."""
WAITING, SHOWN, IDLE, DECISION, MINUTE, HOUR = 600, 120, 120, 300, 60, 3600
CODES = 4
WRONG_NUMBERS, APPROVALS = 2, 2
"""An hour, for a person. The design has three and six; fewer are reached sooner."""

BY_PHONE: Final = (
    Event.MATCH,
    Event.MISMATCH,
    Event.REVIEW,
    Event.EDIT,
    Event.APPROVE,
    Event.REFUSE,
    Event.DISOWN,
)
BY_BROWSER: Final = (
    Event.NEW_CODE,
    Event.OPEN_APP,
    Event.SHOW_CODE,
    Event.SPELL,
    Event.CANCEL,
    Event.RETURN,
    Event.RESUME,
)
ENDS: Final = (
    Event.BAR,
    Event.SPOIL,
    Event.SUPERSEDE,
    Event.MISMATCH,
    Event.REFUSE,
    Event.REVOKE,
    Event.DISOWN,
    Event.CALL_OFF,
    Event.CANCEL,
    Event.REDEEM,
)


@dataclass(frozen=True)
class Shown:
    """A text that a page showed: of which journey and code, as what, and when it was made."""

    journey_id: str
    series: int
    kind: str
    at: int


@dataclass
class Record:
    """What the laws remember of one journey."""

    journey_id: str
    holder: str
    began: int
    ends: int
    digest: str
    ways: tuple[str, ...]
    series: int = 0
    codes: int = 1
    way: str = ""
    phone: str = ""
    person: str = ""
    claimed: int = 0
    level: str = ""
    number: int | None = None
    relayed: bool = False
    matched: bool = False
    document: str = ""
    approved: bool = False
    returned: bool = False
    code: str = ""
    over: str = ""


@dataclass
class Laws:
    """The laws over everything that happened so far. `strict` claims L4 for the code as well."""

    accounts: dict[str, set[str]]
    owner: dict[str, str]
    """Whose each browser is."""
    honest: set[str]
    strict: bool = False
    records: dict[str, Record] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    signed: dict[str, set[str]] = field(default_factory=dict)
    """Which credentials signed each document."""
    used: set[str] = field(default_factory=set)
    nonces: set[str] = field(default_factory=set)
    nonces_of: dict[str, str] = field(default_factory=dict)
    """Which journey each return nonce is of."""
    wrong: list[tuple[str, int]] = field(default_factory=list)
    stopped: dict[str, int] = field(default_factory=dict)
    """When too many wrong numbers last stopped a person's claims."""
    approvals: list[tuple[str, int]] = field(default_factory=list)
    grants: GrantLaws = field(default_factory=GrantLaws)

    # --- what the world tells ----------------------------------------------------------------

    def began(self, journey: Journey, browser: str, now: int) -> None:
        """A browser began a journey."""
        handles = (journey.journey_id, journey.short, journey.qid, journey.browser_hash)
        require(len({*handles}) == 4, "handles", "two handles are one")
        self.records[journey.journey_id] = Record(
            journey.journey_id, browser, now, now + WAITING, journey.digest, journey.ways
        )

    def shows(self, journey_id: str, kind: str, text: str, at: int) -> None:
        """A page shows this text, which was made at `at`."""
        self.shown.setdefault(text, Shown(journey_id, self.records[journey_id].series, kind, at))

    def signs(self, document: str, credential: str) -> None:
        """A passkey signs the document that its phone displays."""
        self.signed.setdefault(document, set()).add(credential)

    def counts(self, text: str, journey_id: str, now: int) -> bool:
        """Say whether a page of this journey showed the text within its life, and offers it."""
        shown, record = self.shown.get(text), self.records[journey_id]
        if shown is None or shown.journey_id != journey_id or shown.series != record.series:
            return False
        return WAY[shown.kind] in record.ways and now - shown.at <= LIVES[shown.kind]

    # --- what changed ------------------------------------------------------------------------

    def judge(self, act: Act, changes: Sequence[c.Change]) -> None:
        """Judge the changes of one decision by what was done."""
        for change in changes:
            if isinstance(change, c.Move):
                self._move(act, change)
            elif isinstance(change, c.MakeGrant):
                self._grant(act, change)
            elif isinstance(change, c.Amend):
                self.grants.amended(act, change)
            elif isinstance(change, c.EndGrant):
                self.grants.ended(act, change)
        held: dict[str, int] = {}
        for record in self.records.values():
            undecided = record.person and not record.over and not record.approved
            if undecided and act.now < record.ends:
                held[record.person] = held.get(record.person, 0) + 1
        require(all(count == 1 for count in held.values()), "one claim", "a person holds two")

    def _move(self, act: Act, move: c.Move) -> None:
        record = self.records[move.before.journey_id]
        event, after = move.event, move.after
        require(not record.over, "over", f"{event} after {record.over}")
        require(act.now < record.ends, "lifetimes", f"{event} too late")
        if event in BY_PHONE:
            require(act.phone == record.phone, "phone", f"{event} by another phone")
        if event in BY_BROWSER:
            require(act.browser == record.holder, "L1", f"{event} by another browser")
        if record.number is not None:
            require(after.number == record.number, "number", "drawn anew")
        if record.phone:
            mine = (after.phone_id, after.person_id, after.way)
            require(mine == (record.phone, record.person, record.way), "phone", "changed hands")
        judge = {
            Event.CLAIM: self._claim,
            Event.COME_NEAR: self._claim,
            Event.SPOIL: self._spoil,
            Event.MATCH: self._match,
            Event.REVIEW: self._review,
            Event.APPROVE: self._approve,
            Event.RETURN: self._return,
            Event.RESUME: self._resume,
            Event.REDEEM: self._redeem,
        }.get(event)
        if judge is not None:
            judge(act, record, after)
        self._note(act, event, record, after)

    def _claim(self, act: Act, record: Record, after: Journey) -> None:
        if act.text:
            require(self.counts(act.text, record.journey_id, act.now), "L3", "not shown just now")
            require(WAY[self.shown[act.text].kind] == after.way, "L3", "another way")
        else:
            near = after.way == "near" and "near" in record.ways
            require(near, "L3", "near without being offered")
            require(act.browser == record.holder, "L4", "near to another browser")
        require(not record.phone, "L3", "claimed twice")
        require(act.level != "red", "risk", "claimed against a red verdict")
        stopped = act.now - self.stopped.get(act.person, -HOUR) < HOUR
        require(not stopped, "number", "claims go on after too many wrong ones")
        drawn = after.number is not None and 10 <= after.number <= 99
        require(drawn == (after.way in ("qr", "short_code")), "number", "not drawn, or in vain")

    def _spoil(self, act: Act, record: Record, after: Journey) -> None:
        require(self.counts(act.text, record.journey_id, act.now), "L3", "ended by no scan")

    def _match(self, act: Act, record: Record, after: Journey) -> None:
        if record.way in ("qr", "short_code"):
            require(act.number == record.number, "number", "matched by another number")
            record.relayed = act.told_by_attacker

    def _review(self, act: Act, record: Record, after: Journey) -> None:
        said: dict[str, Any] = json.loads(after.document or "")
        require(record.matched, "L2", "a document before the number")
        require(said["nonce"] not in self.nonces, "L2", "a document without a fresh nonce")
        self.nonces.add(said["nonce"])
        require(said["request"] == record.digest, "L2", "a document of another request")
        require(said["person"] == record.person, "L2", "a document of another person")
        chosen = {account["resourceId"] for account in said["accounts"]}
        own = bool(chosen) and chosen <= self.accounts[record.person]
        require(own, "L2", "accounts that are not the person's")
        require(after.challenge == challenge_of(after.document or ""), "L2", "another challenge")

    def _approve(self, act: Act, record: Record, after: Journey) -> None:
        document = record.document
        require(bool(document) and after.document == document, "L2", "no document, or another")
        signers = self.signed.get(document, set())
        this = act.text == document and act.credential in signers
        require(this, "L2", "the passkey signed another document")
        require(act.credential == f"passkey of {record.phone}", "L2", "another passkey signed")
        require(document not in self.used, "L2", "one signature, two approvals")
        self.used.add(document)
        early = record.level == "amber" and act.now < record.claimed + 10
        require(not early, "risk", "approved before the warning could be read")
        lately = [at for who, at in self.approvals if who == record.person and act.now - at < HOUR]
        require(
            len(lately) < APPROVALS, "risk", "more approvals than the person may give in an hour"
        )
        self.approvals.append((record.person, act.now))

    def _return(self, act: Act, record: Record, after: Journey) -> None:
        require(self.nonces_of.get(act.text) == record.journey_id, "L4", "another return nonce")

    def _resume(self, act: Act, record: Record, after: Journey) -> None:
        require(record.approved, "L2", "a code without an approval")
        if record.person in self.honest:
            self._where_the_person_is(record)
        if record.way == "link":
            require(record.returned, "L4", "by link, and the browser was not come back to")

    def _where_the_person_is(self, record: Record) -> None:
        """L4: the holder of B is where the person is, except by a relay of code and number."""
        by_code = record.way in ("qr", "short_code")
        if by_code and record.relayed and not self.strict:
            return
        there = self.owner[record.holder] == record.person
        require(there, "L4", f"{record.person} approved by {record.way}; {record.holder} has it")

    def _redeem(self, act: Act, record: Record, after: Journey) -> None:
        require(bool(record.code), "code", "redeemed before it was given")
        require(act.client == "app", "code", "another client's")
        require(act.verifier == f"verifier of {record.holder}", "code", "another verifier")

    def _grant(self, act: Act, change: c.MakeGrant) -> None:
        grant, signed = change.grant, change.evidence.signed
        require(signed in self.used, "L2", "a grant without an approved document")
        require(signed not in self.grants.documents, "code", "two grants of one approval")
        said: dict[str, Any] = json.loads(signed)
        named = (said["person"], said["client"]["client_id"], said["scope"])
        require((grant.person_id, grant.client_id, [*grant.scope]) == named, "L2", "wider grant")
        accounts = [account["resourceId"] for account in said["accounts"]]
        given = [account.resource_id for account in grant.accounts]
        require(given == accounts, "L2", "other accounts than were signed")
        self.grants.made(grant, signed)

    def _note(self, act: Act, event: Event, record: Record, after: Journey) -> None:
        now = act.now
        match event:
            case Event.NEW_CODE | Event.OPEN_APP | Event.SHOW_CODE:
                record.series += 1
            case Event.CLAIM | Event.COME_NEAR:
                record.phone, record.person = after.phone_id or "", after.person_id or ""
                record.way, record.number = after.way or "", after.number
                record.claimed, record.level = now, act.level
            case Event.MATCH:
                record.matched = True
            case Event.REVIEW | Event.EDIT:
                record.document = (after.document or "") if event is Event.REVIEW else ""
            case Event.MISMATCH:
                self.wrong.append((record.person, now))
                lately = [at for who, at in self.wrong if who == record.person and now - at < HOUR]
                if len(lately) >= WRONG_NUMBERS:
                    self.stopped[record.person] = now
            case Event.APPROVE:
                record.approved = True
            case Event.RETURN:
                record.returned = True
        record.codes += event is Event.NEW_CODE
        record.ends = _ends(event, record, now)
        if event in ENDS:
            record.over = event.value

    # --- what was answered -------------------------------------------------------------------

    def answered(self, act: Act, journey_id: str, code: str) -> None:
        """A browser was sent back to the client with a code."""
        record = self.records[journey_id]
        require(act.browser == record.holder, "L1", "a code for another browser")
        require(record.approved and not record.over, "code", "given without need")
        require(act.now < record.ends, "lifetimes", "a code too late")
        require(record.code in ("", code), "code", "a second one")
        require(all(it.code != code for it in self.records.values() if it is not record),
                "code", "one for two journeys")  # fmt: skip
        record.code = code

    def ended(self, journey_id: str, law: str, why: str) -> None:
        """The journey must be over now."""
        require(bool(self.records[journey_id].over), law, why)


def _ends(event: Event, record: Record, now: int) -> int:
    """When the journey is over unless something else happens to it, from this event on."""
    match event:
        case Event.NEW_CODE | Event.SHOW_CODE:
            in_all = record.began + WAITING
            return min(in_all, now + SHOWN) if record.codes == CODES else in_all
        case Event.SPELL:
            return max(record.ends, now + DECISION)
        case Event.CLAIM | Event.COME_NEAR:
            return now + IDLE
        case Event.MATCH | Event.REVIEW | Event.EDIT:
            return min(record.claimed + DECISION, now + IDLE)
        case Event.APPROVE | Event.RESUME:
            return now + MINUTE
    return record.ends
