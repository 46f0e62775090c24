"""`endorse sandbox --approve-as`: a browser that only opens pages and clicks gets its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from endorse.core.metadata import CIBA
from endorse.core.policy import WIDE
from endorse.sandbox import SandboxBank
from endorse.server.run import open_desk
from endorse.server.settings import Settings
from endorse.server.stand_in import Started
from tests.flows.commands import endorse
from tests.flows.plain_browser import PlainBrowser
from tests.serving import Sandbox, sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("sandbox command")]


def authorize_url(facts: Sandbox) -> str:
    asked = {
        "response_type": "code",
        "client_id": facts.client_id,
        "redirect_uri": facts.redirect_uri,
        "state": "a state",
    }
    return str(httpx2.URL(facts.issuer + "/auth", params=asked))


@asynccontextmanager
async def window(facts: Sandbox) -> AsyncIterator[PlainBrowser]:
    browser = PlainBrowser(facts.issuer)
    try:
        yield browser
    finally:
        await browser.close()


async def connected(facts: Sandbox) -> dict[str, str]:
    """Click through a connection; give what the client got, and check that no script was there."""
    async with window(facts) as browser:
        assert await browser.open(authorize_url(facts)) is None
        assert await browser.press("/auth/start") is None
        back = await browser.leave()
        assert browser.scripts == 0
        assert not any("/events" in url for url in browser.visited)
    assert back.startswith(facts.redirect_uri + "?")
    return dict(httpx2.URL(back).params)


async def token(facts: Sandbox, **form: str) -> dict[str, Any]:
    """Call the token endpoint, or another of the client's own."""
    path = form.pop("path", "/token")
    async with httpx2.AsyncClient(trust_env=False) as http:
        secret = httpx2.BasicAuth(facts.client_id, facts.client_secret)
        answer = await http.post(facts.issuer + path, data=form, auth=secret)
    body: dict[str, Any] = answer.json()
    return body


async def iban_of(facts: Sandbox, code: str) -> str:
    """Redeem a code; give the first IBAN that its token shows."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": facts.redirect_uri}
    async with httpx2.AsyncClient(trust_env=False) as http:
        secret = httpx2.BasicAuth(facts.client_id, facts.client_secret)
        got = await http.post(facts.issuer + "/token", data=form, auth=secret)
        bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
        listed = await http.get(facts.issuer + "/v1/accounts", headers=bearer)
    iban: str = listed.json()["accounts"][0]["iban"]
    return iban


@pytest.mark.parametrize("ways", ["qr", "link", "near", "short_code near"])
async def test_a_request_is_approved_by_itself_whatever_way_it_takes(
    ways: str, tmp_path: Path
) -> None:
    options = [f"--way={way}" for way in ways.split()]
    with sandbox_process(tmp_path, "--approve-as=anna", *options) as sandbox:
        answer = await connected(sandbox.facts)
        assert (answer["state"], answer["iss"]) == ("a state", sandbox.facts.issuer)
        bank = SandboxBank("endorse", lambda: None)  # type: ignore[arg-type, return-value]
        ibans = {account.iban for account in await bank.accounts("anna")}
        assert await iban_of(sandbox.facts, answer["code"]) in ibans
        assert sandbox.errors.read_text() == ""


async def test_what_a_client_asks_on_the_phone_is_decided_by_itself_too(tmp_path: Path) -> None:
    with sandbox_process(tmp_path, "--approve-as=anna") as sandbox:
        facts = sandbox.facts
        code = (await connected(facts))["code"]
        uri = facts.redirect_uri
        got = await token(facts, grant_type="authorization_code", code=code, redirect_uri=uri)
        asked = await token(
            facts,
            path="/bc-authorize",
            scope="accounts",
            login_hint_token=got["login_hint_token"],
            binding_message="Desk 4",
        )
        form = {"grant_type": CIBA, "auth_req_id": asked["auth_req_id"]}
        said = await token(facts, **form)
        while said.get("error") in ("authorization_pending", "slow_down"):
            await asyncio.sleep(asked["interval"])  # as the client is told
            said = await token(facts, **form)
        assert said["scope"] == "accounts"
        assert sandbox.errors.read_text() == ""


async def test_requests_that_begin_together_are_all_approved(tmp_path: Path) -> None:
    with sandbox_process(tmp_path, "--approve-as=bram") as sandbox:
        answers = await asyncio.gather(*(connected(sandbox.facts) for _ in range(3)))
        assert len({answer["code"] for answer in answers}) == 3


async def test_the_named_client_is_refused_by_itself(tmp_path: Path) -> None:
    options = ("--approve-as=anna", "--refuse-client=budgetly")
    with sandbox_process(tmp_path, *options) as sandbox:
        answer = await connected(sandbox.facts)
        assert (answer["error"], answer["state"]) == ("access_denied", "a state")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--approve-as=nobody",), "--approve-as: there is no nobody. There are: anna"),
        (("--refuse-client=budgetly",), "--refuse-client needs --approve-as"),
    ],
    ids=["nobody", "whose phone"],
)
async def test_the_sandbox_says_what_is_wrong_with_the_options(
    options: tuple[str, ...], told: str
) -> None:
    done = await endorse("sandbox", "--port=0", "--app-port=0", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_real_bank_has_no_such_option_and_no_such_setting(tmp_path: Path) -> None:
    done = await endorse("serve", "--approve-as=anna")
    assert (done.returncode, "No such option" in done.stderr) == (2, True)
    done = await endorse("serve", settings={"ENDORSE_APPROVE_AS": "anna"})
    assert done.returncode == 1
    assert "ENDORSE_APPROVE_AS is not a setting" in done.stderr


async def test_a_desk_that_is_no_sandbox_takes_nobody_who_decides_for_people(
    tmp_path: Path,
) -> None:
    class Anybody:
        async def began(self, started: Started) -> None:
            raise AssertionError(started)

        async def asked(self, client_id: str, journey: str, person_id: str) -> None:
            raise AssertionError(journey)

    settings = Settings(
        issuer="http://localhost:1",
        database=f"sqlite:///{tmp_path / 'bank.sqlite3'}",
        secret=None,
        policy=WIDE,
        sandbox=False,
    )
    with pytest.raises(ValueError, match="in a sandbox only"):
        await open_desk(settings, SandboxBank("x", lambda: None), stand_in=Anybody())  # type: ignore[arg-type, return-value]
