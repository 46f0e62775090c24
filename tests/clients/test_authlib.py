"""PyPI Authlib does the whole flow unchanged, over requests and over httpx2."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import MismatchingStateException

from endorse.phone import approve_url, approve_url_async
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = [pytest.mark.clients, pytest.mark.anyio]

METHODS = ["client_secret_basic", "client_secret_post", "none"]


def registered(app: App, method: str, **options: Any) -> dict[str, Any]:
    """The arguments of either kind of session."""
    return {
        "client_id": app.client_id,
        "client_secret": app.secret or None,
        "token_endpoint_auth_method": method,
        "revocation_endpoint_auth_method": method,
        "redirect_uri": app.redirect_uri,
        "scope": SCOPE,
        "code_challenge_method": "S256",
        **options,
    }


def over_requests(app: App, method: str = "client_secret_basic", **options: Any) -> OAuth2Session:
    session = OAuth2Session(**registered(app, method, **options))
    session.trust_env = False  # no proxy stands before this machine's own server
    return session


def over_httpx(app: App, method: str = "client_secret_basic", **options: Any) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(**registered(app, method, trust_env=False, **options))


def begin(session: OAuth2Session | AsyncOAuth2Client, issuer: str) -> tuple[str, dict[str, str]]:
    """The authorization URL, and what `fetch_token` needs of it later."""
    verifier = generate_token(48)
    url, state = session.create_authorization_url(f"{issuer}/auth", code_verifier=verifier)
    return url, {"state": state, "code_verifier": verifier}


@pytest.mark.parametrize("method", METHODS)
def test_over_requests_it_connects_reads_accounts_refreshes_and_revokes(
    issuer: str, app: App, public_app: App, method: str
) -> None:
    with over_requests(public_app if method == "none" else app, method) as session:
        url, kept = begin(session, issuer)
        callback = approve_url(url, "anna")
        tokens = session.fetch_token(f"{issuer}/token", authorization_response=callback, **kept)
        assert tokens["scope"] == SCOPE
        first = session.get(f"{issuer}/v1/accounts")
        assert first.status_code == 200
        refreshed = session.refresh_token(f"{issuer}/token")
        assert refreshed["access_token"] != tokens["access_token"]
        assert refreshed["refresh_token"] != tokens["refresh_token"]
        assert session.get(f"{issuer}/v1/accounts").json() == first.json()
        revoked = session.revoke_token(  # type: ignore[no-untyped-call]
            f"{issuer}/revoke", token=refreshed["refresh_token"]
        )
        assert revoked.status_code == 200
        assert session.get(f"{issuer}/v1/accounts").status_code == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.refresh_token(f"{issuer}/token", refresh_token=refreshed["refresh_token"])


@pytest.mark.parametrize("method", METHODS)
async def test_over_httpx_it_connects_reads_accounts_refreshes_and_revokes(
    issuer: str, app: App, public_app: App, method: str
) -> None:
    async with over_httpx(public_app if method == "none" else app, method) as session:
        url, kept = begin(session, issuer)
        callback = await approve_url_async(url, "anna")
        tokens = await session.fetch_token(
            f"{issuer}/token", authorization_response=callback, **kept
        )
        assert tokens["scope"] == SCOPE
        first = await session.get(f"{issuer}/v1/accounts")
        assert first.status_code == 200
        refreshed = await session.refresh_token(f"{issuer}/token")
        assert refreshed["access_token"] != tokens["access_token"]
        assert refreshed["refresh_token"] != tokens["refresh_token"]
        assert (await session.get(f"{issuer}/v1/accounts")).json() == first.json()
        revoked = await session.revoke_token(  # type: ignore[no-untyped-call]
            f"{issuer}/revoke", token=refreshed["refresh_token"]
        )
        assert revoked.status_code == 200
        assert (await session.get(f"{issuer}/v1/accounts")).status_code == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            await session.refresh_token(f"{issuer}/token", refresh_token=refreshed["refresh_token"])


def test_a_person_may_share_one_account_only(
    issuer: str, app: App, annas_accounts: list[dict[str, Any]]
) -> None:
    iban = annas_accounts[0]["iban"]
    with over_requests(app) as session:
        url, kept = begin(session, issuer)
        callback = approve_url(url, "anna", [iban])
        session.fetch_token(f"{issuer}/token", authorization_response=callback, **kept)
        shared = session.get(f"{issuer}/v1/accounts").json()["accounts"]
    assert {account["iban"] for account in shared} == {iban}


async def test_a_token_that_has_run_out_is_refreshed_on_the_way(issuer: str, app: App) -> None:
    updates: list[str] = []

    async def update(token: dict[str, Any], refresh_token: str) -> None:
        assert token["refresh_token"] != refresh_token
        updates.append(token["access_token"])

    options: dict[str, Any] = {"token_endpoint": f"{issuer}/token", "update_token": update}
    async with over_httpx(app, **options) as session:
        url, kept = begin(session, issuer)
        callback = await approve_url_async(url, "anna")
        tokens = await session.fetch_token(authorization_response=callback, **kept)
        session.token = {**tokens, "expires_at": 1}
        assert (await session.get(f"{issuer}/v1/accounts")).status_code == 200
    assert len(updates) == 1
    assert updates[0] != tokens["access_token"]


def test_the_client_refuses_a_callback_with_another_state(issuer: str, app: App) -> None:
    with over_requests(app) as session:
        url, kept = begin(session, issuer)
        callback = approve_url(url, "anna")
        kept["state"] = begin(session, issuer)[1]["state"]
        with pytest.raises(MismatchingStateException):
            session.fetch_token(f"{issuer}/token", authorization_response=callback, **kept)


def test_a_replayed_code_is_refused_and_its_tokens_are_dead(issuer: str, app: App) -> None:
    with over_requests(app) as session:
        url, kept = begin(session, issuer)
        callback = approve_url(url, "anna")
        session.fetch_token(f"{issuer}/token", authorization_response=callback, **kept)
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.fetch_token(f"{issuer}/token", authorization_response=callback, **kept)
        assert session.get(f"{issuer}/v1/accounts").status_code == 401
