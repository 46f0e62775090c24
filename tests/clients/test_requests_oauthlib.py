"""PyPI requests-oauthlib, with oauthlib's strictness on, does the whole flow unchanged."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from oauthlib.oauth2 import (
    AccessDeniedError,
    InvalidGrantError,
    MismatchingStateError,
    WebApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from endorse.phone import approve_url
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = pytest.mark.clients

# How an app authenticates, as arguments of `fetch_token` and of `refresh_token`.
METHODS = ["basic", "post", "public", "public with an empty Basic"]


@pytest.fixture(autouse=True)
def strict_but_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has no TLS; oauthlib must be told so. It warns where scopes differ anyway."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_STRICT_TOKEN_TYPE", "1")
    monkeypatch.delenv("OAUTHLIB_RELAX_TOKEN_SCOPE", raising=False)


def session_of(app: App, scope: str | None = SCOPE, **options: Any) -> OAuth2Session:
    scopes = scope.split() if scope else None
    session = OAuth2Session(
        app.client_id, redirect_uri=app.redirect_uri, scope=scopes, pkce="S256", **options
    )
    session.trust_env = False  # no proxy stands before this machine's own server
    return session


def fetching(app: App, method: str) -> dict[str, Any]:
    """The arguments of `fetch_token` for this way to authenticate."""
    if method == "basic":
        return {"client_secret": app.secret}
    if method == "post":
        return {"client_secret": app.secret, "include_client_id": True}
    return {"include_client_id": True} if method == "public" else {}


def refreshing(app: App, method: str) -> dict[str, Any]:
    """The arguments of `refresh_token` for this way to authenticate."""
    if method == "basic":
        return {"auth": HTTPBasicAuth(app.client_id, app.secret)}
    if method == "post":
        return {"client_id": app.client_id, "client_secret": app.secret}
    if method == "public":
        return {"client_id": app.client_id}
    return {"auth": HTTPBasicAuth(app.client_id, "")}


def accounts_of(session: OAuth2Session, issuer: str) -> list[dict[str, Any]]:
    answer = session.get(f"{issuer}/v1/accounts")
    assert answer.status_code == 200, answer.text
    accounts: list[dict[str, Any]] = answer.json()["accounts"]
    return accounts


def revoke(session: OAuth2Session, issuer: str, token: str, app: App) -> requests.Response:
    """Revoke as oauthlib prepares it (RFC 7009); requests-oauthlib has no call for it."""
    url, headers, body = WebApplicationClient(app.client_id).prepare_token_revocation_request(
        f"{issuer}/revoke", token, token_type_hint="refresh_token"
    )
    auth = HTTPBasicAuth(app.client_id, app.secret)
    return session.request("POST", url, data=body, headers=headers, auth=auth, withhold_token=True)


@pytest.mark.parametrize("method", METHODS)
def test_it_connects_reads_accounts_refreshes_and_revokes(
    issuer: str, app: App, public_app: App, method: str
) -> None:
    one = public_app if method.startswith("public") else app
    with session_of(one) as session:
        url, state = session.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna")
        tokens = session.fetch_token(
            f"{issuer}/token", authorization_response=callback, **fetching(one, method)
        )
        assert state
        assert tokens["scope"] == SCOPE.split()
        first = accounts_of(session, issuer)
        assert len(first) > 1
        refreshed = session.refresh_token(f"{issuer}/token", **refreshing(one, method))
        assert refreshed["access_token"] != tokens["access_token"]
        assert refreshed["refresh_token"] != tokens["refresh_token"]
        assert accounts_of(session, issuer) == first
        revoked = revoke(session, issuer, refreshed["refresh_token"], one)
        assert (revoked.status_code, revoked.json()) == (200, {})
        assert session.get(f"{issuer}/v1/accounts").status_code == 401
        with pytest.raises(InvalidGrantError):
            session.refresh_token(f"{issuer}/token", **refreshing(one, method))


def test_a_person_may_share_one_account_without_a_warning_of_the_client(
    issuer: str, app: App, annas_accounts: list[dict[str, Any]]
) -> None:
    iban = annas_accounts[0]["iban"]
    with session_of(app) as session:
        url, _ = session.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna", [iban])
        session.fetch_token(
            f"{issuer}/token", authorization_response=callback, client_secret=app.secret
        )
        assert {account["iban"] for account in accounts_of(session, issuer)} == {iban}


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("offline_access transactions accounts", "accounts transactions offline_access"),
        ("accounts", "accounts"),
        (None, SCOPE),
    ],
)
def test_any_choice_of_scope_comes_back_without_a_warning_of_the_client(
    issuer: str, app: App, asked: str | None, granted: str
) -> None:
    with session_of(app, asked) as session:
        url, _ = session.authorization_url(f"{issuer}/auth")
        tokens = session.fetch_token(
            f"{issuer}/token",
            authorization_response=approve_url(url, "anna"),
            client_secret=app.secret,
        )
        assert tokens["scope"] == granted.split()
        assert ("refresh_token" in tokens) == ("offline_access" in granted)
        assert accounts_of(session, issuer)


def test_a_token_that_has_run_out_is_refreshed_on_the_way(issuer: str, app: App) -> None:
    kept: list[dict[str, Any]] = []
    options: dict[str, Any] = {
        "auto_refresh_url": f"{issuer}/token",
        "auto_refresh_kwargs": {"client_id": app.client_id, "client_secret": app.secret},
        "token_updater": kept.append,
    }
    with session_of(app, **options) as session:
        url, _ = session.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna")
        tokens = session.fetch_token(
            f"{issuer}/token", authorization_response=callback, client_secret=app.secret
        )
        session.token = {**tokens, "expires_in": -1, "expires_at": 1}
        assert accounts_of(session, issuer)
    assert len(kept) == 1
    assert kept[0]["access_token"] != tokens["access_token"]


def test_a_person_who_says_no_is_access_denied(issuer: str, app: App) -> None:
    with session_of(app) as session:
        url, _ = session.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna", refuse=True)
        with pytest.raises(AccessDeniedError):
            session.fetch_token(
                f"{issuer}/token", authorization_response=callback, client_secret=app.secret
            )


def test_the_client_refuses_a_callback_with_another_state(issuer: str, app: App) -> None:
    with session_of(app) as session, session_of(app) as other:
        url, _ = session.authorization_url(f"{issuer}/auth")
        other.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna")
        with pytest.raises(MismatchingStateError):
            other.fetch_token(
                f"{issuer}/token", authorization_response=callback, client_secret=app.secret
            )


def test_a_replayed_code_is_refused_and_its_tokens_are_dead(issuer: str, app: App) -> None:
    with session_of(app) as session:
        url, _ = session.authorization_url(f"{issuer}/auth")
        callback = approve_url(url, "anna")
        redeemed: dict[str, Any] = {"authorization_response": callback, "client_secret": app.secret}
        tokens = session.fetch_token(f"{issuer}/token", **redeemed)
        with pytest.raises(InvalidGrantError):
            session.fetch_token(f"{issuer}/token", **redeemed)
        session.token = tokens
        assert session.get(f"{issuer}/v1/accounts").status_code == 401
