"""npm simple-oauth2, arctic and passport-oauth2 do their flows unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from endorse.phone import approve_url
from tests.clients import plain
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.clients.plain import SCOPE
from tests.serving import App

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]

LIBRARIES = ["simple_oauth2", "arctic", "passport_oauth2"]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def node(library: str) -> Iterator[NodeApp]:
    with running(library) as app:
        yield app


def discover(node: NodeApp, issuer: str, app: App, method: str = "client_secret_basic") -> None:
    node.do(
        "discover",
        issuer=issuer,
        client_id=app.client_id,
        client_secret=app.secret,
        redirect_uri=app.redirect_uri,
        method=method,
    )


def opens(http: httpx2.Client, issuer: str, token: str) -> bool:
    return plain.get(http, issuer, "/v1/accounts", token).status_code == 200


def test_it_connects_and_its_token_opens_the_api(
    node: NodeApp, issuer: str, app: App, http: httpx2.Client
) -> None:
    discover(node, issuer, app)
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna")
    tokens = node.do("come_back", url=callback)
    assert tokens["token_type"] == "Bearer"
    assert opens(http, issuer, tokens["access_token"])


def test_a_person_who_says_no_is_an_error_of_the_client(
    node: NodeApp, issuer: str, app: App
) -> None:
    discover(node, issuer, app)
    callback = approve_url(node.do("authorize", scope=SCOPE), "anna", refuse=True)
    with pytest.raises(ClientError):
        node.do("come_back", url=callback)


@pytest.mark.parametrize("library", ["simple_oauth2", "arctic"], indirect=True)
def test_it_refreshes_and_revokes(
    node: NodeApp, issuer: str, app: App, http: httpx2.Client
) -> None:
    discover(node, issuer, app)
    tokens = node.do("come_back", url=approve_url(node.do("authorize", scope=SCOPE), "anna"))
    refreshed = node.do("refresh")
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert opens(http, issuer, refreshed["access_token"])
    node.do("revoke", kind="refresh_token")
    assert not opens(http, issuer, refreshed["access_token"])
    with pytest.raises(ClientError):
        node.do("refresh")


@pytest.mark.parametrize("library", ["arctic"], indirect=True)
def test_a_public_app_connects(
    node: NodeApp, issuer: str, public_app: App, http: httpx2.Client
) -> None:
    discover(node, issuer, public_app)
    tokens = node.do("come_back", url=approve_url(node.do("authorize", scope=SCOPE), "anna"))
    assert opens(http, issuer, tokens["access_token"])


@pytest.mark.parametrize("library", ["simple_oauth2"], indirect=True)
def test_its_credentials_may_be_in_the_form(node: NodeApp, issuer: str, app: App) -> None:
    discover(node, issuer, app, "client_secret_post")
    assert node.do("come_back", url=approve_url(node.do("authorize", scope=SCOPE), "anna"))
