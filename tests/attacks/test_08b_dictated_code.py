"""Attack 8b: the attacker asks the page for letters and dictates them over the telephone.

KNOWN RESIDUE: it SUCCEEDS with a victim who types the letters and then the number that a stranger
dictates, and approves under a warning. What limits it: the hint is never green and asks "Did
someone tell you this code?"; an approval counts only when there was time to read that; and an
operator or a client can switch the letters off.
"""

from __future__ import annotations

import msgspec
import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows.play import QUICK
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

NO_LETTERS = msgspec.structs.replace(QUICK, ways=("qr", "link"))


async def test_it_succeeds_under_a_warning(served: Served) -> None:
    finding = await tried(served, "8b")
    assert finding.outcome is Outcome.KNOWN, finding.seen
    assert "short_code" in finding.seen


async def test_where_the_letters_are_switched_off_there_is_nothing_to_dictate(
    database: str,
) -> None:
    async with serving(database, NO_LETTERS) as served:
        finding = await tried(served, "8b")
        assert finding.outcome is Outcome.HELD, finding.seen
