"""Attack 5: everything that was sent is sent again, to log in twice or to get a second code.

It fails because each step is one guarded change from one state: the same claim is harmless and
never draws the number anew, a second approval finds none to give, and the code is derived, so that
a repeated way back says the same one. Redeemed twice, it takes back what it gave.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_each_message_twice_and_in_every_order_gives_one_code(served: Served) -> None:
    finding = await tried(served, "5")
    assert finding.outcome is Outcome.HELD, finding.seen
    assert len((await contents(served))["grants"]) == 1
