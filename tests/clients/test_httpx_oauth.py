"""PyPI httpx-oauth, as FastAPI Users signs people in with it, does its flow unchanged."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_oauth.oauth2 import OAuth2, RefreshTokenError

from endorse.phone import approve_url_async
from tests.clients import plain
from tests.serving import App

pytestmark = [pytest.mark.clients, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy stands before this machine's own server."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return iter([None])


def client_of(issuer: str, app: App, method: Any) -> OAuth2:
    return OAuth2(
        app.client_id,
        app.secret,
        f"{issuer}/auth",
        f"{issuer}/token",
        f"{issuer}/token",
        f"{issuer}/revoke",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_it_connects_reads_accounts_refreshes_and_revokes(
    issuer: str, app: App, method: str
) -> None:
    client = client_of(issuer, app, method)
    state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    challenge = plain.challenge_of(verifier)
    url = await client.get_authorization_url(
        app.redirect_uri, state, plain.SCOPE.split(), challenge, "S256"
    )
    answer = plain.answer_of(await approve_url_async(url, "anna"))
    assert answer["state"] == state
    tokens = await client.get_access_token(answer["code"], app.redirect_uri, verifier)
    refreshed = await client.refresh_token(tokens["refresh_token"])
    async with accounts(issuer, refreshed["access_token"]) as listed:
        assert listed.status_code == 200
    await client.revoke_token(refreshed["refresh_token"], "refresh_token")
    with pytest.raises(RefreshTokenError):
        await client.refresh_token(refreshed["refresh_token"])


@asynccontextmanager
async def accounts(issuer: str, token: str) -> Any:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token}"}
        yield await http.get(f"{issuer}/v1/accounts", headers=headers)
