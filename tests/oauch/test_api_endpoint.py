"""OAuch's cases of the API that tokens open."""

from __future__ import annotations

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "Access tokens are sender-constrained, by mutual TLS or DPoP",
)
async def test_AreBearerTokensDisabledTest_a_strict_client_gets_none(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    phone = await play.phone_of(served)
    refused = await client.redeem(await client.code(phone), dpop=False)
    assert refused.status_code == 400, refused.text
    got = await client.tokens(phone)
    assert got["token_type"] == "DPoP"
    assert not await play.opens(served, got["access_token"])


async def test_CacheControlTest_nobody_keeps_an_answer(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    for path in ("/v1/accounts", f"/v1/accounts?access_token={got['access_token']}"):
        answer = await play.bank(served, path, got["access_token"])
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("RFC 6750 2.1", "A token in the Authorization header is taken")
async def test_SupportsAuthorizationHeaderTest_it_is(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    assert (await play.bank(served, "/v1/accounts", got["access_token"])).status_code == 200


@pytest.mark.spec("RFC 6750 2", "A token is taken from one place in a request and nowhere else")
@pytest.mark.spec("RFC 6750 2.3", "A token in the query is not taken")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.4", "A token is taken from the header alone")
async def test_TokenAsQueryParameterDisabledTest_it_opens_nothing(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    url = served.url(f"/v1/accounts?access_token={got['access_token']}")
    assert (await served.http.get(url)).status_code == 401
    form = await served.http.request(
        "GET", served.url("/v1/accounts"), data={"access_token": got["access_token"]}
    )
    assert form.status_code == 401
