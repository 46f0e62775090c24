"""Attack 2: the attacker edits a frame: another second, another journey's handle, one byte.

It fails because a mac binds kind, issuer, handle, second and request; the server alone has its key.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_an_edited_frame_is_refused_whichever_byte_was_changed(served: Served) -> None:
    finding = await tried(served, "2")
    assert finding.outcome is Outcome.HELD, finding.seen
