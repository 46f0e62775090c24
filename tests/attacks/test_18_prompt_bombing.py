"""Attack 18: the attacker sends prompts to a person's phone until they say yes to get rid of them.

It fails because there is no such way: a request reaches a phone only when that phone scans, opens
or types something. A client that knows who somebody is cannot use it for that.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_nothing_that_a_client_does_alone_reaches_a_phone(served: Served) -> None:
    finding = await tried(served, "18")
    assert finding.outcome is Outcome.HELD, finding.seen


def test_every_route_that_reaches_a_phone_is_called_by_a_phone_or_with_b() -> None:
    """A new route must be put in one of these, or this test says that it is not judged."""
    journeys = {path for path, _ in play.routes_of() if "journey" in path or "backchannel" in path}
    assert journeys == {"/phone/journeys"}
