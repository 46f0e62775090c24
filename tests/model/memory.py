"""What the server of the model remembers: the store's guards over plain dictionaries.

It is here so that a million steps take minutes: nothing is written to a disk. `tests/store` holds
the real store to the same guards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from endorse.core import change as c
from endorse.core.change import Decision
from endorse.core.coding import fingerprint, same
from endorse.core.frame import Frame
from endorse.core.journey import STEPS, State
from endorse.core.model import Enrolment, Evidence, Grant, Journey, Phone, Standing
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal
from endorse.core.ways import Handle, Link, spelling_hash

A = TypeVar("A")
F = TypeVar("F")

_WITH_PERSON: Final = (State.CLAIMED, State.MATCHED, State.REVIEW)
_UNDER_WAY: Final = (State.WAITING, *_WITH_PERSON)
_FROZEN: Final = (
    "short",
    "browser_hash",
    "request",
    "digest",
    "browser",
    "browser_id",
    "address",
    "ways",
    "started_at",
    "forget_at",
)


class Memory:
    """Rows in dictionaries, and one way to change them: all changes of a decision or none."""

    def __init__(self) -> None:
        self.journeys: dict[str, Journey] = {}
        self.grants: dict[str, Grant] = {}
        self.evidence: dict[tuple[str, int], Evidence] = {}
        self.phones: dict[str, Phone] = {}
        self.enrolments: dict[str, Enrolment] = {}
        self.tries: list[tuple[str, str, int]] = []

    def settle(
        self,
        read: Callable[[], F],
        decide: Callable[[F], Decision[A]],
        meanwhile: Callable[[], None] | None = None,
    ) -> tuple[A | Refusal, Sequence[c.Change]]:
        """Read, decide, apply; on a lost guard read and decide again, as the desk does.

        `meanwhile` happens between the first decision and its application: another request.
        """
        while True:
            decision = decide(read())
            if meanwhile is not None:
                meanwhile()
                meanwhile = None
            if self.apply(decision.changes):
                return decision.answer, decision.changes

    def apply(self, changes: Sequence[c.Change]) -> bool:
        """Apply all changes in order; False, and nothing changed, at the first lost guard."""
        if not changes:
            return True
        kept = {name: value.copy() for name, value in vars(self).items()}
        for change in changes:
            if not self._apply(change):
                vars(self).update(kept)
                return False
        return True

    def _apply(self, change: c.Change) -> bool:
        match change:
            case c.Begin(journey):
                return _new(self.journeys, journey.journey_id, journey)
            case c.Move():
                return self._move(change)
            case c.NoteTry(person_id, kind, now):
                self.tries.append((person_id, kind, now))
            case c.MakeGrant(grant, evidence):
                key = (evidence.grant_id, evidence.number)
                return _new(self.grants, grant.grant_id, grant) and _new(
                    self.evidence, key, evidence
                )
            case c.Amend():
                return self._amend(change)
            case c.VoidRefresh(grant_id, generation, now):
                grant = self.grants[grant_id]
                if grant.generation != generation:
                    return False
                self.grants[grant_id] = msgspec.structs.replace(
                    grant, generation=generation + 1, voided=generation, rotated_at=now
                )
            case c.Rotate(grant_id, generation, now):
                grant = self.grants[grant_id]
                if grant.generation != generation or not _lives(grant, now):
                    return False
                self.grants[grant_id] = msgspec.structs.replace(
                    grant, generation=generation + 1, rotated_at=now
                )
            case c.EndGrant(grant_id, by, now):
                grant = self.grants[grant_id]
                if grant.ended_at is None:
                    ended = msgspec.structs.replace(grant, ended_at=now, ended_by=by)
                    self.grants[grant_id] = ended
            case _:
                return self._apply_to_phones(change)
        return True

    def _move(self, change: c.Move) -> bool:
        before, after = change.before, change.after
        if before.state not in STEPS[change.event].sources:
            raise AssertionError(f"{change.event} is not allowed in {before.state}")
        stored = self.journeys[before.journey_id]
        if (stored.state, stored.version) != (before.state, before.version):
            return False
        frozen = {name: getattr(stored, name) for name in _FROZEN}
        version = stored.version + 1
        moved = msgspec.structs.replace(after, version=version, **frozen)
        self.journeys[before.journey_id] = moved
        return True

    def _amend(self, change: c.Amend) -> bool:
        after = change.after
        stored = self.grants[after.grant_id]
        if stored.revision != after.revision - 1 or not _lives(stored, change.evidence.at):
            return False
        counted = ("generation", "voided", "rotated_at")
        kept = {name: getattr(stored, name) for name in counted}
        self.grants[after.grant_id] = msgspec.structs.replace(after, **kept)
        key = (change.evidence.grant_id, change.evidence.number)
        return _new(self.evidence, key, change.evidence)

    def _apply_to_phones(self, change: c.Change) -> bool:
        match change:
            case c.Issue(enrolment):
                return _new(self.enrolments, enrolment.code_hash, enrolment)
            case c.Enrol(phone, code_hash, now):
                enrolment = self.enrolments[code_hash]
                used = msgspec.structs.replace(enrolment, used_at=now)
                self.enrolments[code_hash] = used
                return enrolment.used_at is None and _new(self.phones, phone.phone_id, phone)
            case c.ConfirmPhone(before, usable_from):
                phone = self.phones[before.phone_id]
                self.phones[phone.phone_id] = msgspec.structs.replace(
                    phone, usable_from=usable_from
                )
                return phone == before
            case c.CountWrongDigits(before):
                phone = self.phones[before.phone_id]
                wrong = before.wrong_digits + 1
                self.phones[phone.phone_id] = msgspec.structs.replace(phone, wrong_digits=wrong)
                return phone.wrong_digits == before.wrong_digits
            case c.RevokePhone(phone, _, _, now):
                stored = self.phones[phone.phone_id]
                self.phones[phone.phone_id] = msgspec.structs.replace(stored, revoked_at=now)
                return stored.revoked_at is None
            case _:
                return True  # notices, flags, counters and tokens: no law speaks of them

    # --- what the decisions read -------------------------------------------------------------

    def of_handle(self, handle: Handle | None, server_key: bytes) -> Journey | None:
        """Give the journey that a handle names, as `store.steps` does."""
        match handle:
            case Frame(qid):
                found = [it for it in self.journeys.values() if it.qid == qid]
            case Link(lid):
                lid_hash = fingerprint(lid)
                found = [it for it in self.journeys.values() if it.lid_hash == lid_hash]
            case None:
                return None
            case _:
                spelled = spelling_hash(server_key, handle.letters)
                found = [it for it in self.journeys.values() if it.spelling_hash == spelled]
        return found[0] if len(found) == 1 else None

    def standing(self, person_id: str, now: int, law: Policy) -> Standing:
        """Give what is remembered of a person, as `store.steps` does."""
        held = self.journeys.values()
        live = [it for it in held if it.person_id == person_id and it.state in _WITH_PERSON]
        windows = {
            "number": law.wrong_numbers_in,
            "spelling": law.wrong_spellings_in,
            "approval": law.approvals_in,
            "stop": law.claims_stop,
        }
        count = dict.fromkeys(windows, 0)
        for who, kind, at in self.tries:
            if who == person_id:
                count[kind] += at > now - windows[kind]
        tried = (count["number"], count["spelling"], count["approval"], count["stop"] > 0)
        return Standing(tuple(live), *tried)

    def of_browser(self, browser_id: str) -> list[Journey]:
        """Give what is under way in one browser."""
        rows = self.journeys.values()
        return [it for it in rows if it.browser_id == browser_id and it.state in _UNDER_WAY]

    def phones_of(self, person_id: str) -> list[Phone]:
        """Give all phones of a person."""
        return [it for it in self.phones.values() if it.person_id == person_id]


def _new(rows: dict[A, F], key: A, row: F) -> bool:
    return rows.setdefault(key, row) is row


def _lives(grant: Grant, now: int) -> bool:
    return grant.ended_at is None and now < grant.expires_at


def opens(journey: Journey, secret: str) -> bool:
    """Say whether a browser with this secret began the journey.

    It stands for `server.connect.of_browser`: who has no B is told that there is no journey.
    """
    return same(journey.browser_hash, fingerprint(secret))
