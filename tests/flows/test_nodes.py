"""Two servers on one PostgreSQL: what one does, those who wait at the other hear of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from endorse.core.model import Journey
from endorse.server import ready
from endorse.store import reads
from endorse.store.connection import Connection
from endorse.store.listen import NAME, Listener
from tests import parts
from tests.flows import play
from tests.flows.listening import PATIENCE
from tests.flows.nodes import doubled
from tests.flows.test_dpop import Client
from tests.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.xdist_group("nodes")]


@pytest.fixture(scope="module")
async def here(postgres_server: parts.PostgresServer) -> AsyncIterator[Served]:
    """The server at which pages wait."""
    with postgres_server.database() as url:
        async with serving(url, play.QUICK) as server, play.quiet_client() as http:
            server.http = http
            yield server


@pytest.fixture(scope="module")
async def there(here: Served) -> AsyncIterator[Served]:
    """The server that phones call."""
    async with doubled(here) as other, play.quiet_client() as alone:
        here.http = alone
        yield other


async def readiness(served: Served) -> int:
    return (await served.http.get(served.url("/readyz"))).status_code


def ear(served: Served) -> Listener:
    ear = served.desk.store.ear
    assert isinstance(ear, Listener)
    return ear


@asynccontextmanager
async def deaf(served: Served) -> AsyncIterator[None]:
    """End the listening connections to the server's database, and let it make no new one."""
    url = urlsplit(served.desk.settings.database)
    name = url.path.removeprefix("/")
    raw = await asyncpg.connect(url._replace(path="/postgres").geturl())
    await raw.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    ended = await raw.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = $1 AND datname = $2",
        NAME,
        name,
    )
    assert len(ended) == 2
    await play.until(lambda: not ear(served).listening)
    yield
    await raw.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await raw.close()


async def test_a_page_hears_each_step_that_a_phone_takes_at_another_server(
    here: Served, there: Served
) -> None:
    phone, tab = await play.phone_of(there), await play.begun(here)
    async with tab.listening() as page:
        claimed = await phone.claim(await page.frame())
        number = (await page.state("claimed"))["number"]
        asked = await phone.match(claimed.journey, number)
        await page.state("matched")
        chosen = [asked.accounts[0].resource_id]
        review = await phone.review(claimed.journey, chosen)
        await page.state("review")
        await phone.approve(review)
        await page.state("approved")
        assert await page.rest() == ["done"]
    assert "code" in play.answered(await tab.resume())


async def test_a_phone_hears_that_its_request_was_cancelled_at_another_server(
    here: Served, there: Served
) -> None:
    phone = await play.phone_of(there)
    tab, journey = await play.standing(here, phone, "review")
    watching = await play.waiting(there, phone.watch(journey, "review"))
    await tab.post("/connect/{}/cancel")
    async with asyncio.timeout(PATIENCE):
        assert (await watching).state == "cancelled"


async def test_what_moves_while_the_listening_connection_is_lost_is_heard_of(
    here: Served, there: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, tab = await play.phone_of(there), await play.begun(here)
    async with tab.listening() as page:
        claimed = await phone.claim(await page.frame())
        number = (await page.state("claimed"))["number"]
        async with deaf(here):
            await phone.match(claimed.journey, number)
            assert await readiness(here) == 200
            monkeypatch.setattr(ready, "_MAY_BE_DEAF", 0.0)
            assert await readiness(here) == 503
        await page.state("matched")
        assert ear(here).listening
        assert await readiness(here) == 200
        await phone.refuse(claimed.journey)
        await page.state("rejected")


async def test_a_server_reads_only_what_somebody_there_waits_for(
    here: Served, there: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = reads.journeys_named

    async def noted(db: Connection, ids: Sequence[str]) -> list[Journey]:
        read.extend(ids)
        return await real(db, ids)

    alone, waited_for = await play.begun(there), await play.begun(here)
    await play.until(lambda: ear(here).listening)
    monkeypatch.setattr(reads, "journeys_named", noted)
    async with waited_for.listening() as page:
        await page.frame()
        await alone.post("/connect/{}/cancel")
        at_the_other = play.Tab(there)
        at_the_other.short, at_the_other.cookie = waited_for.short, waited_for.cookie
        await at_the_other.post("/connect/{}/cancel")
        await page.state("cancelled")
    found = await here.desk.store.read(lambda db: reads.journey_by_short(db, waited_for.short))
    assert found is not None
    assert read == [found.journey_id]


@pytest.mark.spec("RFC 9449 11.1", "a proof is taken once")
async def test_a_proof_that_was_read_on_the_wire_opens_nothing_at_another_server(
    here: Served, there: Served
) -> None:
    client, thief = Client(here), Client(there)
    token = (await client.connected())["access_token"]
    for _ in range(3):
        proof = client.proof("GET", "/v1/accounts", token)
        answers = await play.together(client.bank(token, proof), thief.bank(token, proof))
        assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert (await thief.bank(token, client.proof("GET", "/v1/accounts", token))).status_code == 200


async def test_keys_that_another_server_replaced_are_published_at_once(
    here: Served, there: Served
) -> None:
    async def published() -> set[str]:
        answer = await here.http.get(here.url("/jwks"))
        return {key["kid"] for key in answer.json()["keys"]}

    await published()
    # No clock moves, so that nothing is looked at by its age.
    new = {key.kid for key in await there.desk.keyring.rotate(at_once=True)}
    async with asyncio.timeout(PATIENCE):
        while await published() != new:
            pass
