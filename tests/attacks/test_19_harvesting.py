"""Attack 19: the attacker shows his own code in public and learns from the page who scans it.

It fails because nothing about the person reaches the browser before the redirect: what the page
hears is the same for everybody, but for the number and the time.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_page_hears_the_same_whoever_approves(served: Served) -> None:
    finding = await tried(served, "19")
    assert finding.outcome is Outcome.HELD, finding.seen
