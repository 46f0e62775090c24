"""npm @auth/core, which signs people in by OpenID Connect, does its flow unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from endorse.phone import approve_url
from tests.clients.conftest import _endorse
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.serving import App, Sandbox

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]

SCOPE = "openid accounts balances transactions offline_access"
CALLBACK = "http://127.0.0.1:3000/auth/callback/bank"


@pytest.fixture
def node() -> Iterator[NodeApp]:
    with running("auth_core") as app:
        yield app


@pytest.fixture(scope="module")
def site(sandbox: Sandbox, database: str) -> App:
    """A site that people sign in to, registered while the sandbox runs."""
    wanted = ("--redirect-uri", CALLBACK, "--scope", SCOPE)
    added = _endorse("client", "--database", database, "add", "Site", *wanted)
    return App(added["client_id"], added["client_secret"], CALLBACK)


def discover(node: NodeApp, issuer: str, site: App) -> None:
    node.do(
        "discover",
        issuer=issuer,
        client_id=site.client_id,
        client_secret=site.secret,
        redirect_uri=site.redirect_uri,
        scope=SCOPE,
    )


def test_a_person_is_signed_in(node: NodeApp, issuer: str, site: App) -> None:
    discover(node, issuer, site)
    callback = approve_url(node.do("authorize"), "anna")
    found = node.do("come_back", url=callback)
    assert found["signed_in"] is True
    assert found["tokens"]["id_token"]


def test_a_person_who_says_no_is_not(node: NodeApp, issuer: str, site: App) -> None:
    discover(node, issuer, site)
    callback = approve_url(node.do("authorize"), "anna", refuse=True)
    with pytest.raises(ClientError):
        node.do("come_back", url=callback)
