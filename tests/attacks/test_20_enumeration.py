"""Attack 20: the attacker learns from the server's errors which codes, links and pages exist.

It fails because everything that does not count gets one answer: the same status and the same body,
whether the handle is unknown, forged, withdrawn or too old.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_all_bad_codes_and_all_pages_of_others_get_one_answer(served: Served) -> None:
    finding = await tried(served, "20")
    assert finding.outcome is Outcome.HELD, finding.seen
