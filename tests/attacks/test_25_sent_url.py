"""Attack 25: the attacker sends a victim the authorization URL, or the code, of his own flow.

It fails because the server gives `state` back as it came, and a client takes no answer without the
state that it keeps for this visitor (RFC 6749 10.12). Budgetly stands for a client that does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.browser.town import town
from tests.flows.play import QUICK
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_client_leaves_a_code_alone_that_came_without_its_own_state(tmp_path: Path) -> None:
    async with town(f"sqlite:///{tmp_path / 'endorse.sqlite3'}", QUICK) as place:
        finding = await tried(place.bank, "25")
        assert finding.outcome is Outcome.HELD, finding.seen


async def test_a_client_that_is_elsewhere_is_not_called(served: Served) -> None:
    finding = await tried(served, "25")
    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert "came back whole" in finding.seen
