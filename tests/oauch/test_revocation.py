"""OAuch's cases of revocation."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def revoke(served: Served, token: str, **form: str) -> httpx2.Response:
    """Revoke as the app."""
    data = {"token": token, **form}
    return await served.http.post(served.url("/revoke"), data=data, auth=served.app.basic)


async def got(served: Served, **changed: str) -> dict[str, Any]:
    """Fresh tokens."""
    return await play.tokens(served, await play.phone_of(served), **changed)


async def test_AccessRevokesRefreshTest_where_nothing_else_is_left_of_the_grant(
    served: Served,
) -> None:
    phone = await play.somebody(served)
    tokens = await play.tokens(served, phone, scope="accounts")
    assert (await revoke(served, tokens["access_token"])).status_code == 200
    assert not await play.opens(served, tokens["access_token"])
    [connection] = await phone.connections()
    assert connection.ended_at is not None


@pytest.mark.spec("RFC 7009 2", "An access token can be revoked")
@pytest.mark.spec("RFC 7009 2.1", "A revoked token is dead at once")
async def test_CanAccessTokensBeRevokedTest_they_can(served: Served) -> None:
    tokens = await got(served)
    assert (await revoke(served, tokens["access_token"])).status_code == 200
    assert not await play.opens(served, tokens["access_token"])


@pytest.mark.spec("RFC 7009 2", "A refresh token can be revoked")
@pytest.mark.spec("RFC 7009 2.1", "A wrong token_type_hint does no harm")
async def test_CanRefreshTokensBeRevokedTest_they_can(served: Served) -> None:
    tokens = await got(served)
    answer = await revoke(served, tokens["refresh_token"], token_type_hint="access_token")
    assert answer.status_code == 200
    assert (await play.refresh(served, tokens["refresh_token"])).status_code == 400


@pytest.mark.spec(
    "RFC 7009 2.1",
    "A client authenticates for a revocation, and may revoke its own tokens alone",
)
@pytest.mark.spec("RFC 7009 2.2", "A token that is unknown or dead is answered 200")
async def test_IsBoundToClientTest_anothers_token_stays_alive(served: Served) -> None:
    tokens = await got(served)
    other = await strict.keyed(served)
    for name in ("access_token", "refresh_token"):
        form = {"token": tokens[name], **other.assertion()}
        answer = await served.http.post(served.url("/revoke"), data=form)
        assert (answer.status_code, answer.json()) == (200, {})
    assert await play.opens(served, tokens["access_token"])
    assert (await play.refresh(served, tokens["refresh_token"])).status_code == 200


@pytest.mark.spec(
    "RFC 7009 2.2.1", "A refused revocation is answered as the token endpoint refuses"
)
async def test_IsClientAuthRequiredTest_it_is(served: Served) -> None:
    tokens = await got(served)
    form = {"token": tokens["refresh_token"]}
    for more in ({}, {"client_id": served.app.client_id}):
        answer = await served.http.post(served.url("/revoke"), data={**form, **more})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert await play.opens(served, tokens["access_token"])


@pytest.mark.spec(
    "RFC 7009 2.1", "A revoked refresh token takes the access tokens of its grant with it"
)
async def test_RefreshRevokesAccessTest_it_does(served: Served) -> None:
    tokens = await got(served)
    assert (await revoke(served, tokens["refresh_token"])).status_code == 200
    assert not await play.opens(served, tokens["access_token"])
