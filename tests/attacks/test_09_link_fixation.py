"""Attack 9: the attacker begins in his own browser and has the victim open its link in the app.

It fails because what was approved by link is completed by the return alone: it takes B, which the
attacker's browser has, and the return nonce, which the victim's phone gives to the victim's
browser. Neither has both, the waiting page is not told of the approval, and after a minute it is
over.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_neither_browser_gets_a_code_and_nothing_is_left(served: Served) -> None:
    finding = await tried(served, "9")
    assert finding.outcome is Outcome.HELD, finding.seen
    assert (await contents(served))["grants"] == []
