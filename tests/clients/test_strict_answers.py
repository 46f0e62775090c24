"""What the strictest clients demand of an answer, looked at without a client's leniency.

oauth4webapi and arctic take only the exact statuses, a JSON content type and the right JSON types;
simple-oauth2 wants JSON of the revocation endpoint too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from endorse.phone import approve_url
from tests.clients import plain
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = pytest.mark.clients

Form = list[tuple[str, str]]

# RFC 6749 5.2: printable ASCII but the quote and the backslash.
DESCRIPTION = re.compile(r"[ !#-\[\]-~]+")


def json_of(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The JSON object of an answer with exactly this status, that no cache may keep."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert isinstance(body, dict)
    return body


def post(http: httpx2.Client, url: str, form: Form, auth: httpx2.Auth) -> httpx2.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return http.post(url, content=urlencode(form), headers=headers, auth=auth)


def check_tokens(tokens: dict[str, Any], scope: str) -> None:
    """RFC 6749 5.1, member by member."""
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    for name in ("access_token", "refresh_token"):
        assert isinstance(tokens[name], str)
        assert re.fullmatch(r"[A-Za-z0-9_-]{40,200}", tokens[name])
    assert tokens["token_type"] == "Bearer"
    assert type(tokens["expires_in"]) is int
    assert tokens["expires_in"] > 0
    assert tokens["scope"] == scope


def check_error(answer: httpx2.Response, status: int, error: str) -> None:
    """RFC 6749 5.2, member by member."""
    body = json_of(answer, status)
    assert body["error"] == error
    assert DESCRIPTION.fullmatch(body["error_description"])


def test_the_metadata_is_json_with_the_exact_issuer_and_absolute_endpoints(
    http: httpx2.Client, issuer: str
) -> None:
    answer = http.get(f"{issuer}/.well-known/oauth-authorization-server")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    metadata = answer.json()
    assert metadata["issuer"] == issuer
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
        assert metadata[name].startswith(f"{issuer}/")
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    for name in ("token_endpoint", "revocation_endpoint"):
        methods = set(metadata[f"{name}_auth_methods_supported"])
        assert methods == {"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}


@pytest.mark.parametrize("state", ["plain", "a b+c%2F/ä?&=#", '{"n":"\\u20ac"}', "x" * 2000])
def test_the_callback_carries_code_state_and_iss_once_each(
    issuer: str, app: App, state: str
) -> None:
    callback = approve_url(plain.authorize_url(issuer, app, state=state), "anna")
    assert callback.startswith(f"{app.redirect_uri}?")
    answer = plain.answer_of(callback)
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (state, issuer)


def test_a_callback_without_a_state_that_was_not_sent(issuer: str, app: App) -> None:
    callback = approve_url(plain.authorize_url(issuer, app, state=None), "anna")
    assert set(plain.answer_of(callback)) == {"code", "iss"}


def test_an_error_callback_carries_error_state_and_iss(issuer: str, app: App) -> None:
    url = plain.authorize_url(issuer, app)
    answer = plain.answer_of(approve_url(url, "anna", refuse=True))
    told = {"error_description", "error_uri"}
    assert {"error", "state", "iss"} <= set(answer) <= {"error", "state", "iss"} | told
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "a state", issuer)


@pytest.mark.parametrize("path", ["/token", "/v1/token"])
def test_tokens_for_a_code_and_for_a_refresh_token(
    http: httpx2.Client, issuer: str, app: App, path: str
) -> None:
    code = plain.answer_of(approve_url(plain.authorize_url(issuer, app), "anna"))["code"]
    url = issuer + path
    first = json_of(http.post(url, data=plain.code_form(app, code), auth=app.basic), 200)
    check_tokens(first, SCOPE)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = json_of(http.post(url, data={**form, "scope": "accounts"}, auth=app.basic), 200)
    check_tokens(second, "accounts")


CODE: Form = [("grant_type", "authorization_code"), ("redirect_uri", "x"), ("code_verifier", "y")]
REFRESH: Form = [("grant_type", "refresh_token")]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ([], "invalid_request"),
        ([("grant_type", "")], "invalid_request"),
        ([("grant_type", "password")], "unsupported_grant_type"),
        (CODE, "invalid_request"),
        ([*CODE, ("code", "unknown")], "invalid_grant"),
        ([*CODE, ("code", "a"), ("code", "b")], "invalid_request"),
        ([*CODE, ("code", "x" * 8192)], "invalid_request"),
        ([*CODE, ("code", "\0\n")], "invalid_request"),
        (REFRESH, "invalid_request"),
        ([*REFRESH, ("refresh_token", "unknown")], "invalid_grant"),
    ],
)
def test_a_bad_token_request_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App, form: Form, error: str
) -> None:
    check_error(post(http, f"{issuer}/token", form, app.basic), 400, error)


@pytest.mark.parametrize(
    "changed", [{"redirect_uri": "https://app.example/"}, {"code_verifier": "z" * 43}]
)
def test_a_code_with_the_wrong_companions_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App, changed: dict[str, str]
) -> None:
    code = plain.answer_of(approve_url(plain.authorize_url(issuer, app), "anna"))["code"]
    form = {**plain.code_form(app, code), **changed}
    check_error(http.post(f"{issuer}/token", data=form, auth=app.basic), 400, "invalid_grant")


def test_a_wider_scope_at_the_refresh_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App
) -> None:
    tokens = plain.connect(http, issuer, app, scope="accounts offline_access")
    form = [*REFRESH, ("refresh_token", tokens["refresh_token"]), ("scope", "transactions")]
    check_error(post(http, f"{issuer}/token", form, app.basic), 400, "invalid_scope")


@pytest.mark.parametrize("path", ["/token", "/revoke"])
@pytest.mark.parametrize(
    ("client_id", "secret", "in_form"),
    [
        (None, "wrong", False),
        (None, "wrong", True),
        (None, "", True),
        ("unknown", "wrong", False),
        ("unknown", "wrong", True),
        ("", "", True),
    ],
)
def test_a_client_that_does_not_prove_itself_gets_401_by_header_and_400_by_form(
    http: httpx2.Client,
    issuer: str,
    app: App,
    path: str,
    client_id: str | None,
    secret: str,
    in_form: bool,
) -> None:
    name = app.client_id if client_id is None else client_id
    form: Form = [*CODE, ("code", "x"), ("token", "y")]
    if in_form:
        form += [("client_id", name), ("client_secret", secret)]
    auth = httpx2.Auth() if in_form else httpx2.BasicAuth(name, secret)
    answer = post(http, issuer + path, form, auth)
    check_error(answer, 400 if in_form else 401, "invalid_client")
    assert answer.headers.get("www-authenticate", "").startswith("Basic ") is not in_form


def test_a_client_that_proves_itself_twice_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App
) -> None:
    form = [*CODE, ("code", "x"), ("client_secret", app.secret)]
    check_error(post(http, f"{issuer}/token", form, app.basic), 400, "invalid_request")


@pytest.mark.parametrize("path", ["/token", "/revoke"])
def test_a_json_body_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App, path: str
) -> None:
    answer = http.post(issuer + path, json={"grant_type": "authorization_code"}, auth=app.basic)
    check_error(answer, 400, "invalid_request")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else", None])
def test_a_revocation_is_a_200_with_json_whatever_the_hint(
    http: httpx2.Client, issuer: str, app: App, kind: str, hint: str | None
) -> None:
    tokens = plain.connect(http, issuer, app)
    form = [("token", tokens[kind]), *([("token_type_hint", hint)] if hint else [])]
    assert json_of(post(http, f"{issuer}/revoke", form, app.basic), 200) == {}
    answer = plain.get(http, issuer, "/v1/accounts", tokens["access_token"])
    assert answer.status_code == 401


def test_revoking_a_token_that_is_not_there_is_a_200_with_json(
    http: httpx2.Client, issuer: str, app: App
) -> None:
    form = [("token", "unknown")]
    assert json_of(post(http, f"{issuer}/revoke", form, app.basic), 200) == {}


def test_a_revocation_without_a_token_is_a_400_with_a_json_error(
    http: httpx2.Client, issuer: str, app: App
) -> None:
    check_error(post(http, f"{issuer}/revoke", [], app.basic), 400, "invalid_request")


def test_the_api_names_its_scheme_and_the_error_to_a_dead_token(
    http: httpx2.Client, issuer: str
) -> None:
    answer = plain.get(http, issuer, "/v1/accounts", "unknown")
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="invalid_token"' in challenge
    bare = http.get(f"{issuer}/v1/accounts")
    assert bare.status_code == 401
    assert bare.headers["www-authenticate"].startswith("Bearer")
    assert "error=" not in bare.headers["www-authenticate"]


def test_the_api_names_the_error_to_a_token_of_too_narrow_a_scope(
    http: httpx2.Client, issuer: str, app: App, annas_accounts: list[dict[str, Any]]
) -> None:
    tokens = plain.connect(http, issuer, app, person="anna", scope="accounts")
    path = f"/v1/accounts/{annas_accounts[0]['resourceId']}/balances"
    answer = plain.get(http, issuer, path, tokens["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
