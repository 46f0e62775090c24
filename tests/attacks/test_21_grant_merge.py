"""Attack 21: another person changes a connection, or has an approval of theirs merged into it.

It fails because a connection is its person's alone: to anybody else it does not exist. A client may
name one in a request, and then only a phone of the connection's own person can take that request.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_another_person_can_neither_change_nor_join_a_connection(served: Served) -> None:
    finding = await tried(served, "21")
    assert finding.outcome is Outcome.HELD, finding.seen
