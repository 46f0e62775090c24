"""Attack 24: the attacker begins over and over, to fill the store and slow down everybody else.

It fails because one address may begin ten times a minute. What is refused stores nothing, and
others are served as before.
"""

from __future__ import annotations

import asyncio
import statistics
import time

import httpx2
import msgspec
import pytest

from endorse.audit import Outcome
from endorse.core.policy import Policy
from tests.attacks.trying import tried
from tests.flows import play
from tests.flows.play import JSON, QUICK, SAME_ORIGIN, quiet_client
from tests.flows.rows import counts
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

LIMITED = msgspec.structs.replace(QUICK, starts_a_minute=Policy().starts_a_minute)
AT_ONCE = 5


async def test_the_flooder_is_told_to_slow_down(database: str) -> None:
    async with serving(database, LIMITED) as served:
        finding = await tried(served, "24")
        assert finding.outcome is Outcome.HELD, finding.seen
        assert finding.seen.startswith("After 10 starts")


async def test_a_flood_stores_nothing_and_slows_nobody_else(database: str) -> None:
    async with serving(database, LIMITED) as served, quiet_client() as http:
        served.http = http
        tab = await play.begun(served)
        alone = await _time(served, tab)
        statuses: list[int] = []
        flood = [asyncio.create_task(_flood(served, tab, statuses)) for _ in range(AT_ONCE)]
        flooded = await _time(served, tab)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert statuses.count(429) >= len(statuses) - LIMITED.starts_a_minute > 100
        assert (await counts(served))["journeys"] <= LIMITED.starts_a_minute
        # Flood and measure share this process: the bound is wide, what grows without end is not.
        assert flooded <= max(0.25, 10 * alone)


async def test_another_address_begins_as_before(database: str) -> None:
    elsewhere = httpx2.AsyncHTTPTransport(local_address="127.0.0.2")
    async with serving(database, LIMITED) as served, quiet_client(elsewhere) as other:
        tab = await play.begun(served)
        refused = await play.together(*(tab.start() for _ in range(30)))
        assert [it.status_code for it in refused].count(429) >= 20
        url = served.url("/auth/start").replace("localhost", "127.0.0.1")
        host = {"Host": served.issuer.removeprefix("http://")}
        answer = await other.post(
            url, data={"request": tab.sealed}, headers={**SAME_ORIGIN, **JSON, **host}
        )
        assert answer.status_code == 200, answer.text


async def _flood(served: Served, tab: play.Tab, statuses: list[int]) -> None:
    url = served.url("/auth/start")
    while True:
        answer = await served.http.post(url, data={"request": tab.sealed}, headers=SAME_ORIGIN)
        statuses.append(answer.status_code)


async def _time(served: Served, tab: play.Tab) -> float:
    """Seconds that another's page takes, in the 95th percentile."""
    took = []
    for _ in range(200):
        began = time.perf_counter()
        assert (await tab.get("/connect/{}")).status_code == 200
        took.append(time.perf_counter() - began)
    return statistics.quantiles(took, n=20)[-1]
