"""OAuch's cases of pushed authorization requests."""

from __future__ import annotations

import httpx2
import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def opened(served: Served, client_id: str, uri: str) -> httpx2.Response:
    """Open the authorization endpoint with a request_uri."""
    left_out = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))
    return await play.Tab(served).open(**left_out, client_id=client_id, request_uri=uri)


@pytest.mark.spec("RFC 9126 2.2", "A request_uri is bound to the client that pushed")
@pytest.mark.spec("RFC 9126 7.5", "A request_uri cannot be exchanged for another client's")
async def test_IsClientBoundToUriTest_it_is(served: Served) -> None:
    client, other = await strict.keyed(served), await strict.keyed(served)
    uri = await client.pushed()
    assert (await opened(served, other.client_id, uri)).status_code == 400
    assert (await opened(served, served.app.client_id, uri)).status_code == 400
    assert (await opened(served, client.client_id, uri)).status_code == 200


@pytest.mark.spec(
    "RFC 9126 2",
    "A client authenticates at the pushed request endpoint as at the token endpoint",
)
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2",
    "A pushed request without client authentication is refused",
)
async def test_IsParAuthenticationRequiredTest_it_is(served: Served) -> None:
    client = await strict.keyed(served)
    url = (await strict.metadata(served))["pushed_authorization_request_endpoint"]
    answer = await served.http.post(url, data=client.request())
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2",
    "An authorization request that was not pushed is refused",
)
@pytest.mark.spec("RFC 9126 6", "A client that registered so is refused without a pushed request")
@pytest.mark.parametrize("how", ["fapi2", "registered"])
async def test_IsParRequiredTest_where_the_profile_or_the_client_says_so(
    served: Served, how: str
) -> None:
    client = (
        await strict.keyed(served, profile="fapi2")
        if how == "fapi2"
        else await strict.keyed(served, require_pushed_authorization_requests=True)
    )
    answer = await play.Tab(served).open(**client.request())
    assert answer.status_code == 303
    assert strict.returned(answer.headers["location"])["error"] == "invalid_request"
    uri = await client.pushed()
    assert (await opened(served, client.client_id, uri)).status_code == 200


@pytest.mark.spec(
    "RFC 9126 2.2", "A pushed request is answered 201 with request_uri and expires_in as JSON"
)
async def test_IsParSupportedTest_it_answers_a_request_uri(served: Served) -> None:
    answer = await (await strict.keyed(served)).push()
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["request_uri"].startswith("urn:")
    assert 0 < answer.json()["expires_in"] < 600


@pytest.mark.spec("RFC 9126 4", "A request_uri is not good again once it was completed")
@pytest.mark.spec("RFC 9126 7.3", "A request cannot be replayed after its code was made")
async def test_IsRequestUriRevokedTest_after_its_code_was_made(served: Served) -> None:
    client, phone = await strict.keyed(served), await play.phone_of(served)
    uri = await client.pushed()
    tab = await strict.begun_with(served, client_id=client.client_id, request_uri=uri)
    assert (await opened(served, client.client_id, uri)).status_code == 200
    await phone.approve(await play.reviewed(tab, phone))
    play.answered(await tab.resume())
    again = await opened(served, client.client_id, uri)
    assert again.status_code in (303, 400)


async def random_bits(served: Served) -> int:
    """The length of the random part of a request_uri, of which no two are alike."""
    client = await strict.keyed(served)
    uris = [(await client.pushed()).rsplit(":", 1)[1] for _ in range(3)]
    assert len(set(uris)) == len(uris)
    return min(len(strict.from_b64(uri.removeprefix("er_"))) for uri in uris) * 8


@pytest.mark.spec("RFC 9126 2.2", "A request_uri cannot be guessed")
async def test_RequestUriEntropyMinReqTest_128_bits(served: Served) -> None:
    assert await random_bits(served) >= 128


async def test_RequestUriEntropySugReqTest_160_bits(served: Served) -> None:
    assert await random_bits(served) >= 160


@pytest.mark.spec("RFC 9126 4", "A request_uri that is over, or another client's, is refused")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "A request_uri lives less than 600 s")
async def test_RequestUriTimeoutTest_it_is_over_when_it_said(served: Served) -> None:
    client = await strict.keyed(served)
    answer = (await client.push()).json()
    served.clock.move(answer["expires_in"] + 1)
    over = await opened(served, client.client_id, answer["request_uri"])
    assert over.status_code in (303, 400)
    assert answer["expires_in"] < 600
