"""Attack 14: the attacker's phone scans the victim's screen, over a shoulder or through a camera.

It fails for a phone that does not see the number: one guess in 90, then the journey is over.

KNOWN RESIDUE: a phone that sees code and number SUCCEEDS in linking *its own* accounts to the
victim's app; it learns nothing of the victim. The page asks "Does your phone ask for this number?".
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_it_links_its_own_accounts_only_with_the_number(served: Served) -> None:
    finding = await tried(served, "14")
    assert finding.outcome is Outcome.KNOWN, finding.seen


async def test_the_page_asks_whether_the_own_phone_asks_for_the_number(served: Served) -> None:
    attacker, tab = await play.somebody(served), await play.begun(served)
    await play.claimed(tab, attacker)
    page = (await tab.get("/connect/{}")).text
    assert "Does your phone ask for this number? If not, cancel." in page
    assert f">{await tab.number()}<" in page
    assert (await tab.post("/connect/{}/cancel")).json() == {"state": "cancelled"}
