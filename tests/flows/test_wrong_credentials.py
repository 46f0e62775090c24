"""Wrong credentials of a client: after some from one address, that address alone is stopped."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest

from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

FEW = 3
ENDPOINTS = ("/token", "/introspect", "/revoke", "/par", "/device_authorization", "/bc-authorize")


@pytest.fixture(scope="module")
async def served(database: str) -> AsyncIterator[Served]:
    """A server that takes few wrong credentials."""
    law = msgspec.structs.replace(QUICK, wrong_credentials_a_minute=FEW)
    async with serving(database, law) as server, quiet_client() as http:
        server.http = http
        yield server


@pytest.fixture(autouse=True)
async def new_minute(served: Served) -> None:
    """Each story begins in a minute of its own."""
    served.clock.move(60)


@contextlib.asynccontextmanager
async def elsewhere(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client at another address, which says the server's own name."""
    transport = httpx2.AsyncHTTPTransport(local_address="127.0.0.2")
    base = served.issuer.replace("localhost", "127.0.0.1")
    host = {"Host": served.issuer.removeprefix("http://")}
    async with quiet_client(transport) as http:
        http.base_url, http.headers = httpx2.URL(base), httpx2.Headers(host)
        yield http


async def guess(served: Served, client_id: str, endpoint: str = "/token") -> httpx2.Response:
    form = {"token": "x", "grant_type": "client_credentials"}
    return await served.http.post(served.url(endpoint), data=form, auth=(client_id, "wrong"))


async def right(served: Served) -> int:
    """What the real client is told from the address of the guesses."""
    answer = await served.http.post(
        served.url("/introspect"), data={"token": "x"}, auth=served.app.basic
    )
    return answer.status_code


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.spec("RFC 6749 2.3.1", "Guessing of client secrets is hopeless")
async def test_who_is_wrong_too_often_is_told_when_to_come_back(
    served: Served, endpoint: str
) -> None:
    answers = [await guess(served, served.app.client_id, endpoint) for _ in range(FEW + 2)]
    assert [it.status_code for it in answers] == [401] * FEW + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].json()["error"] == "invalid_client"
    assert answers[-1].json()["error_uri"].endswith("/errors/credentials_wrong_too_often")
    # With the right secret too: a guess must not show itself by being answered.
    assert await right(served) == 429
    served.clock.move(60)
    assert await right(served) == 200


async def test_a_flood_of_wrong_credentials_does_not_stop_the_real_client_elsewhere(
    served: Served,
) -> None:
    for _ in range(10 * FEW):
        await guess(served, served.app.client_id)
    async with elsewhere(served) as http:
        for _ in range(FEW + 2):
            answer = await http.post("/introspect", data={"token": "x"}, auth=served.app.basic)
            assert answer.status_code == 200
    assert await right(served) == 429


async def test_invented_and_public_clients_stop_no_other_client_at_their_address(
    served: Served,
) -> None:
    """Nor any public one: thousands of people may share an address with who guesses."""
    public = served.public_app.client_id
    named = ["nobody", public, *(f"nobody-{number}" for number in range(FEW))]
    answers = [await guess(served, it) for it in named]
    assert [it.status_code for it in answers] == [401] * FEW + [429] * (len(named) - FEW)
    assert await right(served) == 200
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": public}
    answer = await served.http.post(served.url("/token"), data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_right_credentials_are_not_counted(served: Served) -> None:
    assert [await right(served) for _ in range(FEW + 2)] == [200] * (FEW + 2)


async def test_a_flood_is_one_line_in_the_log_and_counted(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "endorse")
    hits = served.desk.limits_hit()["wrong_credentials"]
    for client_id in (served.app.client_id, "nobody"):
        for _ in range(FEW + 20):
            await guess(served, client_id)
    lines = [it.getMessage() for it in caplog.records]
    assert sum("client_not_authenticated" in it for it in lines) == 2 * FEW
    assert [it for it in lines if "too many" in it] == [
        f"too many wrong credentials of client {served.app.client_id}: stopped at one address",
        "too many wrong credentials of clients that have none: stopped at one address",
    ]
    assert len(lines) == 2 * FEW + 2
    assert served.desk.limits_hit()["wrong_credentials"] == hits + 40
    refusals = served.desk.measures.refusals
    assert refusals["credentials_wrong_too_often"] >= 40
