"""What an attack found, and the ways in which it ends early."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How an attack went."""

    HELD = "held"
    """The server stopped it."""
    FAILED = "failed"
    """It got through, and should not have."""
    KNOWN = "known residue"
    """It succeeded as it is known to: QR approval alone cannot stop it. What limits it is said."""
    NOT_APPLICABLE = "not applicable"
    """The server does not offer what is attacked, or the auditor did not give what it takes."""
    NEEDS_CLOCK = "needs clock"
    """It takes more waiting than was allowed; nothing was found out, or not all of it."""
    UNCLEAR = "unclear"
    """The server answered what the attack does not know: nothing can be said."""


class Finding(msgspec.Struct, frozen=True):
    """What one attack found: `seen` says in a sentence what happened."""

    attack: str
    title: str
    verdict: Verdict
    seen: str
    seconds: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """What an attack gives back: its verdict, and what it saw."""

    verdict: Verdict
    seen: str


class Ended(Exception):
    """An attack that ends before its last line."""

    verdict = Verdict.UNCLEAR


class GotThrough(Ended):
    """The attack did what it must not be able to do."""

    verdict = Verdict.FAILED


class NotApplicable(Ended):
    """There is nothing here to attack in this way."""

    verdict = Verdict.NOT_APPLICABLE


class NeedsClock(Ended):
    """It would take too long to wait for."""

    verdict = Verdict.NEEDS_CLOCK


class Unclear(Ended):
    """The server's answer is none that the attack can judge."""


def held(seen: str) -> Outcome:
    """Say that the attack was stopped."""
    return Outcome(Verdict.HELD, seen)


def known(seen: str) -> Outcome:
    """Say that the attack succeeded as it is known to, and what limits it."""
    return Outcome(Verdict.KNOWN, seen)
