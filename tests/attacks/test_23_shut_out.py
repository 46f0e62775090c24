"""Row 23, no attack but its opposite: nobody is shut out who has no camera, no script or no sight.

A way that some cannot go is a way around which they are talked by somebody else. Letters stand in
for the camera, forms for the script; `tests/browser` holds each state to WCAG 2.2 AA with axe-core
(`test_axe`, and every picture) and goes the whole way by keyboard (`test_everyone`).
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_forms_and_letters_alone_end_in_a_code(served: Served) -> None:
    finding = await tried(served, "23")
    assert finding.outcome is Outcome.HELD, finding.seen
