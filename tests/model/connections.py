"""The machine with what comes after the approval: connections are narrowed, renewed and ended."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.machine import AFTER, Model
from tests.model.steps import BY, NTH, RECENT

LIFE: Final = st.lists(
    st.sampled_from(("fewer", "fewer", "all", "none", "twice", "offer", "renew", "renew", "end")),
    min_size=2,
    max_size=6,
)
"""What is done with a connection, one after the other."""


class Connections(Model):
    """The machine of its own that looks after connections: the other one is as quick without."""

    @precondition(lambda self: self.ids)
    @rule(nth=RECENT, other=NTH, way=BY, life=LIFE, after=AFTER)
    def look_after(self, nth: int, other: int, way: str, life: list[str], after: int) -> None:
        """What was given is changed by the phone that gave it, or by any other that tries."""
        world, phone = self.world, self.phone(other)
        grant_id = self.given(self.journey(nth), phone, way)
        if grant_id is None:
            return
        giver = world.memory.phones[world.memory.grants[grant_id].phone_id]
        others = [it for it in world.memory.phones_of(giver.person_id) if it != giver]
        phone = giver if other < 5 else others[0] if other < 7 and others else phone
        one, two = f"{giver.person_id}-1", f"{giver.person_id}-2"
        self.later(after or 1)
        for step in life:
            match step:
                case "fewer" | "all" | "none":
                    keep = {"fewer": (one,), "all": (one, two), "none": ()}[step]
                    world.narrow(phone, grant_id, keep)
                case "twice":
                    other_way = lambda: world.narrow(phone, grant_id, (two,))  # noqa: E731
                    world.narrow(phone, grant_id, (one,), other_way)
                case "offer":
                    self.offers += [it] if (it := world.offer(phone, grant_id)) else []
                case "renew" if self.offers:
                    world.renew(self.offers[-1 - other % len(self.offers)])
                case "end":
                    world.end(phone, grant_id)
