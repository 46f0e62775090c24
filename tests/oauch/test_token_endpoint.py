"""OAuch's cases of the token endpoint."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc.jwk import RSAKey

from tests import strict
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


def good(code: str) -> dict[str, str]:
    """A good form that redeems this code."""
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}


async def coded(served: Served) -> str:
    """A fresh code."""
    return await play.code_for(served, await play.phone_of(served))


async def got(served: Served) -> dict[str, Any]:
    """Fresh tokens."""
    return await play.tokens(served, await play.phone_of(served))


def refused(answer: httpx2.Response, error: str) -> bool:
    """Whether a call was refused with this error."""
    return answer.status_code in (400, 401) and answer.json()["error"] == error


@pytest.mark.spec("RFC 6749 4.1.2", "An authorization code runs out soon after it was made")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "A code lives at most 60 s")
async def test_AuthorizationCodeTimeoutTest_sixty_seconds(served: Served) -> None:
    code = await coded(served)
    served.clock.move(61)
    assert refused(await play.redeem(served, code), "invalid_grant")


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.4.1", "RSA keys have 2048 bits or more, EC keys 224 or more"
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_ClientKeySecureTest_a_weak_key_lets_nobody_in(served: Served) -> None:
    weak = RSAKey.generate_key(1024, {"kid": "mine"}, auto_kid=False)
    client = await strict.keyed(served, key=weak)
    client.alg = "PS256"
    form = {"token": "x", **client.assertion()}
    answer = await served.http.post(served.url("/revoke"), data=form)
    assert refused(answer, "invalid_client")


async def test_ClientSecretEntropyMinReqTest_128_bits(served: Served) -> None:
    assert len(strict.from_b64(served.app.secret.removeprefix("ecs_"))) * 8 >= 128


@pytest.mark.spec("RFC 6749 2.3.1", "Guessing of client secrets is hopeless")
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.4.1", "Secrets that are not passwords have 128 bits or more"
)
async def test_ClientSecretEntropySugReqTest_160_bits(served: Served) -> None:
    assert len(strict.from_b64(served.app.secret.removeprefix("ecs_"))) * 8 >= 160


@pytest.mark.spec("RFC 6749 5.1", "A token response may not be kept by caches")
async def test_HasCacheControlHeaderTest_no_store(served: Served) -> None:
    answer = await play.redeem(served, await coded(served))
    assert answer.headers["cache-control"] == "no-store"


async def test_HasPragmaHeaderTest_no_cache(served: Served) -> None:
    answer = await play.redeem(served, await coded(served))
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.spec("RFC 9700 4.14.2", "The reuse of a refresh token ends the grant")
async def test_InvalidatedRefreshTokenTest_reuse_ends_the_newest_too(served: Served) -> None:
    first = await got(served)
    newest = (await play.refresh(served, first["refresh_token"])).json()
    served.clock.move(11)
    assert refused(await play.refresh(served, first["refresh_token"]), "invalid_grant")
    assert refused(await play.refresh(served, newest["refresh_token"]), "invalid_grant")
    assert not await play.opens(served, newest["access_token"])


async def test_IsAsymmetricClientAuthenticationUsedTest_it_is_offered(served: Served) -> None:
    client = await strict.keyed(served)
    answer = await client.redeem(await client.code(await play.phone_of(served)), dpop=False)
    assert answer.status_code == 200, answer.text


@pytest.mark.spec("RFC 6749 2.3.1", "Credentials in the query of a request are not taken")
async def test_IsAuthInUriAllowedTest_it_is_not(served: Served) -> None:
    code = await coded(served)
    credentials = {"client_id": served.app.client_id, "client_secret": served.app.secret}
    url = served.url("/token?" + urlencode(credentials))
    assert refused(await served.http.post(url, data=good(code)), "invalid_client")
    url = served.url("/token?" + urlencode({**credentials, **good(code)}))
    assert (await served.http.post(url)).status_code == 400
    assert (await play.redeem(served, code)).status_code == 200


@pytest.mark.spec("RFC 6749 2.3.1", "A client with a secret may authenticate by HTTP Basic")
async def test_IsBasicAuthenticationSupportedTest_it_is(served: Served) -> None:
    assert (await play.redeem(served, await coded(served))).status_code == 200


@pytest.mark.spec("RFC 6749 3.2.1", "A client with credentials authenticates at the token endpoint")
@pytest.mark.spec(
    "RFC 6749 5.2",
    "A failed client authentication by a header is answered 401 with a challenge of its scheme",
)
async def test_IsClientAuthenticationRequiredTest_it_is(served: Served) -> None:
    code = await coded(served)
    form = {**good(code), "client_id": served.app.client_id}
    assert refused(await served.http.post(served.url("/token"), data=form), "invalid_client")
    wrong = httpx2.BasicAuth(served.app.client_id, "wrong")
    answer = await served.http.post(served.url("/token"), data=good(code), auth=wrong)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_IsClientIdRequiredTest_it_is(served: Served) -> None:
    form = {**good(await coded(served)), "client_secret": served.app.secret}
    assert refused(await served.http.post(served.url("/token"), data=form), "invalid_client")


@pytest.mark.spec("RFC 6749 4.1.3", "A code is redeemed only by the client that it was made for")
@pytest.mark.spec("RFC 6749 4.1.2", "An authorization code is bound to its client and redirect URI")
async def test_IsCodeBoundToClientTest_it_is(served: Served) -> None:
    code = await coded(served)
    other = await strict.keyed(served)
    assert refused(await other.call_token(good(code), dpop=False), "invalid_grant")
    public = {**good(code), "client_id": served.public_app.client_id}
    assert refused(await served.http.post(served.url("/token"), data=public), "invalid_grant")


@pytest.mark.spec("RFC 6749 3.2", "A client calls the token endpoint by POST")
async def test_IsGetSupportedTest_it_is_not(served: Served) -> None:
    url = served.url("/token?" + urlencode(good(await coded(served))))
    answer = await served.http.get(url, auth=served.app.basic)
    assert answer.status_code == 405


async def test_IsPasswordFlowDisabledTest_it_is(served: Served) -> None:
    form = {"grant_type": "password", "username": "anna", "password": "anna", "scope": "accounts"}
    assert refused(await play.token(served, **form), "unsupported_grant_type")


@pytest.mark.spec("RFC 6749 6", "A refresh token is good for its client alone, which authenticates")
async def test_IsRefreshAuthenticationRequiredTest_it_is(served: Served) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": (await got(served))["refresh_token"]}
    for more in ({}, {"client_id": served.app.client_id}):
        answer = await served.http.post(served.url("/token"), data={**form, **more})
        assert refused(answer, "invalid_client")


@pytest.mark.spec("RFC 6749 10.4", "Refresh tokens are bound to the client that they were given to")
async def test_IsRefreshBoundToClientTest_it_is(served: Served) -> None:
    token = (await got(served))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    other = await strict.keyed(served)
    assert refused(await other.call_token(form, dpop=False), "invalid_grant")
    public = {**form, "client_id": served.public_app.client_id}
    assert refused(await served.http.post(served.url("/token"), data=public), "invalid_grant")
    assert (await play.refresh(served, token)).status_code == 200


@pytest.mark.spec(
    "RFC 6749 4.1.2",
    "An authorization code is good once; a second use is refused and ends what came of the first",
)
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "A code that was used is refused")
async def test_MultipleCodeExchangesTest_a_code_is_good_once(served: Served) -> None:
    code = await coded(served)
    tokens = await play.redeem(served, code)
    assert tokens.status_code == 200
    assert refused(await play.redeem(served, code), "invalid_grant")
    assert not await play.opens(served, tokens.json()["access_token"])


@pytest.mark.spec(
    "RFC 6749 4.1.3", "The redirect URI of a redemption equals the one of the request"
)
async def test_RedirectUriCheckedTest_it_is(served: Served) -> None:
    code = await coded(served)
    for wrong in (CALLBACK + "/", CALLBACK.upper(), "https://evil.example/"):
        answer = await play.token(served, **{**good(code), "redirect_uri": wrong})
        assert refused(answer, "invalid_grant")
    answer = await play.token(served, grant_type="authorization_code", code=code)
    assert refused(answer, "invalid_request")
    assert (await play.redeem(served, code)).status_code == 200


async def test_RefreshTokenPresentTest_client_credentials_give_none(served: Served) -> None:
    client = await strict.keyed(served)
    answer = await client.call_token({"grant_type": "client_credentials"}, dpop=False)
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()


async def test_RefreshTokenRevokedAfterUseTest_it_is(served: Served) -> None:
    first = await got(served)
    assert (await play.refresh(served, first["refresh_token"])).status_code == 200
    served.clock.move(11)
    assert refused(await play.refresh(served, first["refresh_token"]), "invalid_grant")


async def test_RefreshTokenValidAfterMultiExchangeTest_it_is_dead(served: Served) -> None:
    code = await coded(served)
    tokens = (await play.redeem(served, code)).json()
    await play.redeem(served, code)
    assert refused(await play.refresh(served, tokens["refresh_token"]), "invalid_grant")


@pytest.mark.spec("RFC 6749 3.2", "A parameter of a token request that comes twice is refused")
async def test_SameParameterTwiceDisallowedTest_it_is(served: Served) -> None:
    code = await coded(served)
    form = urlencode(good(code))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for name, value in good(code).items():
        answer = await served.http.post(
            served.url("/token"),
            content=f"{form}&{urlencode({name: value})}".encode(),
            headers=headers,
            auth=served.app.basic,
        )
        assert refused(answer, "invalid_request"), name
    assert (await play.redeem(served, code)).status_code == 200


async def test_TokenValidAfterMultiExchangeTest_it_is_dead(served: Served) -> None:
    code = await coded(served)
    tokens = (await play.redeem(served, code)).json()
    await play.redeem(served, code)
    assert not await play.opens(served, tokens["access_token"])


@pytest.mark.spec("RFC 6749 3.2", "An unknown parameter of a token request is ignored")
async def test_UnrecognizedParameterAllowedTest_it_is_ignored(served: Served) -> None:
    answer = await play.token(served, **good(await coded(served)), something="else")
    assert answer.status_code == 200


@pytest.mark.spec(
    "RFC 9700 2.2.2",
    "The refresh token of a public client is sender-constrained or rotated",
)
async def test_UsesTokenRotationTest_for_clients_whose_token_is_not_bound(
    served: Served,
) -> None:
    first = await got(served)
    second = (await play.refresh(served, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
