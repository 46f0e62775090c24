"""The state machine: everything that the people of the world may do, in any order."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from endorse.core.journey import FINAL
from endorse.core.model import Phone
from endorse.core.policy import WAYS
from tests.core.scene import ISSUER
from tests.model.world import MALLORY, Browser, World

MANY: Final = 9
"""Journeys in one world. More would only be further apart."""
NTH: Final = st.integers(0, MANY - 1)
"""The n-th last of whatever is chosen from."""
RECENT: Final = st.integers(0, 2)
BY: Final = st.sampled_from(("qr", "qr", "link", "link", "short_code", "near"))
LEVEL: Final = st.sampled_from(("green", "green", "green", "green", "green", "amber", "red"))
OFFERED: Final = st.sampled_from((WAYS, WAYS, ("qr",), ("link",), ("qr", "short_code"), ("near",)))
WAIT: Final = st.sampled_from((1, 1, 2, 3, 5, 6, 7, 9, 11, 20, 45, 60, 61, 119, 121, 300))
CROWD: Final = st.sampled_from(
    (
        ({"Anna": 1, MALLORY: 1}, {"Anna": 1, MALLORY: 1}),
        ({"Anna": 1, "Ben": 1, MALLORY: 2}, {"Anna": 2, "Ben": 1, MALLORY: 1}),
        ({"Anna": 2, "Ben": 1, MALLORY: 1}, {"Anna": 1, "Ben": 2, MALLORY: 2}),
    )
)


class Model(RuleBasedStateMachine):
    """N browsers and M phones of several people, some of them Mallory's, and a clock."""

    strict = False
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ids: list[str] = []

    @initialize(crowd=CROWD)
    def gather(self, crowd: tuple[dict[str, int], dict[str, int]]) -> None:
        self.world = World(*crowd, strict=self.strict)

    # --- choosing ----------------------------------------------------------------------------

    def phone(self, nth: int) -> Phone:
        return self.world.phones[nth % len(self.world.phones)]

    def browser(self, nth: int) -> Browser:
        browsers = list(self.world.browsers.values())
        return browsers[nth % len(browsers)]

    def journey(self, nth: int) -> str:
        return self.ids[-1 - nth % len(self.ids)]

    def known(self, nth: int) -> str:
        texts = self.world.known
        return texts[-1 - nth % len(texts)] if texts else "nothing"

    def may_see(self, phone: Phone, browser: Browser) -> bool:
        """Honest people hold their phones to their own screen, or to what Mallory shows them."""
        return MALLORY in (phone.person_id, browser.owner) or phone.person_id == browser.owner

    # --- browsers ----------------------------------------------------------------------------

    @precondition(lambda self: len(self.ids) < MANY)
    @rule(nth=NTH, offered=OFFERED)
    def begin(self, nth: int, offered: tuple[str, ...]) -> None:
        self.ids.append(self.world.begin(self.browser(nth), offered))

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
    @rule(nth=NTH, other=NTH)
    def resume(self, nth: int, other: int) -> None:
        journey = self.journey(nth)
        browser = self.browser(other) if other > 4 else self.world.holder(journey)
        self.world.resume(browser, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, which=NTH)
    def come_back(self, nth: int, other: int, which: int) -> None:
        browser = self.browser(other)
        nonces = self.world.nonces[browser.owner] + self.world.nonces[MALLORY] + ["guessed"]
        self.world.come_back(browser, self.journey(nth), nonces[which % len(nonces)])

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
    @rule(nth=NTH, other=NTH, aim=st.none() | NTH)
    def show(self, nth: int, other: int, aim: int | None) -> None:
        """Mallory puts something before anybody, or before her own phone."""
        journey = self.journey(aim) if aim is not None else None
        self.world.claim(self.phone(other), self.known(nth), journey)

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
    @rule(nth=NTH, other=NTH, guess=st.sampled_from((None, 42, 43)))
    def guess(self, nth: int, other: int, guess: int | None) -> None:
        """Whoever holds it, or anybody else, says a number that nobody showed."""
        journey = self.journey(nth)
        held = self.world.record(journey).phone
        phone = self.phone(other) if other > 5 or not held else self.world.memory.phones[held]
        self.world.match(phone, journey, guess)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, step=st.sampled_from(("match", "choose", "foreign", "edit", "no")))
    def meddle(self, nth: int, other: int, step: str) -> None:
        """Any phone tries a step on any journey."""
        journey, phone, world = self.journey(nth), self.phone(other), self.world
        match step:
            case "match":
                world.match(phone, journey, world.record(journey).number)
            case "choose":
                world.review(phone, journey)
            case "foreign":
                world.review(phone, journey, ("Anna-1", f"{phone.person_id}-2"))
            case "edit":
                world.edit(phone, journey)
            case _:
                world.refuse(phone, journey)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH)
    def disown(self, nth: int, other: int) -> None:
        self.world.disown(self.phone(other), self.journey(nth))

    @precondition(lambda self: self.ids)
    @rule(nth=NTH)
    def edit(self, nth: int) -> None:
        journey = self.journey(nth)
        held = self.world.record(journey).phone
        if held:
            self.world.edit(self.world.memory.phones[held], journey)

    @precondition(lambda self: self.world.assertions)
    @rule(nth=NTH, other=NTH, which=NTH)
    def replay(self, nth: int, other: int, which: int) -> None:
        """A phone sends whatever any passkey ever signed."""
        journey, assertions = self.journey(nth), self.world.assertions
        held = self.world.record(journey).phone
        phone = self.phone(other) if other > 5 or not held else self.world.memory.phones[held]
        self.world.approve(phone, journey, assertions[-1 - which % len(assertions)])

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, then=st.sampled_from(("edit", "cancel", "send")))
    def sign(self, nth: int, other: int, then: str) -> None:
        """A passkey signs what its phone shows; something may come in between."""
        journey, phone, world = self.journey(nth), self.phone(other), self.world
        assertion = world.sign(phone)
        if assertion is not None:
            between = {
                "edit": lambda: world.edit(phone, journey),
                "cancel": lambda: world.cancel(world.holder(journey), journey),
                "send": None,
            }
            world.approve(phone, journey, assertion, between[then])

    # --- one step further --------------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY)
    def go_on(self, nth: int, other: int, way: str) -> None:
        self._go_on(self.journey(nth), self.phone(other), way)

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, times=st.integers(2, 6))
    def go_far(self, nth: int, other: int, way: str, times: int) -> None:
        journey = self.journey(nth)
        for _ in range(times):
            self._go_on(journey, self.phone(other), way)

    def _go_on(self, journey: str, by: Phone, way: str) -> None:
        """Everybody concerned does what takes the journey a step further."""
        world = self.world
        record = world.record(journey)
        if not record.phone:
            self._reach(journey, by, way)
            return
        phone = world.memory.phones[record.phone]
        if not record.matched:
            self._say_number(journey, phone)
        elif not record.document:
            world.review(phone, journey)
        elif not record.approved:
            assertion = world.sign(phone)
            if assertion is not None:
                world.approve(phone, journey, assertion)
        elif not record.code:
            if record.way == "link":
                self._return_from_app(journey, phone)
            world.resume(world.holder(journey), journey)
        else:
            world.redeem(journey)

    def _reach(self, journey: str, phone: Phone, way: str) -> None:
        """A journey reaches this phone if its person has the page before them, or its owner's."""
        world = self.world
        browser = world.holder(journey)
        if not self.may_see(phone, browser):
            phone = next(it for it in world.phones if it.person_id == browser.owner)
        if way == "near":
            if phone.person_id in (browser.owner, MALLORY):
                world.come_near(phone, journey)
            return
        if way == "qr" and world.memory.journeys[journey].lid_hash is not None:
            world.show_code(browser, journey)
        make = {"link": world.open_app, "short_code": world.spell}.get(way)
        text = make(browser, journey) if make is not None else world.look(journey)
        if text is not None:
            world.claim(phone, text)

    def _say_number(self, journey: str, phone: Phone) -> None:
        """A person says the number on their own page, or the one that Mallory told them."""
        world = self.world
        world.look(journey)
        own = world.holder(journey).owner == phone.person_id
        number = world.record(journey).number if own else world.numbers.get(journey, 42)
        told = not own and phone.person_id != MALLORY
        world.match(phone, journey, number, told)

    def _return_from_app(self, journey: str, phone: Phone) -> None:
        """The phone opens the return page in each browser of its person."""
        for nonce in self.world.nonces[phone.person_id][-1:]:
            for browser in self.world.browsers.values():
                if browser.owner == phone.person_id:
                    self.world.come_back(browser, journey, nonce)

    # --- Mallory and the client --------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(nth=NTH)
    def peek(self, nth: int) -> None:
        self.world.peek(self.journey(nth))

    @precondition(lambda self: self.world.known)
    @rule(nth=NTH, other=NTH, how=st.integers(0, 5), ahead=st.integers(0, 12))
    def forge(self, nth: int, other: int, how: int, ahead: int) -> None:
        """Mallory puts parts of what she knows together anew."""
        made = forged(self.known(nth), self.known(other), how, ahead)
        if made is not None:
            self.world.known.append(made)

    @precondition(lambda self: self.ids)
    @rule(nth=NTH, other=NTH, client=st.sampled_from(("app", "app", "other-app")))
    def redeem(self, nth: int, other: int, client: str) -> None:
        browser = self.browser(other).name if other > 5 else ""
        self.world.redeem(self.journey(nth), client, browser)

    @rule(seconds=WAIT)
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @invariant()
    def count(self) -> None:
        """Count the steps; the laws are judged within them, at every change."""
        type(self).steps += 1

    def teardown(self) -> None:
        """The laws saw every change: what they remember is what is stored."""
        for journey in self.world.memory.journeys.values():
            record = self.world.record(journey.journey_id)
            assert bool(record.over) == (journey.state in FINAL)
            assert (record.phone or None, record.number) == (journey.phone_id, journey.number)


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
    run_state_machine_as_test(seeded, settings=config)
