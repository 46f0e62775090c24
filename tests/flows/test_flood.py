"""Calls from one address: more than many people make are refused, and nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest

from endorse.server.limit import address_of
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

FEW = 20


@pytest.fixture
async def served(database: str) -> AsyncIterator[Served]:
    """A server that takes few calls a minute from one address."""
    law = msgspec.structs.replace(QUICK, calls_a_minute=FEW, refused_after=0)
    async with serving(database, law) as server, quiet_client() as http:
        server.http = http
        yield server


@pytest.mark.parametrize("path", ["/auth", "/phone/claim", "/connect/AAAA", "/nothing", "//token"])
async def test_an_address_that_calls_too_often_is_told_when_to_come_back(
    served: Served, path: str
) -> None:
    statuses = [(await served.http.get(served.url(path))).status_code for _ in range(FEW + 5)]
    assert 429 not in statuses[:FEW]
    assert statuses[FEW:] == [429] * 5
    answer = await served.http.get(served.url("/auth"))
    assert (answer.headers["retry-after"], answer.json()["error"]) == ("60", "slow_down")
    served.clock.move(60)
    assert (await served.http.get(served.url("/auth"))).status_code != 429


async def test_what_an_address_may_do_comes_back_bit_by_bit(served: Served) -> None:
    for _ in range(FEW):
        await served.http.get(served.url("/auth"))
    # In 60 s all 20 of it; in 6 s two.
    served.clock.move(6)
    statuses = [(await served.http.get(served.url("/auth"))).status_code for _ in range(3)]
    assert [it == 429 for it in statuses] == [False, False, True]


async def test_others_are_served_while_one_address_is_not(served: Served) -> None:
    mine = [await served.http.get(served.url("/auth")) for _ in range(FEW + 1)]
    assert mine[-1].status_code == 429
    elsewhere = httpx2.AsyncHTTPTransport(local_address="127.0.0.2")
    async with quiet_client(elsewhere) as other:
        url = served.url("/auth").replace("localhost", "127.0.0.1")
        host = {"Host": served.issuer.removeprefix("http://")}
        assert (await other.get(url, headers=host)).status_code == 400


async def test_servers_of_clients_and_whoever_watches_are_not_counted(served: Served) -> None:
    for path in ("/v1/accounts", "/jwks", "/readyz", "/healthz"):
        for _ in range(FEW + 1):
            assert (await served.http.get(served.url(path))).status_code != 429
    for _ in range(FEW + 1):
        answer = await served.http.post(served.url("/token"), auth=served.app.basic)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], "10.0.0.1"),
        ([b"203.0.113.7"], "203.0.113.7"),
        ([b"6.6.6.6, 203.0.113.7"], "203.0.113.7"),
        # The first was sent by whoever calls, the second was added by the proxy.
        ([b"6.6.6.6", b"203.0.113.7"], "203.0.113.7"),
        ([b""], "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_the_trusted_proxy_saw(
    headers: list[bytes], found: str
) -> None:
    scope = {
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", value) for value in headers],
    }
    assert address_of(scope, ("10.0.0.1",)) == found
    assert address_of(scope, ()) == "10.0.0.1"
