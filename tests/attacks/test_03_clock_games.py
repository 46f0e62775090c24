"""Attack 3: the attacker makes a frame live longer by dating it forward, or by turning a clock.

It fails because the second stands under the mac, the server alone says what time it is, and its
clock never steps back while it runs, whatever the wall clock does.
"""

from __future__ import annotations

import time

import pytest

from endorse.audit import Outcome
from endorse.phone import CodeNotAccepted
from endorse.server.clock import SteadyClock
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served


@pytest.mark.anyio
async def test_frames_and_calls_that_are_dated_otherwise_are_refused(served: Served) -> None:
    finding = await tried(served, "3")
    assert finding.outcome is Outcome.HELD, finding.seen


@pytest.mark.anyio
async def test_a_frame_of_more_than_a_second_ahead_is_refused(served: Served) -> None:
    phone, tab = await play.somebody(served), await play.begun(served)
    served.clock.move(30)
    ahead = await tab.frame()
    served.clock.move(-2)
    with pytest.raises(CodeNotAccepted):
        await phone.claim(ahead)
    served.clock.move(1)
    assert (await phone.claim(ahead)).state == "claimed"
    served.clock.move(1)


def test_a_wall_clock_that_is_set_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteadyClock()
    before = clock()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert before <= clock() <= before + 1
