"""FAPI-CIBA: a client of the strict profile asks on the phone, each request signed."""

from __future__ import annotations

import secrets
from typing import Any

import httpx2
import pytest

from endorse.core.metadata import CIBA, FAPI2
from endorse.phone import Phone
from tests.flows import play
from tests.flows.asking import MESSAGE
from tests.serving import Served
from tests.strict import Keyed, keyed, signed

pytestmark = pytest.mark.anyio

GRANTS = ("authorization_code", "refresh_token", CIBA)


@pytest.fixture
async def app(served: Served) -> Keyed:
    """A client of fapi2 that may ask on phones, by a key and bound by DPoP."""
    words: dict[str, Any] = {"grant_types": GRANTS, "backchannel_token_delivery_mode": "poll"}
    return await keyed(served, "strict-asker", FAPI2, **words)


async def known(app: Keyed, phone: Phone) -> str:
    """The login_hint_token of a person who connected this client in a browser before."""
    hint: str = (await app.tokens(phone))["login_hint_token"]
    app.served.clock.move(app.served.desk.law.prompts_in)
    await phone.sign_in()
    return hint


def said(app: Keyed, hint: str, **changed: Any) -> dict[str, Any]:
    """What a good signed request holds; None leaves a claim out."""
    now = app.served.clock()
    return {
        "iss": app.client_id,
        "aud": app.served.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
        "scope": "accounts balances",
        "login_hint_token": hint,
        "binding_message": MESSAGE,
        **changed,
    }


async def ask(app: Keyed, form: dict[str, str]) -> httpx2.Response:
    url = app.served.url("/bc-authorize")
    return await app.served.http.post(url, data={**form, **app.assertion()})


def signing(app: Keyed, hint: str, **changed: Any) -> dict[str, str]:
    """The form with a signed request."""
    header = {"alg": app.alg, "kid": "mine"}
    return {"request": signed(app.key, header, said(app, hint, **changed))}


async def collect(app: Keyed, auth_req_id: str, dpop: bool = True) -> httpx2.Response:
    app.served.clock.move(5)
    return await app.call_token({"grant_type": CIBA, "auth_req_id": auth_req_id}, dpop)


@pytest.mark.spec("FAPI-CIBA 5.2.2", "a signed request, a client with a key, a bound token")
async def test_a_strict_client_asks_by_a_signed_request_and_its_tokens_are_bound(
    served: Served, app: Keyed
) -> None:
    phone = await play.somebody(served)
    answer = await ask(app, signing(app, await known(app, phone)))
    assert answer.status_code == 200, answer.text
    auth_req_id = answer.json()["auth_req_id"]
    pending = await collect(app, auth_req_id)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    (asked,) = await phone.asked()
    await phone.take(asked.journey)
    matched = await phone.match(asked.journey, None)
    accounts = [account.resource_id for account in matched.accounts]
    await phone.approve(await phone.review(asked.journey, accounts, message=MESSAGE))
    unbound = await collect(app, auth_req_id, dpop=False)
    assert unbound.status_code == 400
    assert "DPoP" in unbound.json()["error_description"]
    got = await collect(app, auth_req_id)
    assert got.status_code == 200, got.text
    body = got.json()
    assert (body["token_type"], body["scope"]) == ("DPoP", "accounts balances")
    assert (await app.bank(body["access_token"])).status_code == 200
    assert not await play.opens(served, body["access_token"])
    again = await collect(app, auth_req_id)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("FAPI-CIBA 5.2.2", "an authentication request that is not signed is refused")
async def test_a_strict_client_that_does_not_sign_asks_nobody(served: Served, app: Keyed) -> None:
    phone = await play.somebody(served)
    hint = await known(app, phone)
    plain = {"scope": "accounts", "login_hint_token": hint, "binding_message": MESSAGE}
    answer = await ask(app, plain)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "sign" in answer.json()["error_description"]
    assert await phone.asked() == ()


@pytest.mark.spec("FAPI-CIBA 5.2.2", "a signed request lives for an hour at most")
async def test_a_signed_request_that_is_good_for_too_long_asks_nobody(
    served: Served, app: Keyed
) -> None:
    phone = await play.somebody(served)
    hint = await known(app, phone)
    too_long = served.clock() + served.desk.law.request_object_age + 1
    for changed in ({"exp": too_long}, {"exp": None}, {"nbf": None}):
        answer = await ask(app, signing(app, hint, **changed))
        assert answer.json()["error"] == "invalid_request_object", changed
    assert await phone.asked() == ()


async def test_a_plain_client_that_registered_nothing_need_not_sign(served: Served) -> None:
    words: dict[str, Any] = {"grant_types": GRANTS, "backchannel_token_delivery_mode": "poll"}
    app, phone = await keyed(served, "plain-asker", **words), await play.somebody(served)
    hint = (await app.tokens(phone, dpop=False))["login_hint_token"]
    served.clock.move(served.desk.law.prompts_in)
    plain = {"scope": "accounts", "login_hint_token": hint, "binding_message": MESSAGE}
    assert (await ask(app, plain)).status_code == 200
