"""Attack 11: the attacker learns the address of a victim's page or of its event stream.

It fails because every endpoint of the browser wants B, the secret in the cookie of this one
journey, and says 404 without it or with another. What the page hears are states, frames and the
number, never the authorization code: that stands in one redirect alone.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_without_b_there_is_nothing_and_no_event_holds_a_code(served: Served) -> None:
    finding = await tried(served, "11")
    assert finding.outcome is Outcome.HELD, finding.seen
