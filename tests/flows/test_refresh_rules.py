"""Which refresh tokens rotate, and what a race of two workers gets; tokens of a client's own."""

from __future__ import annotations

import httpx2
import pytest

from endorse.core.coding import fingerprint
from endorse.store import reads
from tests.dpop import DpopKey
from tests.flows import play
from tests.flows.test_dpop import Client, said
from tests.flows.test_introspection import another, registered_with, told
from tests.serving import App, Served

pytestmark = pytest.mark.anyio


async def refreshed(client: Client, token: str) -> str:
    answer = await client.refresh(token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1", "the refresh token of a bound client does not rotate"
)
async def test_a_bound_client_with_a_secret_keeps_its_refresh_token(served: Served) -> None:
    client = Client(served)
    token = (await client.connected())["refresh_token"]
    for _ in range(3):
        assert await refreshed(client, token) == token
        served.clock.move(60)


@pytest.mark.spec("RFC 9700 2.2.2", "refresh tokens of public clients rotate")
async def test_a_public_client_and_a_bearer_get_a_new_one_each_time(served: Served) -> None:
    public = Client(served, public=True)
    first = (await public.connected())["refresh_token"]
    second = await refreshed(public, first)
    assert second != first
    bearer = await play.tokens(served, await play.phone_of(served))
    answer = await play.refresh(served, bearer["refresh_token"])
    assert answer.json()["refresh_token"] != bearer["refresh_token"]


async def test_workers_that_refresh_at_once_all_get_the_same_successor(served: Served) -> None:
    for client in (Client(served), Client(served, public=True)):
        token = (await client.connected())["refresh_token"]
        answers = await play.together(*(client.refresh(token) for _ in range(10)))
        assert [answer.status_code for answer in answers] == [200] * 10
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        assert len({answer.json()["access_token"] for answer in answers}) == 10
        for answer in answers:
            assert (await client.bank(answer.json()["access_token"])).status_code == 200
    bearer = (await play.tokens(served, await play.phone_of(served)))["refresh_token"]
    answers = await play.together(*(play.refresh(served, bearer) for _ in range(10)))
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.spec("RFC 9700 4.14.2", "a refresh token that was replaced ends what it was for")
async def test_what_was_replaced_ends_the_connection_when_it_comes_late(served: Served) -> None:
    client = Client(served, public=True)
    first = (await client.connected())["refresh_token"]
    answer = await client.refresh(first)
    served.clock.move(11)
    assert said(await client.refresh(first)) == (400, "invalid_grant")
    assert said(await client.refresh(answer.json()["refresh_token"])) == (400, "invalid_grant")
    assert (await client.bank(answer.json()["access_token"])).status_code == 401


async def test_a_thief_without_the_key_ends_nothing(served: Served) -> None:
    client, thief = Client(served, public=True), Client(served, public=True)
    first = (await client.connected())["refresh_token"]
    second = await refreshed(client, first)
    served.clock.move(11)
    assert said(await thief.refresh(first)) == (400, "invalid_grant")
    assert (await client.refresh(second)).status_code == 200


# --- a client's own ------------------------------------------------------------------------------


async def own(served: Served, app: App, **form: str) -> httpx2.Response:
    form = {"grant_type": "client_credentials", **form}
    return await served.http.post(served.url("/token"), data=form, auth=app.basic)


async def registered(served: Served) -> App:
    return await another(served, "own", grant_types=("client_credentials",))


@pytest.mark.spec("RFC 6749 4.4.3", "no refresh token goes with a client's own token")
async def test_a_client_asks_for_itself_what_the_bank_is(served: Served) -> None:
    app = await registered(served)
    answer = await own(served, app)
    assert answer.status_code == 200, answer.text
    got = answer.json()
    assert set(got) == {"access_token", "token_type", "expires_in", "scope"}
    assert (got["scope"], got["expires_in"]) == ("directory", 300)
    found = await play.bank(served, "/v1/directory", got["access_token"])
    assert found.status_code == 200, found.text
    assert found.json()["name"] == "Demo Bank"
    assert found.json()["longestConnectionDays"] == 180
    claims = await told(served, got["access_token"], app)
    assert (claims["sub"], claims["client_id"]) == (app.client_id, app.client_id)
    assert "username" not in claims


async def test_a_clients_own_token_opens_nothing_of_a_person(served: Served) -> None:
    app = await registered(served)
    token = (await own(served, app)).json()["access_token"]
    for path in ("/v1/accounts", "/v1/accounts/x", "/v1/accounts/x/balances"):
        no = await play.bank(served, path, token)
        assert no.status_code == 403
        assert 'error="insufficient_scope"' in no.headers["www-authenticate"]
    persons = (await play.tokens(served, await play.phone_of(served)))["access_token"]
    assert (await play.bank(served, "/v1/directory", persons)).status_code == 403


async def test_a_clients_own_token_ends_by_time_or_revocation(served: Served) -> None:
    app = await registered(served)
    first, second = [(await own(served, app)).json()["access_token"] for _ in range(2)]
    await served.http.post(served.url("/revoke"), data={"token": first}, auth=app.basic)
    assert (await play.bank(served, "/v1/directory", first)).status_code == 401
    assert (await play.bank(served, "/v1/directory", second)).status_code == 200
    served.clock.move(300)
    assert (await play.bank(served, "/v1/directory", second)).status_code == 401


async def test_what_concerns_a_person_is_not_a_clients_own(served: Served) -> None:
    app = await registered(served)
    for scope in ("accounts", "directory accounts", "offline_access", "x"):
        assert said(await own(served, app, scope=scope)) == (400, "invalid_scope")
    assert (await own(served, app, scope="directory")).status_code == 200
    tab = play.Tab(served)
    await tab.open(scope="accounts directory")
    assert not tab.sealed


@pytest.mark.spec("RFC 6749 5.2", "a grant_type that the client is not registered for is refused")
async def test_only_clients_that_are_registered_for_it_and_known_get_one(served: Served) -> None:
    assert said(await own(served, served.app)) == (400, "unauthorized_client")
    form = {"grant_type": "client_credentials", "client_id": served.public_app.client_id}
    public = await served.http.post(served.url("/token"), data=form)
    assert said(public) == (400, "unauthorized_client")
    nobody = await served.http.post(served.url("/token"), data={"grant_type": "client_credentials"})
    assert said(nobody) == (400, "invalid_client")
    async with registered_with(served, grant_types=("authorization_code",)):
        answer = await play.refresh(served, "er_x")
        assert said(answer) == (400, "unauthorized_client")


async def test_a_clients_own_token_may_be_bound(served: Served) -> None:
    app, key, url = await registered(served), DpopKey(), served.url("/token")
    headers = {"DPoP": key.proof("POST", url, served.clock())}
    form = {"grant_type": "client_credentials"}
    got = await served.http.post(url, data=form, headers=headers, auth=app.basic)
    assert got.json()["token_type"] == "DPoP"
    token = got.json()["access_token"]
    stored = await served.desk.store.read(
        lambda db: reads.access(db, fingerprint(token), served.clock())
    )
    assert stored is not None
    assert stored.bound_to == f"jkt:{key.thumbprint}"
    assert (await play.bank(served, "/v1/directory", token)).status_code == 401
    path = served.url("/v1/directory")
    shown = {
        "Authorization": f"DPoP {token}",
        "DPoP": key.proof("GET", path, served.clock(), token),
    }
    assert (await served.http.get(path, headers=shown)).status_code == 200
