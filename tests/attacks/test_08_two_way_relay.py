"""Attack 8: the attacker forwards the moving code live, and the number from the page as well.

KNOWN RESIDUE: by the moving code it SUCCEEDS, with a victim who scans what a stranger shows, types
the number that the stranger says, reads who asks, and approves with the passkey. What limits it: it
takes the victim on the line for all of it; the phone says when and where it began; "I did not start
this" ends it; a risk verdict of red refuses it; and the connection is seen and ended on the phone.

By nearness it FAILS: the page asks for the passkey itself, by radio from the phone beside it, and
the passkey's answer names the origin of the page. That of a relaying page is another one.
"""

from __future__ import annotations

import msgspec
import pytest

from endorse.audit import Outcome
from endorse.risk import Circumstances
from endorse.risk import Verdict as Risky
from tests.attacks.trying import tried
from tests.flows import play
from tests.flows.play import QUICK
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

NEAR_ONLY = msgspec.structs.replace(QUICK, ways=("near",))
ALL_WAYS = msgspec.structs.replace(QUICK, ways=("qr", "link", "short_code", "near"))


class Red:
    """A risk check that found the mark of a relay."""

    async def weigh(self, it: Circumstances) -> Risky:
        """Refuse all."""
        return Risky(level="red", reasons=("hosting_network",))


async def test_by_the_moving_code_it_succeeds_unless_the_victim_declines(served: Served) -> None:
    finding = await tried(served, "8")
    assert finding.outcome is Outcome.KNOWN, finding.seen
    assert "One who declines does not" in finding.seen


@pytest.mark.usefixtures("no_code_is_awaited")
async def test_where_only_nearness_counts_it_fails(database: str) -> None:
    async with serving(database, NEAR_ONLY) as served:
        finding = await tried(served, "8")
        assert finding.outcome is Outcome.HELD, finding.seen
        assert "made for another origin is refused" in finding.seen


async def test_nearness_beside_the_moving_code_refuses_another_origin_too(database: str) -> None:
    async with serving(database, ALL_WAYS) as served:
        finding = await tried(served, "8")
        assert finding.outcome is Outcome.KNOWN, finding.seen
        assert "made for another origin is refused" in finding.seen


async def test_a_red_verdict_refuses_it(database: str) -> None:
    async with serving(database, QUICK) as served:
        served.desk.risk = Red()
        victim, tab = await play.somebody(served), await play.begun(served)
        answer = await victim.call("POST", "/phone/claim", {"code": await tab.frame()})
        assert answer.json()["error"] == "risk_too_high"
        assert await tab.state() == "killed"
