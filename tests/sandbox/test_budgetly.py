import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from endorse.sandbox.budgetly import create_app
from tests.sandbox.fake_issuer import APP, CALLBACK, CLIENT, ISSUER, FakeIssuer

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
FORM = {"Origin": APP}


def budgetly(bank: FakeIssuer) -> Starlette:
    return create_app(
        ISSUER,
        *CLIENT,
        CALLBACK,
        "session-secret",
        clock=lambda: NOW,
        transport=bank.transport(),
    )


def visitor(app: Starlette) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=APP)


@asynccontextmanager
async def browser(bank: FakeIssuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with visitor(budgetly(bank)) as client:
        yield client


async def begin(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/connect", headers=FORM)
    assert answer.status_code == 303
    return answer.headers["location"]


async def connect(client: httpx2.AsyncClient, bank: FakeIssuer) -> None:
    answer = await client.get(bank.approve(await begin(client)))
    assert (answer.status_code, answer.headers.get("location")) == (303, "/accounts")


def session_of(client: httpx2.AsyncClient) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(client.cookies["budgetly"].split(".")[0]))
    return content


async def test_the_home_page_offers_to_connect() -> None:
    async with browser(FakeIssuer()) as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert '<form method="post" action="/connect">' in page.text
    assert "Connect your bank" in page.text


async def test_connecting_sends_the_browser_to_the_bank_with_state_and_pkce() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        first, second = bank.asked(await begin(client)), bank.asked(await begin(client))
    assert first["response_type"] == "code"
    assert first["client_id"] == CLIENT[0]
    assert first["redirect_uri"] == CALLBACK
    assert first["scope"] == "accounts balances transactions offline_access"
    assert first["code_challenge_method"] == "S256"
    assert len(first["code_challenge"]) == 43
    assert len(first["state"]) >= 22
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


async def test_a_visitor_who_approved_sees_accounts_balances_and_payments() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        page = await client.get("/accounts")
        home = await client.get("/")
    assert page.status_code == 200
    assert "€1,234.50" in page.text
    assert "\N{MINUS SIGN}20.00 SEK" in page.text
    assert "Ends in 0001" in page.text
    assert "20 Nov" in page.text
    assert page.text.index("Station Espresso") < page.text.index("Greenleaf Market")
    assert "Pending" in page.text
    assert "€2,100.00" in page.text
    assert "&lt;b&gt;Cottage" in page.text
    assert home.headers["location"] == "/accounts"


async def test_no_token_is_in_the_cookie_nor_on_a_page() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        page = await client.get("/accounts")
        session = session_of(client)
    assert set(session) == {"visitor"}
    for token in bank.access | bank.refresh:
        assert token not in page.text
        assert token not in json.dumps(session)


async def test_the_cookie_is_for_this_site_alone_and_hidden_from_scripts() -> None:
    async with browser(FakeIssuer()) as client:
        cookie = (await client.post("/connect", headers=FORM)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain=" not in cookie


async def test_over_https_the_cookie_is_secure() -> None:
    bank = FakeIssuer()
    app = create_app(
        ISSUER, *CLIENT, "https://budget.example/callback", "secret", transport=bank.transport()
    )
    here = "https://budget.example"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=here) as client:
        answer = await client.post("/connect", headers={"Origin": here})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("state", ["wrong", "", None])
async def test_a_mismatch_of_state_is_refused_and_explained(state: str | None) -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.approve(await begin(client), state=state))
        assert (await client.get("/accounts")).status_code == 303
    assert answer.status_code == 400
    assert "mark" in answer.text
    assert "/token" not in bank.calls


async def test_the_answer_for_one_browser_is_worth_nothing_in_another() -> None:
    bank = FakeIssuer()
    app = budgetly(bank)
    async with visitor(app) as mine, visitor(app) as other:
        answer = await other.get(bank.approve(await begin(mine)))
    assert answer.status_code == 400
    assert "This is not the window where you began" in answer.text
    assert "/token" not in bank.calls


async def test_an_answer_counts_once() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        callback = bank.approve(await begin(client))
        assert (await client.get(callback)).status_code == 303
        assert (await client.get(callback)).status_code == 400
        assert (await client.get("/accounts")).status_code == 200
    assert bank.calls.count("/token") == 1


@pytest.mark.parametrize("iss", ["http://evil.example", "http://localhost:8000/", "", None])
async def test_an_answer_of_another_issuer_is_refused(iss: str | None) -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.approve(await begin(client), iss=iss))
    assert answer.status_code == 400
    assert "This answer is not from your bank" in answer.text
    assert "/token" not in bank.calls


async def test_an_issuer_that_never_sends_iss_may_leave_it_out_but_not_lie() -> None:
    bank = FakeIssuer(metadata={"authorization_response_iss_parameter_supported": False})
    async with browser(bank) as client:
        lie = bank.approve(await begin(client), iss="http://evil.example")
        assert (await client.get(lie)).status_code == 400
        answer = await client.get(bank.approve(await begin(client), iss=None))
    assert answer.headers["location"] == "/accounts"


async def test_a_parameter_that_comes_twice_is_refused() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.approve(await begin(client)) + "&code=other")
    assert answer.status_code == 400
    assert "/token" not in bank.calls


async def test_someone_who_said_no_is_told_that_nothing_was_shared() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.refuse(await begin(client)))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "Nothing was shared" in (await client.get("/")).text
        assert "Nothing was shared" not in (await client.get("/")).text


async def test_a_refusal_counts_once() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        callback = bank.refuse(await begin(client))
        assert (await client.get(callback)).status_code == 303
        assert (await client.get(callback)).status_code == 400


async def test_a_refusal_with_a_wrong_state_is_not_believed() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.refuse(await begin(client), state="wrong"))
    assert answer.status_code == 400


async def test_another_error_names_its_code_for_developers() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.refuse(await begin(client), error="server_error"))
        assert answer.status_code == 400
        assert "<code>server_error</code>" in answer.text
        strange = await client.get(bank.refuse(await begin(client), error="<script>\x00"))
    assert "script" not in strange.text


async def test_an_answer_without_a_code_is_refused() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.approve(await begin(client), code=None))
    assert answer.status_code == 400


async def test_a_code_that_the_bank_refuses_is_explained() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        answer = await client.get(bank.approve(await begin(client), code="stolen"))
    assert answer.status_code == 400
    assert "<code>invalid_grant</code>" in answer.text


async def test_a_token_that_has_run_out_is_refreshed_once_for_all_calls() -> None:
    bank = FakeIssuer(lives=1)
    async with browser(bank) as client:
        await connect(client, bank)
        bank.lives, bank.together = 300, 5
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.get, "/accounts")
    assert bank.calls.count("/token") == 2
    assert bank.calls.count("/v1/accounts") == 5


async def test_a_token_refused_before_its_time_is_refreshed_once_for_all_calls() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        bank.access.clear()
        bank.together = 5
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.get, "/accounts")
        assert bank.calls.count("/token") == 2
        assert (await client.get("/accounts")).status_code == 200


@pytest.mark.parametrize("lives", [1, 300])
async def test_a_connection_that_the_bank_ended_is_forgotten_with_a_word(lives: int) -> None:
    bank = FakeIssuer(lives=lives)
    async with browser(bank) as client:
        await connect(client, bank)
        bank.access.clear()
        bank.refresh.clear()
        answer = await client.get("/accounts")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "Your bank has ended the connection" in (await client.get("/")).text


async def test_without_offline_access_the_end_of_the_token_is_the_end() -> None:
    bank = FakeIssuer(gives_refresh=False)
    async with browser(bank) as client:
        await connect(client, bank)
        assert (await client.get("/accounts")).status_code == 200
        bank.access.clear()
        assert (await client.get("/accounts")).headers["location"] == "/"
    assert bank.calls.count("/token") == 1


async def test_disconnecting_revokes_at_the_bank_and_forgets() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        answer = await client.post("/disconnect", headers=FORM)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "can no longer see your accounts" in (await client.get("/")).text
        assert (await client.get("/accounts")).headers["location"] == "/"
    assert bank.revoked == ["refresh_token"]
    assert not bank.refresh


async def test_disconnecting_while_the_bank_is_away_says_what_is_left_to_do() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        bank.away = True
        await client.post("/disconnect", headers=FORM)
        assert "End the connection in your bank" in (await client.get("/")).text.replace("\n", " ")


async def test_connecting_again_ends_the_older_connection() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        before = session_of(client)["visitor"]
        await connect(client, bank)
        assert session_of(client)["visitor"] != before
    assert bank.revoked == ["refresh_token"]
    assert len(bank.refresh) == 1


async def test_what_was_not_shared_is_said() -> None:
    bank = FakeIssuer(unshared=True)
    async with browser(bank) as client:
        await connect(client, bank)
        page = await client.get("/accounts")
    assert page.status_code == 200
    assert "Not shared" in page.text
    assert "You did not share payments" in page.text
    assert "You shared no balances" in page.text


async def test_a_bank_that_is_away_is_not_the_visitors_fault() -> None:
    bank = FakeIssuer(away=True)
    async with browser(bank) as client:
        answer = await client.post("/connect", headers=FORM)
        assert answer.status_code == 502
        assert "Your bank does not answer" in answer.text
        bank.away = False
        await connect(client, bank)
        bank.away = True
        assert (await client.get("/accounts")).status_code == 502
        bank.away = False
        assert (await client.get("/accounts")).status_code == 200


async def test_metadata_of_another_issuer_is_not_used() -> None:
    bank = FakeIssuer(metadata={"issuer": "http://evil.example"})
    async with browser(bank) as client:
        answer = await client.post("/connect", headers=FORM)
    assert answer.status_code == 400
    assert "This answer is not from your bank" in answer.text


@pytest.mark.parametrize("path", ["/connect", "/disconnect"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://localhost:8000"},
        {"Origin": f"{APP}.evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_a_form_of_another_site_is_refused(path: str, headers: dict[str, str]) -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        calls = len(bank.calls)
        assert (await client.post(path, headers=headers)).status_code == 403
        assert (await client.get("/accounts")).status_code == 200
    assert not bank.revoked
    assert set(bank.calls[calls:]) <= {call for call in bank.calls if call.startswith("/v1/")}


async def test_a_link_cannot_disconnect() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        await connect(client, bank)
        assert (await client.get("/disconnect")).status_code == 405
        assert (await client.get("/connect")).status_code == 405


async def test_another_name_of_this_machine_leads_to_ours() -> None:
    async with browser(FakeIssuer()) as client:
        other = {"Host": "localhost:8001"}
        answer = await client.get("/callback?code=a%20b&state=c", headers=other)
        posted = await client.post("/connect", headers={**other, **FORM})
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{APP}/callback?code=a%20b&state=c"
    assert posted.status_code == 421


async def test_every_answer_has_the_strict_headers() -> None:
    async with browser(FakeIssuer()) as client:
        answers = [
            await client.get(path) for path in ("/", "/static/budgetly.css", "/none", "/callback")
        ]
        answers.append(await client.post("/connect"))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert f"form-action 'self' {ISSUER}" in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_pages_have_no_inline_style_or_script() -> None:
    bank = FakeIssuer()
    async with browser(bank) as client:
        pages = [(await client.get("/")).text, (await client.get("/callback?state=x")).text]
        await connect(client, bank)
        pages.append((await client.get("/accounts")).text)
    for page in pages:
        assert "<script" not in page
        assert "style=" not in page


async def test_too_many_connections_drop_the_one_unused_longest() -> None:
    from endorse.sandbox.budgetly.memory import Connections  # noqa: PLC0415

    closed: list[str] = []

    class Kept:
        def __init__(self, name: str) -> None:
            self.name = name

        async def close(self) -> None:
            closed.append(self.name)

    connections: Any = Connections(limit=2)
    for name in ("a", "b"):
        await connections.keep(name, Kept(name))
    assert connections.get("a")
    await connections.keep("c", Kept("c"))
    assert closed == ["b"]
    assert connections.get("b") is None
    await connections.close()
    assert sorted(closed) == ["a", "b", "c"]


def test_starting_the_sandbox_and_its_app_imports_no_http_client() -> None:
    code = (
        "import sys; import endorse.cli.sandbox; from endorse.sandbox.budgetly import create_app;"
        "create_app('http://localhost:8000', 'c', 's', 'http://127.0.0.1:8001/callback', 'x');"
        "print({'authlib', 'httpx2', 'httpx2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
