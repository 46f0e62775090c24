"""The token endpoint and revocation: once, in turn, and dead at once when it is over."""

from __future__ import annotations

import base64

import httpx2
import pytest

from tests.flows import play
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


def no_store(answer: httpx2.Response) -> bool:
    return (answer.headers.get("cache-control"), answer.headers.get("pragma")) == (
        "no-store",
        "no-cache",
    )


async def test_a_second_use_of_a_code_is_refused_and_revokes_the_grant(served: Served) -> None:
    phone = await play.somebody(served)
    code = await play.code_for(served, phone)
    got = (await play.redeem(served, code)).json()
    assert await play.opens(served, got["access_token"])
    again = await play.redeem(served, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await play.opens(served, got["access_token"])
    dead = await play.refresh(served, got["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"
    assert [one.ended_at is None for one in await phone.connections()] == [False]


async def test_a_used_code_is_remembered_for_a_day(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    got = (await play.redeem(served, code)).json()
    served.clock.move(23 * 60 * 60)
    assert (await play.redeem(served, code)).json()["error"] == "invalid_grant"
    dead = await play.refresh(served, got["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("path", ["/token", "/v1/token"])
async def test_token_and_its_alias_answer_alike_and_nobody_may_keep_the_answer(
    served: Served, path: str
) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    good = await play.redeem(served, code, path)
    assert good.status_code == 200
    assert good.headers["content-type"] == "application/json"
    bad = await play.redeem(served, "ec_nothing", path)
    assert bad.status_code == 400
    assert set(bad.json()) == {"error", "error_description", "error_uri"}
    assert no_store(good)
    assert no_store(bad)


async def test_the_secret_may_come_by_basic_or_in_the_form_and_not_by_both(
    served: Served,
) -> None:
    phone = await play.phone_of(served)
    in_form = {"client_id": served.app.client_id, "client_secret": served.app.secret}
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    code = await play.code_for(served, phone)
    both = await play.token(served, code=code, **form, **in_form)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    posted = await served.http.post(served.url("/token"), data={**form, "code": code, **in_form})
    assert posted.status_code == 200


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("app-confidential", "wrong"), ("app-confidential", ""), ("nobody", "x"), ("app-public", "x")],
)
async def test_a_wrong_client_or_secret_is_refused_alike(
    served: Served, client_id: str, secret: str
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "er_x"}
    by_header = await served.http.post(
        served.url("/token"), data=form, auth=httpx2.BasicAuth(client_id, secret)
    )
    assert (by_header.status_code, by_header.json()["error"]) == (401, "invalid_client")
    assert by_header.headers["www-authenticate"] == 'Basic realm="endorse"'
    in_form = await served.http.post(
        served.url("/token"), data={**form, "client_id": client_id, "client_secret": secret or "y"}
    )
    # RFC 6749 5.2: 401 belongs to who tried the header.
    assert (in_form.status_code, in_form.json()) == (400, by_header.json())


async def test_the_two_parts_of_basic_are_form_encoded_first(served: Served) -> None:
    # RFC 6749 2.3.1: some clients escape more than they must.
    escaped = "".join(f"%{byte:02X}" for byte in served.app.secret.encode())
    header = base64.b64encode(f"app%2Dconfidential:{escaped}".encode()).decode()
    answer = await served.http.post(
        served.url("/token"),
        data={"grant_type": "refresh_token", "refresh_token": "er_x"},
        headers={"Authorization": f"Basic {header}"},
    )
    assert answer.json()["error"] == "invalid_grant"


async def test_get_of_the_token_endpoint_is_refused(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    for path in ("/token", "/v1/token", "/revoke"):
        answer = await served.http.get(served.url(path), params=form, auth=served.app.basic)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
    assert (await play.redeem(served, code)).status_code == 200


async def test_nothing_is_taken_from_the_query_of_the_token_endpoint(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    credentials = {"client_id": served.app.client_id, "client_secret": served.app.secret}
    by_query = await served.http.post(served.url("/token"), params=credentials, data=form)
    assert (by_query.status_code, by_query.json()["error"]) == (400, "invalid_client")
    all_by_query = await served.http.post(
        served.url("/token"),
        params=form,
        auth=served.app.basic,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert all_by_query.json()["error"] == "invalid_request"
    assert (await play.redeem(served, code)).status_code == 200


async def test_each_refresh_gives_a_new_pair_and_the_old_access_token_lives_on(
    served: Served,
) -> None:
    first = await play.tokens(served, await play.phone_of(served))
    answer = await play.refresh(served, first["refresh_token"])
    second = answer.json()
    assert no_store(answer)
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["scope"] == first["scope"]
    third = (await play.refresh(served, second["refresh_token"])).json()
    for got in (first, second, third):
        assert await play.opens(served, got["access_token"])


async def test_a_retry_within_10_seconds_gets_the_same_successor(served: Served) -> None:
    first = await play.tokens(served, await play.phone_of(served))
    second = (await play.refresh(served, first["refresh_token"])).json()
    served.clock.move(10)
    retried = (await play.refresh(served, first["refresh_token"])).json()
    assert retried["refresh_token"] == second["refresh_token"]
    assert await play.opens(served, retried["access_token"])
    assert (await play.refresh(served, second["refresh_token"])).status_code == 200


@pytest.mark.parametrize("reuse", ["after 11 seconds", "of the one before the last"])
async def test_an_old_refresh_token_ends_the_grant(served: Served, reuse: str) -> None:
    first = await play.tokens(served, await play.phone_of(served))
    newest = (await play.refresh(served, first["refresh_token"])).json()
    if reuse == "after 11 seconds":
        served.clock.move(11)
    else:
        newest = (await play.refresh(served, newest["refresh_token"])).json()
    stolen = await play.refresh(served, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert not await play.opens(served, newest["access_token"])
    assert (await play.refresh(served, newest["refresh_token"])).status_code == 400


async def test_a_refresh_may_narrow_the_scope_and_never_widen_it(served: Served) -> None:
    phone = await play.phone_of(served)
    got = await play.tokens(served, phone, scope="accounts balances offline_access")
    wider = await play.refresh(served, got["refresh_token"], scope="accounts transactions")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    narrow = (await play.refresh(served, got["refresh_token"], scope="accounts")).json()
    assert narrow["scope"] == "accounts"
    again = (await play.refresh(served, narrow["refresh_token"])).json()
    assert again["scope"] == "accounts balances offline_access"


async def test_a_refresh_token_is_worth_nothing_to_another_client(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    thief = {"client_id": served.public_app.client_id, "grant_type": "refresh_token"}
    stolen = await served.http.post(
        served.url("/token"), data={**thief, "refresh_token": got["refresh_token"]}
    )
    assert stolen.json()["error"] == "invalid_grant"
    assert (await play.refresh(served, got["refresh_token"])).status_code == 200


async def revoke(served: Served, token: str, **form: str) -> httpx2.Response:
    data = {"token": token, **form}
    return await served.http.post(served.url("/revoke"), data=data, auth=served.app.basic)


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}], ids=["", "wrong hint"])
async def test_revoking_the_refresh_token_ends_everything_at_once(
    served: Served, hint: dict[str, str]
) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone)
    answer = await revoke(served, got["refresh_token"], **hint)
    assert (answer.status_code, answer.json()) == (200, {})
    assert no_store(answer)
    assert not await play.opens(served, got["access_token"])
    assert (await play.refresh(served, got["refresh_token"])).status_code == 400
    assert [one.ended_at is None for one in await phone.connections()] == [False]


async def test_revoking_an_access_token_leaves_the_connection(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    other = (await play.refresh(served, got["refresh_token"])).json()
    assert (await revoke(served, got["access_token"])).json() == {}
    assert not await play.opens(served, got["access_token"])
    assert await play.opens(served, other["access_token"])
    assert (await play.refresh(served, other["refresh_token"])).status_code == 200


async def test_revoking_the_only_token_of_a_grant_ends_the_grant(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope="accounts")
    assert (await revoke(served, got["access_token"])).json() == {}
    assert not await play.opens(served, got["access_token"])
    assert [one.ended_at is None for one in await phone.connections()] == [False]


async def test_revoking_what_is_unknown_or_anothers_is_answered_alike_and_changes_nothing(
    served: Served,
) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    before = await contents(served)
    public = {"client_id": served.public_app.client_id}
    for token in ("ea_unknown", "er_unknown", "x", got["access_token"], got["refresh_token"]):
        anothers = await served.http.post(served.url("/revoke"), data={"token": token, **public})
        assert (anothers.status_code, anothers.json()) == (200, {})
    assert (await revoke(served, "ea_unknown")).json() == {}
    assert await contents(served) == before
    assert await play.opens(served, got["access_token"])


async def test_a_revocation_without_client_or_token_is_refused(served: Served) -> None:
    nobody = await served.http.post(served.url("/revoke"), data={"token": "ea_x"})
    assert (nobody.status_code, nobody.json()["error"]) == (400, "invalid_client")
    nothing = await served.http.post(served.url("/revoke"), data={}, auth=served.app.basic)
    assert nothing.json()["error"] == "invalid_request"
