"""Attack 22: the client goes on reading after the person has ended the connection.

It fails because each call asks the store, and access tokens are recognised there: at the end of a
connection they open nothing from that moment, and its refresh tokens give nothing.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows import play
from tests.flows.nodes import doubled
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_at_the_end_all_tokens_are_dead_at_once(served: Served) -> None:
    finding = await tried(served, "22")
    assert finding.outcome is Outcome.HELD, finding.seen


async def test_on_each_of_two_servers_they_are_dead(served: Served) -> None:
    phone = await play.phone_of(served)
    async with doubled(served):
        got = await play.tokens(served, phone)
        [connection, *_] = await phone.connections()
        await phone.end(connection.grant_id)
        for _ in range(2):
            assert not await play.opens(served, got["access_token"])
            assert (await play.refresh(served, got["refresh_token"])).status_code == 400
