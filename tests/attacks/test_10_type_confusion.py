"""Attack 10: the attacker gives one handle where another belongs: a link as a code, and so on.

It fails because the code, the link and the short code differ in syntax, in handle and in proof, and
every other place (page, return, journey, authorization code) knows only its own handles.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_no_handle_passes_for_another(served: Served) -> None:
    finding = await tried(served, "10")
    assert finding.outcome is Outcome.HELD, finding.seen
