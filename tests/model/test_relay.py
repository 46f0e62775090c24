"""L4, "the holder of B is where the person is": by link it holds, by code it does not.

Nobody who only scans can tell whose page a code came from, nor whether somebody far away reads the
number to them. The shortest way to that end is searched for in every run, and kept in `relay.txt`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model.ground import MALLORY
from tests.model.judging import Broken
from tests.model.machine import Model, run
from tests.model.world import World

KEPT = Path(__file__).with_name("relay.txt")


class Strict(Model):
    """A machine that claims L4 for the code as well, which is more than holds."""

    strict = True
    last: World

    def teardown(self) -> None:
        """Keep the world in which it ended; the last one is the shortest that was found."""
        type(self).last = self.world


def lured(way: str) -> tuple[World, str]:
    """Anna claims, says the number and approves, all on what Mallory puts before her."""
    world = World()
    mine = world.browsers[f"{MALLORY}'s browser 1"]
    journey = world.begin(mine)
    make: dict[str, Callable[[str], str | None]] = {
        "qr": world.look,
        "link": lambda it: world.open_app(mine, it),
        "short_code": lambda it: world.spell(mine, it),
    }
    phone = world.phones[0]
    text = make[way](journey)
    assert text is not None
    world.claim(phone, text)
    world.match(phone, journey, world.numbers.get(journey), told_by_attacker=True)
    world.review(phone, journey)
    assertion = world.sign(phone)
    assert assertion is not None
    world.approve(phone, journey, assertion)
    return world, journey


def test_the_search_finds_the_two_way_relay_and_its_shortest_trace_is_the_kept_one() -> None:
    with pytest.raises(Broken, match="L4: Anna approved by qr; Mallory's browser 1 has it"):
        run(Strict, worlds=300, start=2, shrink=True)  # from 2 on it is found soonest
    trace = [line for line in Strict.last.trace if not line.endswith(" s pass")]
    assert trace == KEPT.read_text().splitlines()


@pytest.mark.parametrize("way", ["qr", "short_code"])
def test_a_two_way_relay_by_code_succeeds_as_is_known(way: str) -> None:
    world, journey = lured(way)
    assert world.resume(world.holder(journey), journey) is not None


def test_the_same_relay_by_link_gives_no_code_to_anybody() -> None:
    world, journey = lured("link")
    assert world.resume(world.holder(journey), journey) is None
    annas = world.browsers["Anna's browser 1"]
    for nonce in world.nonces["Anna"]:
        world.come_back(annas, journey, nonce)
    assert world.resume(annas, journey) is None
    assert world.resume(world.holder(journey), journey) is None
    world.wait(60)
    world.resume(world.holder(journey), journey)
    assert world.record(journey).code == ""


def test_a_relay_that_cannot_tell_the_number_ends_the_journey() -> None:
    world = World()
    mine = world.browsers[f"{MALLORY}'s browser 1"]
    journey = world.begin(mine)
    text = world.look(journey)
    assert text is not None
    world.claim(world.phones[0], text)
    number = world.record(journey).number
    world.match(world.phones[0], journey, 10 if number != 10 else 11, told_by_attacker=True)
    assert world.record(journey).over == "wrong number"
