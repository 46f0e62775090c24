"""Attack 7: the attacker forwards the moving code live to a victim, and hears nothing back.

It fails because the page's number is drawn at the victim's claim. Whatever number the attacker
shows was fixed before it: it is right once in 90 times, and a wrong one ends the journey at the
only try.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from endorse.phone import PhoneError
from tests import parts
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

RELAYS = 9_000 if parts.SOAK else 180


async def test_a_number_that_was_fixed_before_the_scan_ends_it(served: Served) -> None:
    finding = await tried(served, "7")
    assert finding.outcome is Outcome.HELD, finding.seen


async def test_a_relay_that_only_sends_succeeds_about_once_in_90(served: Served) -> None:
    victim = await play.somebody(served)
    through = 0
    for relay in range(RELAYS):
        if relay % 100 == 99:
            await victim.sign_in()
        tab = await play.begun(served)
        journey = (await play.claimed(tab, victim)).journey
        try:
            await victim.match(journey, 10 + relay % 90)
        except PhoneError:
            assert await tab.state() == "killed"
        else:
            through += 1
    # Of 180 the mean is 2; more than 12 come by chance once in ten million runs.
    assert through <= RELAYS / 90 + 7.2 * (RELAYS / 90) ** 0.5, through


async def test_the_number_is_as_often_each_of_90(served: Served) -> None:
    victim = await play.somebody(served)
    drawn = set()
    for _ in range(60):
        tab = await play.begun(served)
        await play.claimed(tab, victim)
        drawn.add(await tab.number())
    assert all(number is not None and 10 <= number <= 99 for number in drawn)
    # 60 draws of 90 give 44 different ones in the mean; below 28 is past seven deviations.
    assert len(drawn) >= 28
