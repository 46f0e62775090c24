"""Attack 1: the attacker opens the page and sends its code to a victim, by mail or as a picture.

It fails because the code moves: each frame carries its second under a mac, and counts only while it
is between one second in the future and six in the past. When a picture has arrived it is dead.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from endorse.core import frame
from endorse.phone import CodeNotAccepted
from endorse.store import reads
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_code_that_was_sent_on_is_dead(served: Served) -> None:
    finding = await tried(served, "1")
    assert finding.outcome is Outcome.HELD, finding.seen


@pytest.mark.parametrize("age", range(10))
async def test_a_frame_counts_for_six_seconds(served: Served, age: int) -> None:
    phone, tab = await play.somebody(served), await play.begun(served)
    photograph = await tab.frame()
    served.clock.move(age)
    if age <= 6:
        assert (await phone.claim(photograph)).state == "claimed"
    else:
        with pytest.raises(CodeNotAccepted):
            await phone.claim(photograph)
        assert await tab.state() == "waiting"


@pytest.mark.parametrize("age", [0, 6, 10, 11, 60])
async def test_a_code_that_was_drawn_for_a_page_without_script_counts_for_ten(
    served: Served, age: int
) -> None:
    phone, tab = await play.somebody(served), await play.begun(served)
    journey = await served.desk.store.read(lambda db: reads.journey_by_short(db, tab.short))
    assert journey is not None
    key = frame.frame_key(served.desk.keys.handles, journey.qid)
    drawn = frame.write(key, served.issuer, journey, 0, still=True)
    served.clock.move(age)
    answer = await phone.call("POST", "/phone/claim", {"code": drawn})
    assert (answer.status_code == 200) is (age <= 10)
