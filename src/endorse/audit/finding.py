"""What an attack found, and the ways in which it ends early."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
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
    outcome: Outcome
    seen: str
    seconds: float = 0.0


class Conclusion(msgspec.Struct, frozen=True):
    """What an attack gives back: its outcome, and what it saw."""

    outcome: Outcome
    seen: str


class Ended(Exception):
    """An attack that ends before its last line."""

    outcome = Outcome.UNCLEAR


class GotThrough(Ended):
    """The attack did what it must not be able to do."""

    outcome = Outcome.FAILED


class NotApplicable(Ended):
    """There is nothing here to attack in this way."""

    outcome = Outcome.NOT_APPLICABLE


class NeedsClock(Ended):
    """It would take too long to wait for."""

    outcome = Outcome.NEEDS_CLOCK


class Unclear(Ended):
    """The server's answer is none that the attack can judge."""


def held(seen: str) -> Conclusion:
    """Say that the attack was stopped."""
    return Conclusion(Outcome.HELD, seen)


def known(seen: str) -> Conclusion:
    """Say that the attack succeeded as it is known to, and what limits it."""
    return Conclusion(Outcome.KNOWN, seen)
