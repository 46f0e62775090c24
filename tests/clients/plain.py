"""The flow with nothing but an HTTP client, to look at each answer as it comes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from endorse.phone import approve_url
from tests.serving import App

SCOPE = "accounts balances transactions offline_access"
VERIFIER = secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()[:43]


CHALLENGE = challenge_of(VERIFIER)


def authorize_url(issuer: str, app: App, **changed: str | None) -> str:
    """A good authorization URL; a parameter set to None is left out."""
    params = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": app.redirect_uri,
        "state": "a state",
        "scope": SCOPE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    sent = {name: value for name, value in params.items() if value is not None}
    return str(httpx2.URL(f"{issuer}/auth", params=sent))


def answer_of(callback: str) -> dict[str, str]:
    """The parameters of a callback URL, each of which must stand there once."""
    found = parse_qs(urlsplit(callback).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def code_form(app: App, code: str) -> dict[str, str]:
    """The form that redeems a code."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": VERIFIER,
    }


def connect(
    http: httpx2.Client,
    issuer: str,
    app: App,
    person: str | None = None,
    accounts: Sequence[str] = (),
    **changed: str | None,
) -> dict[str, Any]:
    """Authorize, approve and redeem with client_secret_basic; give the tokens."""
    callback = approve_url(authorize_url(issuer, app, **changed), person, accounts)
    form = code_form(app, answer_of(callback)["code"])
    answer = http.post(f"{issuer}/token", data=form, auth=app.basic)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def get(http: httpx2.Client, issuer: str, path: str, token: str) -> httpx2.Response:
    """Call the bank's API."""
    return http.get(issuer + path, headers={"Authorization": f"Bearer {token}"})
