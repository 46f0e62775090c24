"""OAuch's cases of which grants and kinds of tokens there are, and which there are not."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from endorse.core.policy import ASKABLE
from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def refused(served: Served, response_type: str) -> bool:
    """Whether a response type is refused, in the query and never in a fragment."""
    answer = await play.Tab(served).open(response_type=response_type, nonce="a-nonce")
    location = answer.headers["location"]
    listed = (await strict.metadata(served))["response_types_supported"]
    error = dict(parse_qsl(urlsplit(location).query))["error"]
    return (
        error == "unsupported_response_type" and "#" not in location and response_type not in listed
    )


async def test_CanSignatureBeVerifiedTest_by_the_published_keys(served: Served) -> None:
    client, phone = await strict.keyed(served, scope=ASKABLE), await play.phone_of(served)
    got = await client.tokens(phone, dpop=False, scope="openid accounts", nonce="n-1")
    answer = await served.http.get((await strict.metadata(served))["jwks_uri"])
    keys = KeySet.import_key_set(answer.json())
    alg = strict.header_of(got["id_token"])["alg"]
    assert jws.deserialize_compact(got["id_token"], keys, [alg]).payload


@pytest.mark.spec("RFC 6749 4.4", "The client credentials grant is for confidential clients alone")
async def test_ClientCredentialsFlowSupportedTest_for_confidential_clients(
    served: Served,
) -> None:
    client = await strict.keyed(served)
    answer = await client.call_token({"grant_type": "client_credentials"}, dpop=False)
    assert answer.status_code == 200, answer.text
    form = {"grant_type": "client_credentials", "client_id": served.public_app.client_id}
    public = await served.http.post(served.url("/token"), data=form)
    assert public.status_code == 400
    assert public.json()["error"] in ("unauthorized_client", "invalid_client")


@pytest.mark.spec("RFC 6749 4.1.4", "A good redemption answers an access token")
async def test_CodeFlowSupportedTest_it_is(served: Served) -> None:
    assert (await play.tokens(served, await play.phone_of(served)))["access_token"]


async def test_CodeIdTokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "code id_token")


async def test_CodeIdTokenTokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "code id_token token")


async def test_CodeTokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "code token")


async def test_DeviceFlowSupportedTest_it_begins(served: Served) -> None:
    url = (await strict.metadata(served))["device_authorization_endpoint"]
    answer = await served.http.post(url, data={"scope": "accounts"}, auth=served.app.basic)
    assert answer.status_code == 200, answer.text
    assert {"device_code", "user_code", "verification_uri", "expires_in"} <= set(answer.json())


async def test_HasAccessTokensTest_it_has(served: Served) -> None:
    assert await play.opens(
        served, (await play.tokens(served, await play.phone_of(served)))["access_token"]
    )


async def test_HasJwtAccessTokensTest_for_a_client_that_registered_so(served: Served) -> None:
    client = await strict.keyed(served, access_token_format="at+jwt")
    got = await client.tokens(await play.phone_of(served))
    assert strict.header_of(got["access_token"])["typ"] == "at+jwt"
    assert (await client.bank(got["access_token"])).status_code == 200


async def test_HasRefreshTokensTest_for_lasting_access_alone(served: Served) -> None:
    phone = await play.phone_of(served)
    assert "refresh_token" in await play.tokens(served, phone)
    assert "refresh_token" not in await play.tokens(served, phone, scope="accounts")


async def test_HasSupportedFlowsTest_the_metadata_lists_them(served: Served) -> None:
    assert "authorization_code" in (await strict.metadata(served))["grant_types_supported"]


async def test_IdTokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "id_token")


@pytest.mark.spec("RFC 9700 2.1.2", "No access token is given in a redirect")
async def test_IdTokenTokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "id_token token")


@pytest.mark.spec("RFC 9700 2.4", "The password grant is not there")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "The password grant is refused")
async def test_PasswordFlowSupportedTest_it_is_not(served: Served) -> None:
    answer = await play.token(served, grant_type="password", username="anna", password="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    assert "password" not in (await strict.metadata(served))["grant_types_supported"]


async def test_TestUriSupportedTest_the_bank_answers_its_owner_alone(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    assert (await play.bank(served, "/v1/accounts", got["access_token"])).json()["accounts"]
    assert (await served.http.get(served.url("/v1/accounts"))).status_code == 401


async def test_TokenFlowSupportedTest_it_is_not(served: Served) -> None:
    assert await refused(served, "token")
