"""The list of attacks, and how one is run and judged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from importlib import import_module

import httpx2

from endorse.audit.finding import Conclusion, Ended, Finding, Outcome, Unclear
from endorse.audit.stage import Stage
from endorse.audit.target import Target
from endorse.phone import NotUnderstood, PhoneError, Refused, open_client

Play = Callable[[Stage], Awaitable[Conclusion]]

_THEMES = ("code", "guess", "relay", "replay", "page", "client", "phone")
_TOO_MANY = 429
_TURN = {"26": 0, "6": 2, "24": 2}


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: its number in the list, what it tries in a few words, and how."""

    id: str
    title: str
    play: Play

    async def on(self, target: Target) -> Finding:
        """Try it. Raises nothing that the server could cause."""
        began = time.perf_counter()
        end = await self._tried(target)
        seconds = round(time.perf_counter() - began, 1)
        return Finding(self.id, self.title, end.outcome, end.seen, seconds)

    async def _tried(self, target: Target) -> Conclusion:
        try:
            async with open_client(target.issuer) as http:
                return await self.play(Stage(target, http, _place(self.id)))
        except Ended as end:
            return Conclusion(end.outcome, str(end))
        except Refused as no:
            if no.status == _TOO_MANY:
                return Conclusion(Outcome.NEEDS_CLOCK, f"The server limits it: {no}")
            return Conclusion(
                Outcome.UNCLEAR, f"The server refused an honest step ({no.code}): {no}"
            )
        except PhoneError as problem:
            return Conclusion(Outcome.UNCLEAR, f"{problem} {problem.what_to_do}")
        except (httpx2.HTTPError, ValueError) as problem:
            return Conclusion(Outcome.UNCLEAR, f"The answer makes no sense: {problem!r}")


def _place(number: str) -> int:
    return int(number.rstrip("b"))


_ALL: dict[str, Attack] = {}


def attack(number: str, title: str) -> Callable[[Play], Play]:
    """Put a function into the list of attacks."""

    def listed(play: Play) -> Play:
        if number in _ALL:
            raise ValueError(f"There are two attacks {number}.")
        _ALL[number] = Attack(number, title, play)
        return play

    return listed


def attacks() -> tuple[Attack, ...]:
    """Every attack, in the order of the list."""
    for theme in _THEMES:
        import_module(f"endorse.audit.{theme}")
    return tuple(sorted(_ALL.values(), key=lambda one: (_place(one.id), one.id)))


def in_order(only: Collection[str] = ()) -> tuple[Attack, ...]:
    """The attacks to run (all without `only`).

    First what a short-lived enrolment code is for, last what uses up the server's limits.
    """
    chosen = [one for one in attacks() if not only or one.id in only]
    return tuple(sorted(chosen, key=lambda one: _TURN.get(one.id, 1)))


async def ready(target: Target) -> None:
    """See that the target can be audited at all: its page opens, and a phone can be had.

    Raises a `PhoneError` that says what is missing.
    """
    async with open_client(target.issuer) as http:
        stage = Stage(target, http)
        try:
            await stage.opened()
        except Unclear as problem:
            raise PhoneError(str(problem), what_to_do="Check the client's options.") from None
        try:
            await stage.phone()
        except (Refused, NotUnderstood) as problem:
            raise PhoneError(
                f"No phone can be had: {problem}",
                what_to_do="Outside a sandbox, give saved phones of its people (--phone).",
            ) from None


async def run(
    target: Target,
    only: Collection[str] = (),
    tell: Callable[[Finding], None] = lambda _: None,
) -> tuple[Finding, ...]:
    """Try the attacks on a target, one after the other; `tell` hears of each at once."""
    findings = []
    for one in in_order(only):
        finding = await one.on(target)
        tell(finding)
        findings.append(finding)
    places = {one.id: place for place, one in enumerate(attacks())}
    return tuple(sorted(findings, key=lambda it: places[it.attack]))
