"""Every parameter sent twice at every endpoint of the route table: refused, and never a fault."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote

import httpx2
import pytest

from endorse.server.app import ANSWERS, PAGES
from tests import strict
from tests.flows import broken, play
from tests.flows.rows import counts
from tests.serving import Served

pytestmark = pytest.mark.anyio

# Every parameter that any endpoint for clients reads.
OF_REQUESTS = ["response_type", "client_id", "redirect_uri", "scope", "state", "response_mode"]
OF_REQUESTS += ["code_challenge", "code_challenge_method", "nonce", "prompt", "max_age", "request"]
OF_REQUESTS += ["request_uri", "ui_locales", "authorization_details", "dpop_jkt", "login_hint"]
OF_REQUESTS += ["grant_id", "grant_management_action", "acr_values", "claims", "id_token_hint"]
OF_CLIENTS = ["client_id", "client_secret", "client_assertion", "client_assertion_type"]
OF_TOKENS = ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"]
OF_TOKENS += ["device_code", "auth_req_id", "resource", "authorization_details"]
OF_HINTS = ["login_hint", "login_hint_token", "id_token_hint", "binding_message", "user_code"]
OF_HINTS += ["acr_values", "client_notification_token", "requested_expiry"]
PAYMENTS: Final = "/v1/payments/sepa-credit-transfers"
OF_LISTS = ["dateFrom", "dateTo", "bookingStatus", "limit", "after"]

FORMS: Final = {
    "/par": [*OF_CLIENTS, *OF_REQUESTS],
    "/auth": OF_REQUESTS,
    "/token": [*OF_CLIENTS, *OF_TOKENS],
    "/v1/token": [*OF_CLIENTS, *OF_TOKENS],
    "/device_authorization": [*OF_CLIENTS, "scope", "authorization_details"],
    "/revoke": [*OF_CLIENTS, "token", "token_type_hint"],
    "/introspect": [*OF_CLIENTS, "token", "token_type_hint"],
    "/bc-authorize": [*OF_CLIENTS, *OF_HINTS, "scope", "request"],
    "/auth/start": ["request"],
    "/device": ["user_code"],
    "/device/start": ["user_code", "request"],
    "/return": ["nonce"],
}
OF_PAGES: Final = ("/auth", "/auth/start", "/return", "/device", "/device/start")
QUERIES: Final = {
    "/auth": OF_REQUESTS,
    "/v1/accounts/{account_id}/transactions": OF_LISTS,
}
# What these are sent is JSON, in which a member may not come twice either.
JSON: Final = ("/phone/", "/connect/{short}/near", "/register", PAYMENTS)
# These read nothing of what is sent with them.
NOTHING: Final = re.compile(
    r"/(healthz|readyz|jwks|a|q|device|errors.*|phone|return|brand\.css|connect/.*|resume/.*|phone/.*|"
    r"\.well-known/.*|v1/directory|v1/payments/.*|v1/accounts(/\{account_id\}(/balances)?)?|userinfo|grants/.*|openapi\.json|"
    r"register/.*)\Z"
)

PAYMENT: Final[dict[str, Any]] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "A shop",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Invoice 7",
}

TABLE: Final = sorted({(method, path) for method, path, _ in (*ANSWERS, *PAGES)})


def kind_of(method: str, path: str) -> str:
    """How this endpoint is sent something; a new one that is not in the tables fails here."""
    if method == "POST" and path in FORMS:
        return "form"
    if method == "GET" and path in QUERIES:
        return "query"
    if method in ("POST", "PUT") and path.startswith(JSON):
        return "json"
    if (NOTHING.match(path) and method in ("GET", "DELETE")) or path.startswith(
        ("/connect/", "/userinfo")
    ):
        return "nothing"
    raise AssertionError(f"{method} {path} is in none of the tables: what does it read?")


def test_every_endpoint_is_in_one_of_the_tables() -> None:
    kinds = {kind_of(method, path) for method, path in TABLE}
    assert kinds == {"form", "query", "json", "nothing"}


def filled(path: str) -> str:
    """The path with something in place of each parameter."""
    return re.sub(r"\{\w+\}", "x", path)


@pytest.mark.parametrize(("method", "path"), TABLE)
async def test_what_comes_twice_is_refused(served: Served, method: str, path: str) -> None:
    # What is made when it is first asked for is there before.
    await play.phone_of(served)
    await served.http.get(served.url("/jwks"))
    before = await counts(served)
    kind = kind_of(method, path)
    if kind == "form":
        await doubled_form(served, path)
    elif kind == "query":
        await doubled_query(served, path)
    elif kind == "json":
        await doubled_json(served, method, path)
    else:
        url = served.url(filled(path)) + "?x=1&x=1&state=1&state=1"
        answer = await served.http.request(method, url, headers=play.SAME_ORIGIN)
        assert answer.status_code < 500, answer.text
    assert await counts(served) == before


def refused(answer: httpx2.Response) -> bool:
    """Whether an answer is the clear no to a parameter that came twice."""
    if answer.status_code == 303:
        return "error=invalid_request" in answer.headers["location"]
    if answer.headers["content-type"].startswith("text/html"):
        return answer.status_code in (400, 403, 404)
    told = answer.json()
    if "tppMessages" in told:
        return answer.status_code in (400, 401)
    # A handle that came twice is none that there is.
    wanted = {400: "invalid_request", 404: "other_browser"}
    return bool(told["error"] == wanted.get(answer.status_code))


async def doubled_form(served: Served, path: str) -> None:
    raws: list[tuple[str, str]] = []
    own = {"client_id": served.app.client_id, "client_secret": served.app.secret}
    for name in [*FORMS[path], "something_unknown"]:
        rest = "&".join(f"{key}={quote(value)}" for key, value in own.items() if key != name)
        value = quote(own.get(name, "value"))
        raws.append((name, f"{name}={value}&{name}={value}&{rest}"))
        raws.append((name, f"{rest}&{name}=&{name}={value}"))
    headers = {**play.JSON, **play.SAME_ORIGIN}
    sent = (broken.post(served, path, raw, **headers) for _, raw in raws)
    for (name, _), answer in zip(raws, await play.together(*sent), strict=True):
        assert refused(answer), (name, answer.status_code, answer.text)
        if path not in OF_PAGES:
            assert answer.json()["error"] == "invalid_request", (name, answer.text)


async def doubled_query(served: Served, path: str) -> None:
    good = httpx2.URL(served.authorize_url()).query.decode()
    for name in [*QUERIES[path], "something_unknown"]:
        answer = await broken.get(served, filled(path), f"{good}&{name}=a&{name}=a")
        assert refused(answer), (name, answer.status_code, answer.text)


async def token_that_pays(served: Served) -> str:
    """An access token for one payment."""
    client = await strict.keyed(served, authorization_details_types=("payment_initiation",))
    asked = client.request(authorization_details=json.dumps([PAYMENT]), scope=None)
    tab = await strict.begun_with(served, **asked)
    phone = await play.phone_of(served)
    await phone.approve(await play.reviewed(tab, phone, ["anna-current"]))
    answer = await client.redeem(play.answered(await tab.resume())["code"], dpop=False)
    token: str = answer.json()["access_token"]
    return token


async def test_a_payment_whose_member_comes_twice_is_not_made(served: Served) -> None:
    token = await token_that_pays(served)
    order = json.dumps({name: it for name, it in PAYMENT.items() if name != "type"})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for name, value in PAYMENT.items():
        body = f'{order[:-1]}, "{name}": {json.dumps(value)}}}' if name != "type" else order * 2
        url = served.url(PAYMENTS)
        answer = await served.http.post(url, content=body.encode(), headers=headers)
        assert answer.status_code == 400, (name, answer.text)
    answer = await served.http.post(served.url(PAYMENTS), content=order.encode(), headers=headers)
    assert answer.status_code == 201, answer.text


async def doubled_json(served: Served, method: str, path: str) -> None:
    body = b'{"something":1,"something":1}'
    phone = await play.phone_of(served)
    session = not path.startswith(("/phone/enrol", "/phone/sign-in", "/phone/sandbox"))
    headers = {"Sec_Fetch_Site": "same-origin"}
    answer = await broken.signed(
        phone, served, filled(path), body, method=method, session=session, **headers
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert path == PAYMENTS or broken.is_json_error(answer)
