"""The bank's API shows what the person chose and the scope covers, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from endorse.phone import Phone
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

PATHS = [
    "/v1/accounts",
    "/v1/accounts/{}",
    "/v1/accounts/{}/balances",
    "/v1/accounts/{}/transactions",
]


async def accounts_of(served: Served, phone: Phone) -> list[str]:
    tab = await play.begun(served)
    journey = (await play.claimed(tab, phone)).journey
    matched = await phone.match(journey, await play.number(served, journey))
    await phone.refuse(journey)
    return [account.resource_id for account in matched.accounts]


async def test_accounts_that_were_not_chosen_do_not_exist(served: Served) -> None:
    phone = await play.phone_of(served)
    chosen, *others = await accounts_of(served, phone)
    token = (await play.tokens(served, phone, [chosen]))["access_token"]
    listed = (await play.bank(served, "/v1/accounts", token)).json()
    assert [account["resourceId"] for account in listed["accounts"]] == [chosen]
    unknown = await play.bank(served, "/v1/accounts/never-was", token)
    [message] = unknown.json()["tppMessages"]
    assert (unknown.status_code, message["code"]) == (404, "RESOURCE_UNKNOWN")
    for account in others:
        for path in PATHS[1:]:
            answer = await play.bank(served, path.format(account), token)
            assert (answer.status_code, answer.content) == (404, unknown.content)
    for path in PATHS:
        assert (await play.bank(served, path.format(chosen), token)).status_code == 200


@pytest.mark.parametrize(
    ("scope", "good"),
    [
        ("accounts", [200, 200, 403, 403]),
        ("balances", [200, 200, 200, 403]),
        ("transactions", [200, 200, 403, 200]),
        ("accounts balances transactions", [200, 200, 200, 200]),
    ],
)
async def test_the_scope_guards_each_endpoint(served: Served, scope: str, good: list[int]) -> None:
    phone = await play.phone_of(served)
    [chosen, *_] = await accounts_of(served, phone)
    token = (await play.tokens(served, phone, [chosen], scope=scope))["access_token"]
    for path, status in zip(PATHS, good, strict=True):
        answer = await play.bank(served, path.format(chosen), token)
        assert answer.status_code == status
        if status == 403:
            assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
            assert answer.json()["tppMessages"][0]["code"] == "CONSENT_INVALID"


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_good_bearer_token_nothing_opens(served: Served, path: str) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    token = got["access_token"]
    url = served.url(path.format("x"))
    without = await served.http.get(url)
    assert (without.status_code, without.headers["www-authenticate"]) == (
        401,
        'Bearer realm="endorse", DPoP realm="endorse", algs="ES256 PS256 EdDSA Ed25519"',
    )
    by_query = await served.http.get(url, params={"access_token": token})
    assert by_query.status_code == 401
    for wrong in (token + "x", token[:-1], got["refresh_token"], "ea_", "x"):
        answer = await served.http.get(url, headers={"Authorization": f"Bearer {wrong}"})
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert answer.json()["tppMessages"][0]["code"] == "TOKEN_INVALID"
    basic = await served.http.get(url, auth=httpx2.BasicAuth("a", token))
    assert basic.status_code == 401


async def test_answers_have_the_berlin_groups_field_names_and_nobody_may_keep_them(
    served: Served,
) -> None:
    phone = await play.phone_of(served)
    [chosen, *_] = await accounts_of(served, phone)
    token = (await play.tokens(served, phone, [chosen]))["access_token"]
    answers = [await play.bank(served, path.format(chosen), token) for path in PATHS]
    listed, one, balances, transactions = [answer.json() for answer in answers]
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)
    assert one["account"] == listed["accounts"][0]
    assert {"resourceId", "iban", "currency", "name", "_links"} <= set(one["account"])
    links = {name: link["href"] for name, link in one["account"]["_links"].items()}
    assert links == {"balances": PATHS[2].format(chosen), "transactions": PATHS[3].format(chosen)}
    amount = balances["balances"][0]["balanceAmount"]
    assert re.fullmatch(r"-?\d+\.\d\d", amount["amount"])
    assert balances["account"] == {
        "iban": one["account"]["iban"],
        "currency": one["account"]["currency"],
    }
    booked = transactions["transactions"]["booked"][0]
    assert {"transactionId", "transactionAmount", "bookingDate", "valueDate"} <= set(booked)
    assert transactions["transactions"]["_links"]["account"]["href"] == PATHS[1].format(chosen)


async def _pages(served: Served, token: str, first: str) -> list[dict[str, Any]]:
    pages = []
    path: str | None = first
    while path is not None:
        answer = await play.bank(served, path, token)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()["transactions"]
        pages.append(page)
        path = page["_links"].get("next", {}).get("href")
    return pages


async def test_paging_over_next_links_has_no_gap_and_no_double(served: Served) -> None:
    phone = await play.phone_of(served)
    [chosen, *_] = await accounts_of(served, phone)
    token = (await play.tokens(served, phone, [chosen]))["access_token"]
    path = PATHS[3].format(chosen)
    whole = [it for page in await _pages(served, token, path) for it in page["booked"]]
    ids = [transaction["transactionId"] for transaction in whole]
    assert len(ids) == len(set(ids)) > 500
    days = [transaction["bookingDate"] for transaction in whole]
    assert days == sorted(days, reverse=True)

    small = await _pages(served, token, f"{path}?limit=7&dateFrom={days[60]}&dateTo={days[5]}")
    wanted = [it for it in whole if days[60] <= it["bookingDate"] <= days[5]]
    assert [it for page in small for it in page["booked"]] == wanted
    assert {len(page["booked"]) for page in small[:-1]} == {7}
    assert not any(page["pending"] for page in small[1:])


async def test_booked_and_pending_can_be_asked_apart(served: Served) -> None:
    phone = await play.phone_of(served)
    [chosen, *_] = await accounts_of(served, phone)
    token = (await play.tokens(served, phone, [chosen]))["access_token"]
    for status, names in (
        ("booked", {"booked", "_links"}),
        ("pending", {"pending", "_links"}),
        ("both", {"booked", "pending", "_links"}),
    ):
        path = f"{PATHS[3].format(chosen)}?bookingStatus={status}&limit=5"
        pages = await _pages(served, token, path) if status == "booked" else []
        first = (await play.bank(served, path, token)).json()["transactions"]
        assert set(first) == names
        assert all(set(page) == names for page in pages)
