"""OAuch's cases of what happens at the same moment."""

from __future__ import annotations

import pytest

from tests.flows import play
from tests.flows.nodes import doubled
from tests.flows.play import QUICK, quiet_client
from tests.parts import PostgresServer
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def race(served: Served) -> int:
    """Redeem one code twenty times at once; how often it was good, and all of that is dead."""
    code = await play.code_for(served, await play.phone_of(served))
    answers = await play.together(*(play.redeem(served, code) for _ in range(20)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    for tokens in good:
        assert not await play.opens(served, tokens["access_token"])
        assert (await play.refresh(served, tokens["refresh_token"])).status_code == 400
    return len(good)


async def test_ConcurrentTokensRevokedTest_what_the_first_got_is_dead(served: Served) -> None:
    await race(served)


@pytest.mark.postgres
async def test_MultiFastACExchangeTest_two_servers_give_one_answer(
    postgres_server: PostgresServer, postgres_template: str
) -> None:
    with postgres_server.database(postgres_template) as url:
        async with serving(url, QUICK) as served, quiet_client() as http:
            served.http = http
            await play.phone_of(served)
            async with doubled(served):
                assert await race(served) <= 1


@pytest.mark.spec("RFC 6749 10.5", "Codes are short-lived and good once")
async def test_SingleFastACExchangeTest_one_server_gives_one_answer(served: Served) -> None:
    for _ in range(3):
        assert await race(served) <= 1
