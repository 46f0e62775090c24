"""PyPI requests_oauth2client, the strictest of Python, does what it can unchanged."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests_oauth2client import (
    AuthorizationResponse,
    InvalidGrant,
    MismatchingIssuer,
    MismatchingState,
    OAuth2Client,
    PrivateKeyJwt,
    RepeatedDPoPNonce,
)
from requests_oauth2client.exceptions import AuthorizationResponseError

from endorse.phone import approve_url
from tests.clients.conftest import KeyedApp, Register
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = pytest.mark.clients


def session() -> requests.Session:
    """No proxy stands before this machine's own server."""
    one = requests.Session()
    one.trust_env = False
    return one


def discovered(issuer: str, app: App | KeyedApp, **options: Any) -> OAuth2Client:
    auth: Any = (
        PrivateKeyJwt(app.client_id, private_jwk=app.jwk, alg="ES256", aud=issuer)
        if isinstance(app, KeyedApp)
        else (app.client_id, app.secret)
    )
    return OAuth2Client.from_discovery_endpoint(
        f"{issuer}/.well-known/oauth-authorization-server",
        issuer,
        auth=auth,
        redirect_uri=app.redirect_uri,
        session=session(),
        testing=True,
        **options,
    )


def came_back(client: OAuth2Client, asked: Any, pushed: bool, **choice: Any) -> Any:
    """Have a request approved and check the callback as the client does."""
    url = str((client.pushed_authorization_request(asked) if pushed else asked).uri)
    return asked.validate_callback(approve_url(url, "anna", **choice))


def accounts(issuer: str, token: Any) -> int:
    return session().get(f"{issuer}/v1/accounts", auth=token).status_code


def test_with_a_secret_it_connects_refreshes_and_revokes(issuer: str, app: App) -> None:
    client = discovered(issuer, app)
    answer = came_back(client, client.authorization_request(scope=SCOPE), pushed=False)
    tokens = client.authorization_code(answer)
    assert accounts(issuer, tokens) == 200
    refreshed = client.refresh_token(tokens)
    assert refreshed.refresh_token != tokens.refresh_token
    assert client.revoke_refresh_token(refreshed) is True
    assert accounts(issuer, refreshed) == 401
    with pytest.raises(InvalidGrant):
        client.refresh_token(refreshed)


def test_with_a_key_it_pushes_its_request(issuer: str, register: Register) -> None:
    client = discovered(issuer, register())
    answer = came_back(client, client.authorization_request(scope=SCOPE), pushed=True)
    assert accounts(issuer, client.authorization_code(answer)) == 200


def test_it_signs_its_request(issuer: str, register: Register) -> None:
    app = register()
    client = discovered(issuer, app)
    asked = client.authorization_request(scope=SCOPE, iss=app.client_id, aud=issuer)
    # By value: this client cannot push what it signed.
    signed = asked.sign(app.jwk, alg="ES256", lifetime=60)
    answer: AuthorizationResponse = asked.validate_callback(approve_url(str(signed.uri), "anna"))
    assert accounts(issuer, client.authorization_code(answer)) == 200


def test_a_strict_app_proves_each_token(issuer: str, register: Register) -> None:
    client = discovered(issuer, register("--profile", "fapi2"), dpop_bound_access_tokens=True)
    answer = came_back(client, client.authorization_request(scope=SCOPE), pushed=True)
    tokens = client.authorization_code(answer)
    assert tokens.token_type == "DPoP"
    assert accounts(issuer, tokens) == 200
    told: Any = client.introspect_token(tokens)
    assert told["active"] is True
    assert told["cnf"]["jkt"]
    refreshed = client.refresh_token(tokens)
    assert accounts(issuer, refreshed) == 200
    assert client.revoke_access_token(refreshed) is True
    # This client takes every 401 to a proof for a demand of a nonce, and finds the one it used.
    with pytest.raises(RepeatedDPoPNonce):
        accounts(issuer, refreshed)


def test_a_person_who_says_no_is_access_denied(issuer: str, app: App) -> None:
    client = discovered(issuer, app)
    with pytest.raises(AuthorizationResponseError) as refused:
        came_back(client, client.authorization_request(scope=SCOPE), pushed=False, refuse=True)
    assert refused.value.error == "access_denied"


@pytest.mark.parametrize(
    ("name", "error"), [("iss", MismatchingIssuer), ("state", MismatchingState)]
)
def test_the_client_refuses_a_callback_that_was_changed(
    issuer: str, app: App, name: str, error: type[Exception]
) -> None:
    client = discovered(issuer, app)
    asked = client.authorization_request(scope=SCOPE)
    callback = approve_url(str(asked.uri), "anna")
    with pytest.raises(error):
        asked.validate_callback(callback.replace(f"{name}=", f"{name}=x"))
