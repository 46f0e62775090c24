"""Real clients ask a person on their phone, without a browser: CIBA by polling."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from endorse.phone import Phone, approve_url, decide_asked, sandbox_code
from tests.clients.conftest import KeyedApp, Register
from tests.clients.node.driver import ClientError, NodeApp, running
from tests.clients.plain import SCOPE
from tests.clients.test_requests_oauth2client import accounts, came_back, discovered

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("node_modules")]

CIBA = "urn:openid:params:grant-type:ciba"
MESSAGE = "Desk 4, order 1207"


@pytest.fixture
def asker(register: Register) -> KeyedApp:
    """An app that may ask on phones."""
    kinds = ("authorization_code", "refresh_token", CIBA)
    return register(*(word for kind in kinds for word in ("--grant-type", kind)))


def decided(issuer: str, refuse: bool = False) -> None:
    """Decide on one of Anna's phones what is asked of her."""

    async def do() -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            phone = Phone(issuer, http)
            await phone.enrol(await sandbox_code(issuer, http, "anna"))
            [asked] = await phone.asked()
            assert asked.binding_message == MESSAGE
            await decide_asked(phone, asked.journey, refuse=refuse)

    asyncio.run(do())


@pytest.fixture(params=["oauth4webapi", "openid_client"])
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def node(library: str) -> Iterator[NodeApp]:
    with running(library) as app:
        yield app


def known(node: NodeApp, issuer: str, app: KeyedApp) -> dict[str, str]:
    """Connect Anna in a browser once; what the app needs to ask her later."""
    node.do(
        "discover",
        issuer=issuer,
        client_id=app.client_id,
        redirect_uri=app.redirect_uri,
        jwk=app.jwk,
        method="private_key_jwt",
    )
    url = node.do("authorize", scope=SCOPE)
    hint = node.do("come_back", url=approve_url(url, "anna"))["login_hint_token"]
    return {"scope": "accounts balances", "login_hint_token": hint, "binding_message": MESSAGE}


def test_a_person_is_asked_and_approves(node: NodeApp, issuer: str, asker: KeyedApp) -> None:
    asked = node.do("backchannel", parameters=known(node, issuer, asker))
    assert asked["interval"] == 5
    decided(issuer)
    assert node.do("poll", auth_req_id=asked["auth_req_id"])["access_token"]
    assert node.do("accounts")["status"] == 200


@pytest.mark.parametrize("library", ["oauth4webapi"], indirect=True)
def test_a_person_who_has_not_decided_is_pending_and_one_who_says_no_is_denied(
    node: NodeApp, issuer: str, asker: KeyedApp
) -> None:
    asked = node.do("backchannel", parameters=known(node, issuer, asker))
    with pytest.raises(ClientError) as waiting:
        node.do("poll", auth_req_id=asked["auth_req_id"])
    assert waiting.value.error == "authorization_pending"
    decided(issuer, refuse=True)
    with pytest.raises(ClientError) as refused:
        node.do("poll", auth_req_id=asked["auth_req_id"])
    assert refused.value.error in ("access_denied", "slow_down")


def test_requests_oauth2client_asks_and_polls(issuer: str, asker: KeyedApp) -> None:
    # This client does not read the endpoint from the metadata.
    client = discovered(issuer, asker, backchannel_authentication_endpoint=f"{issuer}/bc-authorize")
    before: Any = client.authorization_code(
        came_back(client, client.authorization_request(scope=SCOPE), pushed=True)
    )
    asked = client.backchannel_authentication_request(
        scope="accounts balances",
        login_hint_token=before.login_hint_token,
        binding_message=MESSAGE,
    )
    decided(issuer)
    assert accounts(issuer, client.ciba(asked)) == 200
