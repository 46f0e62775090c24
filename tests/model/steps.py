"""How a step of the machine chooses, and how everybody concerned takes a journey further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
)

from endorse.core.model import Phone
from tests.model.ground import MALLORY, Browser
from tests.model.laws import Record
from tests.model.world import Offer, World

MANY: Final = 9
"""Journeys in one world. More would only be further apart."""
NTH: Final = st.integers(0, MANY - 1)
"""The n-th last of whatever is chosen from."""
RECENT: Final = st.integers(0, 2)
BY: Final = st.sampled_from(("qr", "qr", "link", "link", "short_code", "near"))
STAGES: Final[dict[str, Callable[[Record], bool]]] = {
    "claimed": lambda it: bool(it.phone),
    "matched": lambda it: it.matched,
    "document": lambda it: bool(it.document),
    "approved": lambda it: it.approved,
    "code": lambda it: bool(it.code),
    "end": lambda it: bool(it.over),
}
"""How far a journey may be taken in one go."""
CROWD: Final = st.sampled_from(
    (
        ({"Anna": 1, MALLORY: 1}, {"Anna": 1, MALLORY: 1}),
        ({"Anna": 1, "Ben": 1, MALLORY: 2}, {"Anna": 2, "Ben": 1, MALLORY: 1}),
        ({"Anna": 2, "Ben": 1, MALLORY: 1}, {"Anna": 1, "Ben": 2, MALLORY: 2}),
    )
)


class Steps(RuleBasedStateMachine):
    """What the rules of the machine are made of."""

    strict = False
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ids: list[str] = []
        self.offers: list[Offer] = []

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
        """Something that Mallory knows: most often of a journey that nobody claimed yet."""
        texts, laws = self.world.known, self.world.laws
        if nth < 6:
            free = [it for it in texts if not laws.records[laws.shown[it].journey_id].phone]
            texts = free or texts
        return texts[-1 - nth % len(texts)]

    def held_by(self, journey: str, otherwise: Phone) -> Phone:
        """The phone that claimed it, or another one."""
        held = self.world.record(journey).phone
        return self.world.memory.phones[held] if held else otherwise

    def anew(self, browser: Browser) -> str:
        """Another journey, which nobody claimed yet."""
        self.ids.append(self.world.begin(browser))
        return self.ids[-1]

    def later(self, seconds: int) -> None:
        if seconds:
            self.world.wait(seconds)

    def may_see(self, phone: Phone, browser: Browser) -> bool:
        """Honest people hold their phones to their own screen, or to what Mallory shows them."""
        return MALLORY in (phone.person_id, browser.owner) or phone.person_id == browser.owner

    # --- one step further --------------------------------------------------------------------

    def given(self, journey: str, by: Phone, way: str) -> str | None:
        """Take a journey to its end, over both accounts: the connection that came of it."""
        record, world = self.world.record(journey), self.world
        self.bring(journey, by, way, STAGES["matched"])
        if record.matched and not record.document:
            phone = world.memory.phones[record.phone]
            world.review(phone, journey, (f"{record.person}-1", f"{record.person}-2"))
        self.bring(journey, by, way, STAGES["end"])
        return world.memory.journeys[journey].grant_id

    def bring(
        self,
        journey: str,
        by: Phone,
        way: str,
        there: Callable[[Record], bool],
        level: str = "green",
    ) -> None:
        """Take a journey as far as to some stage, if it goes that far."""
        record = self.world.record(journey)
        for _ in STAGES:
            if not there(record) and not record.over:
                self._go_on(journey, by, way, level)

    def _go_on(self, journey: str, by: Phone, way: str, level: str = "green") -> None:
        """Everybody concerned does what takes the journey a step further."""
        world = self.world
        record = world.record(journey)
        if not record.phone:
            self._reach(journey, by, way, level)
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

    def _reach(self, journey: str, phone: Phone, way: str, level: str = "green") -> None:
        """A journey reaches this phone if its person has the page before them, or its owner's."""
        world = self.world
        browser = world.holder(journey)
        if not self.may_see(phone, browser):
            phone = next(it for it in world.phones if it.person_id == browser.owner)
        if way == "near":
            if phone.person_id in (browser.owner, MALLORY):
                world.come_near(phone, journey, level)
            return
        if way == "qr" and world.memory.journeys[journey].lid_hash is not None:
            world.show_code(browser, journey)
        make = {"link": world.open_app, "short_code": world.spell}.get(way)
        text = make(browser, journey) if make is not None else world.look(journey)
        if text is not None:
            world.claim(phone, text, None, level)

    def _say_number(self, journey: str, phone: Phone) -> None:
        """A person says the number on their own page, or the one that Mallory told them."""
        world = self.world
        world.look(journey)
        own = world.holder(journey).owner == phone.person_id
        number = world.record(journey).number if own else world.numbers.get(journey, 42)
        told = not own and phone.person_id != MALLORY
        world.match(phone, journey, number, told)

    def _say_known_number(self, journey: str, phone: Phone) -> None:
        """As `_say_number`, but nobody guesses: who was told no number sends none."""
        world = self.world
        own = world.holder(journey).owner == phone.person_id
        number = world.record(journey).number if own else world.numbers.get(journey)
        told = not own and phone.person_id != MALLORY
        world.match(phone, journey, number, told)

    def _return_from_app(self, journey: str, phone: Phone) -> None:
        """The phone opens the return page in each browser of its person."""
        for nonce in self.world.nonces[phone.person_id][-1:]:
            for browser in self.world.browsers.values():
                if browser.owner == phone.person_id:
                    self.world.come_back(browser, journey, nonce)
