"""npm openid-client, the certified client of Node, does the whole flow unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from endorse.phone import approve_url
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]

METHODS = ["client_secret_basic", "client_secret_post", "none"]
Discover = Callable[..., dict[str, Any]]


@pytest.fixture
def node() -> Iterator[NodeApp]:
    with running() as app:
        yield app


@pytest.fixture
def discover(node: NodeApp, issuer: str, app: App, public_app: App) -> Discover:
    """Discover the server, as an app that authenticates by this method."""

    def do(method: str = "client_secret_basic", **changed: str) -> dict[str, Any]:
        one = public_app if method == "none" else app
        registered = {
            "issuer": issuer,
            "client_id": one.client_id,
            "client_secret": one.secret,
            "redirect_uri": one.redirect_uri,
            "method": method,
            **changed,
        }
        metadata: dict[str, Any] = node.do("discover", **registered)
        return metadata

    return do


def connect(node: NodeApp, scope: str = SCOPE, person: str = "anna") -> dict[str, Any]:
    callback = approve_url(node.do("authorize", scope=scope), person)
    tokens: dict[str, Any] = node.do("come_back", url=callback)
    return tokens


def with_parameter(url: str, name: str, value: str) -> str:
    return str(httpx2.URL(url).copy_set_param(name, value))


def without_parameter(url: str, name: str) -> str:
    return str(httpx2.URL(url).copy_remove_param(name))


def test_it_discovers_the_server_by_rfc_8414(discover: Discover, issuer: str) -> None:
    metadata = discover()
    assert metadata["issuer"] == issuer
    assert metadata["authorization_response_iss_parameter_supported"] is True


@pytest.mark.parametrize("method", METHODS)
def test_it_connects_reads_accounts_refreshes_and_revokes(
    node: NodeApp, discover: Discover, method: str
) -> None:
    discover(method)
    tokens = connect(node)
    assert tokens["scope"] == SCOPE
    first = node.do("accounts")
    refreshed = node.do("refresh")
    assert refreshed["access_token"] != tokens["access_token"]
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert node.do("accounts") == first
    assert len(first["body"]["accounts"]) > 1
    node.do("revoke", kind="refresh_token")
    with pytest.raises(ClientError) as refused:
        node.do("accounts")
    assert refused.value.status == 401
    with pytest.raises(ClientError) as ended:
        node.do("refresh")
    assert (ended.value.status, ended.value.error) == (400, "invalid_grant")


@pytest.mark.parametrize("method", METHODS)
def test_a_replayed_code_is_refused_and_its_tokens_are_dead(
    node: NodeApp, discover: Discover, method: str
) -> None:
    discover(method)
    connect(node)
    with pytest.raises(ClientError) as refused:
        node.do("replay")
    assert (refused.value.status, refused.value.error) == (400, "invalid_grant")
    with pytest.raises(ClientError) as dead:
        node.do("accounts")
    assert dead.value.status == 401


@pytest.mark.parametrize("iss", ["http://bank.example", ""])
def test_the_client_refuses_a_callback_with_a_forged_iss_and_sends_no_code(
    node: NodeApp, discover: Discover, iss: str
) -> None:
    discover()
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna")
    with pytest.raises(ClientError, match='"iss"') as refused:
        node.do("come_back", url=with_parameter(callback, "iss", iss))
    assert refused.value.code == "OAUTH_INVALID_RESPONSE"
    assert node.do("come_back", url=callback)["access_token"]


def test_the_client_refuses_a_callback_without_iss(node: NodeApp, discover: Discover) -> None:
    discover()
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna")
    with pytest.raises(ClientError, match='"iss"') as refused:
        node.do("come_back", url=without_parameter(callback, "iss"))
    assert refused.value.code == "OAUTH_INVALID_RESPONSE"


def test_the_client_refuses_a_callback_with_another_state(
    node: NodeApp, discover: Discover
) -> None:
    discover()
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna")
    with pytest.raises(ClientError, match='"state"') as refused:
        node.do("come_back", url=with_parameter(callback, "state", "another"))
    assert refused.value.code == "OAUTH_INVALID_RESPONSE"


def test_a_person_who_says_no_is_access_denied(node: NodeApp, discover: Discover) -> None:
    discover()
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna", refuse=True)
    with pytest.raises(ClientError) as refused:
        node.do("come_back", url=callback)
    assert refused.value.name == "AuthorizationResponseError"
    assert refused.value.error == "access_denied"


def test_an_unknown_scope_comes_back_as_invalid_scope(node: NodeApp, discover: Discover) -> None:
    discover()
    callback = approve_url(node.do("authorize", scope="accounts payments"))
    with pytest.raises(ClientError) as refused:
        node.do("come_back", url=callback)
    assert refused.value.error == "invalid_scope"


def test_a_person_may_share_one_account_only(
    node: NodeApp, discover: Discover, annas_accounts: list[dict[str, Any]]
) -> None:
    discover()
    iban = annas_accounts[0]["iban"]
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna", [iban])
    assert node.do("come_back", url=callback)["scope"] == SCOPE
    assert {one["iban"] for one in node.do("accounts")["body"]["accounts"]} == {iban}


def test_without_offline_access_there_is_no_refresh_token(
    node: NodeApp, discover: Discover
) -> None:
    discover()
    tokens = connect(node, scope="accounts")
    assert tokens["scope"] == "accounts"
    assert "refresh_token" not in tokens
    node.do("revoke", kind="access_token")
    with pytest.raises(ClientError) as refused:
        node.do("accounts")
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("method", "status", "error"),
    [("client_secret_basic", 401, None), ("client_secret_post", 400, "invalid_client")],
)
def test_a_wrong_secret_is_refused_as_the_client_can_read_it(
    node: NodeApp, discover: Discover, method: str, status: int, error: str | None
) -> None:
    discover(method, client_secret="wrong")
    with pytest.raises(ClientError) as refused:
        connect(node)
    assert (refused.value.status, refused.value.error) == (status, error)


def test_the_authorization_url_carries_state_and_pkce(node: NodeApp, discover: Discover) -> None:
    discover("none")
    query = parse_qs(urlsplit(node.do("authorize", scope=SCOPE)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["state"]
