"""Attack 17: the attacker has a phone's session, or even its device key, and not the passkey.

It fails because every call is signed by the device key, and an approval by the passkey of that very
phone, with the person verified, on our origin, over that document.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_neither_the_session_nor_a_passkey_of_somebody_else_approves(served: Served) -> None:
    finding = await tried(served, "17")
    assert finding.outcome is Outcome.HELD, finding.seen
