"""The state machine: everything that the people of the world may do, in any order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from endorse.core.journey import FINAL
from endorse.core.model import Phone
from endorse.core.policy import WAYS
from tests.core.scene import ISSUER
from tests.model.ground import MALLORY
from tests.model.laws import FRAME, LETTERS, LINK
from tests.model.steps import BY, MANY, NTH, RECENT, STAGES, Steps

MOST: Final = 24
"""Where an attack of several steps begins journeys of its own, there may be this many."""
AIM: Final = st.none() | st.none() | NTH
LEVEL: Final = st.sampled_from(("green", "green", "green", "green", "green", "amber", "red"))
OFFERED: Final = st.sampled_from((WAYS, WAYS, ("qr",), ("link",), ("qr", "short_code"), ("near",)))
FIRST: Final = st.sampled_from(("code", "code", "app", "letters"))
TURN: Final = st.sampled_from(("", "app", "code", "letters"))
AFTER: Final = st.sampled_from((0, 0, 0, 0, 5, 7, 9, 11, 61, 121, 299, 301))
CLIENTS: Final = st.sampled_from(("app", "app", "app", "other-app"))
THEN: Final = ("send", "send", "edit", "choose again", "cancel", "Mallory signs")
WAIT: Final = st.sampled_from((1, 1, 2, 3, 5, 6, 7, 9, 11, 20, 45, 60, 61, 119, 121, 300))


class Model(Steps):
    """N browsers and M phones of several people, some of them Mallory's, and a clock."""

    # --- browsers ----------------------------------------------------------------------------

    @precondition(lambda self: len(self.ids) < MANY)
    @rule(nth=NTH, offered=OFFERED, seen=st.booleans(), first=FIRST)
    def begin(self, nth: int, offered: tuple[str, ...], seen: bool, first: str) -> None:
        browser, world = self.browser(nth), self.world
        journey = world.begin(browser, offered)
        self.ids.append(journey)
        if first == "app":
            world.open_app(browser, journey)
        elif first == "letters":
            world.spell(browser, journey)
        if seen:
            world.peek(journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, step=st.sampled_from(("app", "app", "letters", "code", "new")))
    def ask(self, nth: int, other: int, step: str) -> None:
        journey, world = self.journey(nth), self.world
        browser = self.browser(other) if other > 6 else world.holder(journey)
        act = {
            "app": world.open_app,
            "letters": world.spell,
            "code": world.show_code,
            "new": world.new_code,
        }
        act[step](browser, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH)
    def cancel(self, nth: int, other: int) -> None:
        journey = self.journey(nth)
        browser = self.browser(other) if other < 7 else self.world.holder(journey)
        if other < 7 and browser is self.world.holder(journey):
            return
        self.world.cancel(browser, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, after=AFTER, ready=st.booleans())
    def resume(self, nth: int, other: int, way: str, after: int, ready: bool) -> None:
        """The browser that began, or another, asks for its redirect, twice."""
        journey = self.journey(nth)
        if ready:
            self.bring(journey, self.phone(other), way, STAGES["approved"])
        browser = self.browser(other) if other > 4 else self.world.holder(journey)
        self.world.resume(browser, journey)
        self.later(after)
        self.world.resume(browser, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, which=NTH)
    def come_back(self, nth: int, other: int, which: int) -> None:
        journey = self.journey(nth)
        browser = self.browser(other) if other > 5 else self.world.holder(journey)
        nonces = self.world.nonces[browser.owner] + self.world.nonces[MALLORY] + ["guessed"]
        self.world.come_back(browser, journey, nonces[which % len(nonces)])
        self.world.resume(self.world.holder(journey), journey)

    # --- phones ------------------------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, level=LEVEL)
    def scan(self, nth: int, other: int, level: str) -> None:
        journey, phone = self.journey(nth), self.phone(other)
        if self.may_see(phone, self.world.holder(journey)):
            text = self.world.look(journey)
            if text is not None:
                self.world.claim(phone, text, None, level)

    @precondition(lambda self: self.world.known)
    @rule(nth=NTH, other=NTH, aim=AIM, after=AFTER)
    def show(self, nth: int, other: int, aim: int | None, after: int) -> None:
        """Mallory puts something before anybody or her own phone, at once or later."""
        self.later(after)
        journey = self.journey(aim) if aim is not None else None
        self.world.claim(self.phone(other), self.known(nth), journey)

    @precondition(lambda self: len(self.ids) < MOST)
    @rule(nth=NTH, other=NTH, which=RECENT, after=AFTER, turn=TURN)
    def show_dead(self, nth: int, other: int, which: int, after: int, turn: str) -> None:
        """Mallory puts something before somebody that a page offered once and does no more."""
        browser, world = self.browser(nth), self.world
        journey = self.anew(browser)
        world.peek(journey)
        if turn == "letters":
            world.spell(browser, journey)
            world.peek(journey)
        elif turn:
            world.open_app(browser, journey)
        if turn == "code":
            world.show_code(browser, journey)
        self.later(after)
        laws = world.laws
        mine = [it for it in world.known if laws.shown[it].journey_id == journey]
        dead = [it for it in mine if not laws.counts(it, journey, world.now)]
        if dead:
            world.claim(self.phone(other), dead[-1 - which % len(dead)])

    @precondition(lambda self: len(self.ids) < MOST)
    @rule(kind=st.sampled_from((FRAME, LINK, LETTERS)), nth=NTH, aim=NTH, other=NTH)
    def cross(self, kind: str, nth: int, aim: int, other: int) -> None:
        """What one page offers is held against another journey that offers the like."""
        journey, world = self.anew(self.browser(aim)), self.world
        make: dict[str, Callable[[str], str | None]] = {
            FRAME: world.look,
            LINK: lambda it: world.open_app(world.holder(it), it),
            LETTERS: lambda it: world.spell(world.holder(it), it),
        }
        make[kind](journey)
        text = make[kind](self.anew(self.browser(nth)))
        if text is not None:
            world.claim(self.phone(other), text, journey)

    @precondition(lambda self: len(self.ids) < MOST)
    @rule(nth=NTH, two=NTH, other=NTH, how=st.integers(0, 5), after=AFTER, aim=AIM)
    def forge(self, nth: int, two: int, other: int, how: int, after: int, aim: int | None) -> None:
        """Mallory puts parts of what she knows together anew, and tries the result."""
        self.world.peek(self.anew(self.browser(nth)))
        self.later(after)
        one = self.world.known[-1]
        made = forged(one, self.known(two), how, self.world.now - self.world.laws.shown[one].at)
        if made is not None:
            journey = self.journey(aim) if aim is not None else None
            self.world.claim(self.phone(other), made, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, one=NTH, two=NTH)
    def scan_at_once(self, nth: int, one: int, two: int) -> None:
        journey, world = self.journey(nth), self.world
        text = world.look(journey)
        first, second = self.phone(one), self.phone(two)
        browser = world.holder(journey)
        if text and self.may_see(first, browser) and self.may_see(second, browser):
            world.claim(first, text, meanwhile=lambda: world.claim(second, text))

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, level=LEVEL)
    def come_near(self, nth: int, other: int, level: str) -> None:
        journey, phone = self.journey(nth), self.phone(other)
        if phone.person_id in (self.world.holder(journey).owner, MALLORY):
            self.world.come_near(phone, journey, level)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, said=st.sampled_from((None, 42, 42)), times=st.integers(1, 4))
    def guess(self, nth: int, other: int, said: int | None, times: int) -> None:
        """Whoever holds them, or anybody else, says a number that nobody showed."""
        for at in range(times):
            journey, phone = self.journey(nth + at), self.phone(other)
            if not self.world.record(journey).phone:
                self._reach(journey, phone, "qr")
            phone = self.held_by(journey, phone) if other < 7 else phone
            self.world.match(phone, journey, said)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, step=st.sampled_from(("match", "choose", "foreign", "edit", "no")))
    def meddle(self, nth: int, other: int, step: str) -> None:
        """Any phone tries a step on any journey, whether it is time for it or not."""
        journey, phone, world = self.journey(nth), self.phone(other), self.world
        phone = self.held_by(journey, phone) if other < 4 else phone
        match step:
            case "match":
                self._say_known_number(journey, phone)
            case "choose":
                world.review(phone, journey)
            case "foreign":
                world.review(phone, journey, ("somebody else's",))
            case "edit":
                world.edit(phone, journey)
            case _:
                world.refuse(phone, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH)
    def disown(self, nth: int, other: int) -> None:
        self.world.disown(self.phone(other), self.journey(nth))

    @precondition(lambda self: self.world.assertions)
    @rule(nth=NTH, other=NTH, which=NTH)
    def replay(self, nth: int, other: int, which: int) -> None:
        """A phone sends whatever any passkey ever signed."""
        journey, assertions = self.journey(nth), self.world.assertions
        phone = self.phone(other)
        phone = self.held_by(journey, phone) if other < 6 else phone
        self.world.approve(phone, journey, assertions[-1 - which % len(assertions)])

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, then=st.sampled_from(THEN))
    def sign(self, nth: int, other: int, way: str, then: str) -> None:
        """A passkey signs what its phone shows; something may come in between."""
        journey, phone, world = self.journey(nth), self.phone(other), self.world
        self.bring(journey, phone, way, lambda it: bool(it.document))
        phone = self.held_by(journey, phone)
        mallorys = next(it for it in world.phones if it.person_id == MALLORY)
        signer = mallorys if then == "Mallory signs" else phone
        assertion = world.sign(signer, shown_by=phone)
        if assertion is not None:
            between: dict[str, Callable[[], None]] = {
                "edit": lambda: world.edit(phone, journey),
                "choose again": lambda: self._choose_again(phone, journey),
                "cancel": lambda: world.cancel(world.holder(journey), journey),
            }
            world.approve(phone, journey, assertion, between.get(then))

    def _choose_again(self, phone: Phone, journey: str) -> None:
        self.world.edit(phone, journey)
        self.world.review(phone, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, times=st.integers(2, 5), foreign=st.booleans())
    def dawdle(self, nth: int, other: int, way: str, times: int, foreign: bool) -> None:
        """Somebody goes to and fro between the choice and the document."""
        journey, phone, world = self.journey(nth), self.phone(other), self.world
        self.bring(journey, phone, way, lambda it: it.matched)
        phone = self.held_by(journey, phone)
        for _ in range(times):
            world.wait(80)
            if world.record(journey).document:
                world.edit(phone, journey)
            else:
                world.review(phone, journey, ("somebody else's",) if foreign else ())

    # --- one step further --------------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, level=LEVEL)
    def go_on(self, nth: int, other: int, way: str, level: str) -> None:
        self._go_on(self.journey(nth), self.phone(other), way, level)

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, level=LEVEL, to=st.sampled_from(tuple(STAGES)))
    def go_far(self, nth: int, other: int, way: str, level: str, to: str) -> None:
        self.bring(self.journey(nth), self.phone(other), way, STAGES[to], level)

    @precondition(lambda self: self.ids)
    @rule(other=NTH, way=BY, times=st.integers(2, MANY))
    def approve_all(self, other: int, way: str, times: int) -> None:
        """Somebody approves one after the other."""
        for nth in range(times):
            self.bring(self.journey(nth), self.phone(other), way, STAGES["approved"])

    # --- Mallory and the client --------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(nth=NTH)
    def peek(self, nth: int) -> None:
        self.world.peek(self.journey(nth))

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, client=CLIENTS, after=AFTER)
    def redeem(self, nth: int, other: int, way: str, client: str, after: int) -> None:
        journey = self.journey(nth)
        self.bring(journey, self.phone(other), way, STAGES["code"])
        self.later(after)
        browser = self.browser(other).name if other > 5 else ""
        self.world.redeem(journey, client, browser)

    @rule(seconds=WAIT)
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @invariant()
    def agree(self) -> None:
        """The laws saw every change: what they remember is what is stored. Count the steps."""
        type(self).steps += 1
        for journey in self.world.memory.journeys.values():
            record = self.world.record(journey.journey_id)
            assert bool(record.over) == (journey.state in FINAL)
            assert (record.phone or None, record.number) == (journey.phone_id, journey.number)
        for grant in self.world.memory.grants.values():
            given = self.world.laws.grants.given[grant.grant_id]
            assert {it.resource_id for it in grant.accounts} == given.accounts
            assert (grant.ended_at is not None, grant.revision) == (given.over, given.signed)


def forged(one: str, two: str, how: int, ahead: int) -> str | None:
    """Another text out of two that somebody has; None if they have not the parts for it."""
    left, right = (
        one.rsplit("#", maxsplit=1)[-1].split("."),
        two.rsplit("#", maxsplit=1)[-1].split("."),
    )
    if how == 5:
        return f"{ISSUER}/a#{left[-1]:-<43}"
    if len(left) != 4 or len(right) != 4:
        return None
    if how == 0:
        left[2] = str(int(left[2]) + ahead)
    elif how == 1:
        left[0] = "1" if left[0] == "0" else "0"
    else:
        at = how - 1
        left[at] = right[at]
    return f"{ISSUER}/q#{'.'.join(left)}"


def run(machine: type[Model], worlds: int, start: int = 0, shrink: bool = False) -> None:
    """Run a machine: so many worlds of 50 steps each, the same in every run."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    config = settings(
        max_examples=worlds,
        stateful_step_count=50,
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=(),
    )
    seeded: Any = seed(start)(machine)
    with _nothing_read_in_the_code():
        run_state_machine_as_test(seeded, settings=config)


@contextlib.contextmanager
def _nothing_read_in_the_code() -> Iterator[None]:
    """Keep hypothesis from drawing numbers and texts that it read in the modules of the day.

    Which those are depends on what other tests were loaded, and with them every world.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(providers, "_get_local_constants", Constants)
        providers.CONSTANTS_CACHE.cache.clear()
        try:
            yield
        finally:
            providers.CONSTANTS_CACHE.cache.clear()
