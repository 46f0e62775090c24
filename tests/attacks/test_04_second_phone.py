"""Attack 4: a second phone scans the code after, or at the same moment as, the first one.

It fails because the first claim takes the journey in one guarded change, and a scan by another
person before the number was typed stops it: one of the two is being deceived, and nobody can say
which.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows import play
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_of_50_people_who_scan_at_once_one_wins_and_the_journey_is_stopped(
    served: Served,
) -> None:
    finding = await tried(served, "4", crowd=50)
    assert finding.outcome is Outcome.HELD, finding.seen
    rows = (await contents(served))["journeys"]
    assert len(rows) == 1
    assert "killed" in rows[0]
    assert "already_scanned" in rows[0]


async def test_another_phone_of_the_same_person_is_refused_and_stops_nothing(
    served: Served,
) -> None:
    first, tab = await play.phone_of(served), await play.begun(served)
    second = await play.somebody(served, "anna")
    await play.claimed(tab, first)
    answer = await second.call("POST", "/phone/claim", {"code": await tab.frame()})
    assert answer.json()["error"] == "code_not_accepted"
    assert await tab.state() == "claimed"
