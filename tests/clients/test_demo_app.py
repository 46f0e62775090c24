"""The demo's third-party app, as it runs beside the sandbox, seen from a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from endorse.phone import Phone, approve_url_async, open_client, sandbox_code
from endorse.sandbox.budgetly import create_app
from tests.clients.tab import Tab
from tests.serving import App, Sandbox

pytestmark = [pytest.mark.clients, pytest.mark.anyio]

CONNECT = "Connect your bank"


class Tap(httpx2.AsyncHTTPTransport):
    """A network that keeps the tokens it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await super().handle_async_request(request)
        if request.url.path == "/token":
            await answer.aread()
            self.tokens.append(answer.json())
        return answer


@pytest.fixture
async def tab(sandbox: Sandbox) -> AsyncIterator[Tab]:
    """A new visitor's tab, at the app's first page."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        tab = Tab(http, sandbox.app)
        await tab.open("/")
        yield tab


@pytest.fixture
async def phone(issuer: str) -> AsyncIterator[Phone]:
    """The phone of a person who has no connection yet."""
    async with open_client(issuer) as http:
        phone = Phone(issuer, http)
        await phone.enrol(await sandbox_code(issuer, http))
        yield phone


def to_bank(tab: Tab, issuer: str) -> str:
    """The authorization URL that the tab was sent to."""
    assert tab.left is not None
    assert tab.left.startswith(f"{issuer}/auth?")
    return tab.left


async def connect(tab: Tab, issuer: str, phone: Phone) -> None:
    await tab.press(CONNECT)
    await tab.open(await approve_url_async(to_bank(tab, issuer), phone=phone))


async def test_a_visitor_connects_the_bank_and_sees_accounts_with_balances(
    tab: Tab,
    issuer: str,
    annas_accounts: list[dict[str, Any]],
    annas_balances: list[dict[str, str]],
) -> None:
    await tab.press(CONNECT)
    await tab.open(await approve_url_async(to_bank(tab, issuer), "anna"))
    assert tab.status == 200
    assert len(annas_accounts) == len(annas_balances) > 1
    for account in annas_accounts:
        assert account["name"] in tab.text
        assert f"Ends in {account['iban'][-4:]}" in tab.text
    for balance in annas_balances:
        assert f"{abs(Decimal(balance['amount'])):,.2f}" in tab.text


async def test_a_visitor_who_comes_back_later_is_still_connected(
    tab: Tab, issuer: str, phone: Phone
) -> None:
    await connect(tab, issuer, phone)
    seen = tab.text
    await tab.open("/")
    assert tab.text == seen


async def test_the_app_shows_only_the_account_that_was_shared(
    tab: Tab, issuer: str, annas_accounts: list[dict[str, Any]]
) -> None:
    shared, *others = annas_accounts
    await tab.press(CONNECT)
    await tab.open(await approve_url_async(to_bank(tab, issuer), "anna", [shared["iban"]]))
    assert tab.status == 200
    assert shared["iban"][-4:] in tab.text
    hidden = [one for one in others if one["iban"] != shared["iban"]]
    assert hidden
    for account in hidden:
        assert f"Ends in {account['iban'][-4:]}" not in tab.text


async def test_disconnecting_ends_the_connection_on_the_phone_too(
    tab: Tab, issuer: str, phone: Phone
) -> None:
    await connect(tab, issuer, phone)
    (before,) = await phone.connections()
    assert before.ended_at is None
    await tab.press("Disconnect")
    assert "Disconnected" in tab.text
    (after,) = await phone.connections()
    assert after.ended_at is not None
    await tab.open("/accounts")
    assert CONNECT in tab.text


async def test_after_disconnecting_the_apps_tokens_are_dead(
    issuer: str, app: App, phone: Phone
) -> None:
    tap = Tap()
    budgetly = create_app(
        issuer, app.client_id, app.secret, app.redirect_uri, "session", transport=tap
    )
    async with (
        httpx2.AsyncClient(transport=httpx2.ASGITransport(budgetly)) as visitor,
        httpx2.AsyncClient(base_url=issuer, trust_env=False) as http,
    ):
        tab = Tab(visitor, app.redirect_uri.removesuffix("/callback"))
        await tab.open("/")
        await connect(tab, issuer, phone)
        (tokens,) = tap.tokens
        access = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await http.get("/v1/accounts", headers=access)).status_code == 200
        await tab.press("Disconnect")
        assert (await http.get("/v1/accounts", headers=access)).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        refused = await http.post("/token", data=form, auth=app.basic)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_connection_that_the_person_ends_on_the_phone_ends_in_the_app(
    tab: Tab, issuer: str, phone: Phone
) -> None:
    await connect(tab, issuer, phone)
    (connection,) = await phone.connections()
    await phone.end(connection.grant_id)
    await tab.open("/accounts")
    assert "Your bank has ended the connection" in tab.text
    assert CONNECT in tab.text


async def test_connecting_again_ends_the_connection_before(
    tab: Tab, issuer: str, phone: Phone
) -> None:
    other = Tab(tab.http, tab.site)
    await other.open("/")
    await connect(tab, issuer, phone)
    await connect(other, issuer, phone)
    assert other.status == 200
    ended = [one.ended_at is not None for one in await phone.connections()]
    assert sorted(ended) == [False, True]


async def test_a_person_who_says_no_comes_back_to_a_kind_word(
    tab: Tab, issuer: str, phone: Phone
) -> None:
    await tab.press(CONNECT)
    url = to_bank(tab, issuer)
    await tab.open(await approve_url_async(url, refuse=True, phone=phone))
    assert tab.status == 200
    assert "You did not connect your bank. Nothing was shared." in tab.text
    assert CONNECT in tab.text
    assert await phone.connections() == ()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("state", "another", "This is not the window where you began"),
        ("state", None, "We did not ask for this"),
        ("iss", "http://bank.example", "This answer is not from your bank"),
        ("iss", None, "This answer is not from your bank"),
    ],
)
async def test_a_forged_callback_is_refused_with_an_explanation_and_spends_no_code(
    tab: Tab, issuer: str, phone: Phone, name: str, value: str | None, words: str
) -> None:
    await tab.press(CONNECT)
    good = httpx2.URL(await approve_url_async(to_bank(tab, issuer), phone=phone))
    forged = good.copy_remove_param(name) if value is None else good.copy_set_param(name, value)
    await tab.open(str(forged))
    assert tab.status == 400
    assert words in tab.text
    assert await phone.connections() == ()
    await tab.open(str(good))
    assert tab.status == 200
    assert len(await phone.connections()) == 1


async def test_a_callback_of_another_visitor_is_refused(
    tab: Tab, issuer: str, phone: Phone, sandbox: Sandbox
) -> None:
    await tab.press(CONNECT)
    callback = await approve_url_async(to_bank(tab, issuer), phone=phone)
    async with httpx2.AsyncClient(trust_env=False) as http:
        victim = Tab(http, sandbox.app)
        await victim.open(callback)
    assert victim.status == 400
    assert await phone.connections() == ()
