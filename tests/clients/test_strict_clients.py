"""npm oauth4webapi and openid-client with all that they can do, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from endorse.phone import approve_url
from tests.clients.conftest import KeyedApp, Register
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.clients.plain import SCOPE

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]


@pytest.fixture(params=["oauth4webapi", "openid_client"])
def node(request: pytest.FixtureRequest) -> Iterator[NodeApp]:
    with running(request.param) as app:
        yield app


def discover(node: NodeApp, issuer: str, app: KeyedApp, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = node.do(
        "discover",
        issuer=issuer,
        client_id=app.client_id,
        redirect_uri=app.redirect_uri,
        jwk=app.jwk,
        method="private_key_jwt",
        **more,
    )
    return found


def connect(node: NodeApp, scope: str = SCOPE, **more: Any) -> dict[str, Any]:
    url = node.do("authorize", scope=scope, more=more)
    assert set(parse_qs(urlsplit(url).query)) == {"client_id", "request_uri"}
    tokens: dict[str, Any] = node.do("come_back", url=approve_url(url, "anna"))
    return tokens


@pytest.mark.parametrize("signs_requests", [False, True])
def test_it_pushes_its_request_and_shows_itself_by_a_key(
    node: NodeApp, issuer: str, register: Register, signs_requests: bool
) -> None:
    discover(node, issuer, register(), signs_requests=signs_requests)
    tokens = connect(node)
    assert tokens["token_type"] == "bearer"
    assert node.do("accounts")["status"] == 200
    refreshed = node.do("refresh")
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    node.do("revoke", kind="refresh_token")
    with pytest.raises(ClientError) as ended:
        node.do("refresh")
    assert ended.value.error == "invalid_grant"


def test_a_strict_app_proves_each_token_and_keeps_its_refresh_token(
    node: NodeApp, issuer: str, register: Register
) -> None:
    discover(node, issuer, register("--profile", "fapi2"), dpop=True)
    tokens = connect(node)
    assert tokens["token_type"] == "dpop"
    first = node.do("accounts")
    assert first["status"] == 200
    refreshed = node.do("refresh")
    assert refreshed["access_token"] != tokens["access_token"]
    assert refreshed["refresh_token"] == tokens["refresh_token"]
    assert node.do("accounts") == first
    told = node.do("introspect")
    assert told["active"] is True
    assert told["cnf"]["jkt"]
    node.do("revoke", kind="refresh_token")
    assert node.do("introspect") == {"active": False}


def test_its_requests_answers_and_introspection_are_signed(
    node: NodeApp, issuer: str, register: Register
) -> None:
    app = register("--profile", "fapi2", "--message-signing", "ES256")
    registered = {
        "authorization_signed_response_alg": "ES256",
        "introspection_signed_response_alg": "ES256",
    }
    discover(node, issuer, app, dpop=True, signs_requests=True, jarm=True, client=registered)
    assert connect(node, response_mode="jwt")["access_token"]
    assert node.do("introspect", signed=True)["active"] is True


def test_a_pushed_request_that_is_refused_tells_why(
    node: NodeApp, issuer: str, register: Register
) -> None:
    discover(node, issuer, register())
    with pytest.raises(ClientError) as refused:
        node.do("authorize", scope="everything")
    assert (refused.value.status, refused.value.error) == (400, "invalid_scope")


def test_a_client_with_another_key_is_refused(
    node: NodeApp, issuer: str, register: Register
) -> None:
    app, other = register(), register("--profile", "fapi2")
    discover(node, issuer, KeyedApp(app.client_id, app.redirect_uri, other.key))
    with pytest.raises(ClientError) as refused:
        node.do("authorize", scope=SCOPE)
    assert refused.value.error == "invalid_client"
