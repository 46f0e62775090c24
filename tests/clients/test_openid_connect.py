"""Clients of OpenID Connect learn who approved, unchanged: npm openid-client and @auth/core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from endorse.phone import approve_url
from tests.clients.conftest import Register, RegisterPlain
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.serving import App

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]

SCOPE = "openid profile accounts offline_access"
AUTH_CORE = "http://127.0.0.1:3000/auth/callback/bank"


@pytest.fixture
def node() -> Iterator[NodeApp]:
    with running("openid_client") as app:
        yield app


@pytest.fixture
def auth_core() -> Iterator[NodeApp]:
    with running("auth_core") as app:
        yield app


@pytest.fixture
def app(register_plain: RegisterPlain) -> App:
    """An app that may ask who the person is."""
    return register_plain("http://127.0.0.1:3000/callback", "--scope", SCOPE)


def discover(node: NodeApp, issuer: str, app: App, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = node.do(
        "discover",
        issuer=issuer,
        client_id=app.client_id,
        client_secret=app.secret,
        redirect_uri=app.redirect_uri,
        method="client_secret_basic",
        **more,
    )
    return found


def connect(node: NodeApp, person: str = "anna", scope: str = SCOPE, **more: str) -> Any:
    url = node.do("authorize", scope=scope, more=more)
    return node.do("come_back", url=approve_url(url, person))


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_openid_client_finds_the_server_and_believes_its_id_token(
    node: NodeApp, issuer: str, app: App, algorithm: str
) -> None:
    metadata = discover(node, issuer, app, algorithm=algorithm)
    assert metadata["userinfo_endpoint"] == issuer + "/userinfo"
    connect(node, max_age="600")
    who = node.do("who")
    assert who["told"] == {"sub": who["claims"]["sub"], "name": "Anna de Vries"}
    assert who["claims"]["aud"] == app.client_id


def test_openid_client_believes_the_id_token_of_a_refresh(
    node: NodeApp, issuer: str, app: App
) -> None:
    discover(node, issuer, app, algorithm="oidc")
    connect(node)
    first = node.do("who")["claims"]
    node.do("refresh")
    second = node.do("who")["claims"]
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_openid_client_refuses_an_id_token_with_the_nonce_of_another_request(
    node: NodeApp, issuer: str, app: App
) -> None:
    discover(node, issuer, app, algorithm="oidc")
    with pytest.raises(ClientError, match="nonce"):
        connect(node, nonce="of another request")


def test_openid_client_learns_it_with_a_key_and_bound_tokens(
    node: NodeApp, issuer: str, register: Register
) -> None:
    strict = register("--profile", "fapi2", "--scope", SCOPE)
    node.do(
        "discover",
        issuer=issuer,
        client_id=strict.client_id,
        redirect_uri=strict.redirect_uri,
        jwk=strict.jwk,
        method="private_key_jwt",
        algorithm="oidc",
        dpop=True,
        client={"id_token_signed_response_alg": "PS256"},
    )
    connect(node)
    who = node.do("who")
    assert who["told"] == {"sub": who["claims"]["sub"], "name": "Anna de Vries"}


@pytest.mark.parametrize("from_id_token", [True, False])
def test_auth_core_signs_a_person_in(
    auth_core: NodeApp, issuer: str, register_plain: RegisterPlain, from_id_token: bool
) -> None:
    app = register_plain(AUTH_CORE, "--scope", SCOPE)
    discover(auth_core, issuer, app, scope=SCOPE, id_token=from_id_token)
    url = auth_core.do("authorize")
    asked = httpx2.URL(url).params
    assert asked["nonce"]
    came = auth_core.do("come_back", url=approve_url(url, "anna"))
    assert came["signed_in"]
    assert came["tokens"]["id_token"]
    assert came["tokens"]["providerAccountId"] == came["who"]["sub"]
    assert ("name" in came["who"]) == (not from_id_token)


def test_auth_core_hears_that_a_person_said_no(
    auth_core: NodeApp, issuer: str, register_plain: RegisterPlain
) -> None:
    discover(auth_core, issuer, register_plain(AUTH_CORE, "--scope", SCOPE), scope=SCOPE)
    callback = approve_url(auth_core.do("authorize"), "anna", refuse=True)
    with pytest.raises(ClientError):
        auth_core.do("come_back", url=callback)
