"""How `endorse sandbox` starts, keeps its data and ends."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx2
import msgspec
import pytest

from endorse.phone import approve_url_async
from tests.flows.commands import BehindProxy, free_port
from tests.flows.play import quiet_client
from tests.serving import Sandbox, SandboxProcess, sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("sandbox command")]

MEMBERS = ("issuer", "app", "client_id", "client_secret", "redirect_uri", "people")


def authorize_url(facts: Sandbox) -> str:
    """What the ready-made app opens, with no scope: it gets all that it is registered for."""
    asked = {"response_type": "code", "client_id": facts.client_id}
    return str(
        httpx2.URL(facts.issuer + "/auth", params={**asked, "redirect_uri": facts.redirect_uri})
    )


async def redeemed(facts: Sandbox, location: str, http: httpx2.AsyncClient) -> dict[str, str]:
    """The tokens for the code of a redirect."""
    form = {
        "grant_type": "authorization_code",
        "code": httpx2.URL(location).params["code"],
        "redirect_uri": facts.redirect_uri,
    }
    credentials = httpx2.BasicAuth(facts.client_id, facts.client_secret)
    answer = await http.post(facts.issuer + "/token", data=form, auth=credentials)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


async def opens(facts: Sandbox, access_token: str, http: httpx2.AsyncClient) -> bool:
    """Whether this token shows accounts."""
    bearer = {"Authorization": f"Bearer {access_token}"}
    answer = await http.get(facts.issuer + "/v1/accounts", headers=bearer)
    return answer.status_code == 200 and bool(answer.json()["accounts"])


def ended(sandbox: SandboxProcess, by: signal.Signals) -> tuple[int, str]:
    """End it; give its status, and what it printed after its first line."""
    sandbox.process.send_signal(by)
    printed, _ = sandbox.process.communicate(timeout=60)
    return sandbox.process.returncode, printed


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_one_line_and_ends_well_when_told_to(
    tmp_path: Path, by: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setenv("TMPDIR", str(kept))
    with sandbox_process(tmp_path) as sandbox:
        assert list(msgspec.json.decode(sandbox.line)) == list(MEMBERS)
        assert len(list(kept.iterdir())) == 1
        assert ended(sandbox, by) == (0, "")
        assert list(kept.iterdir()) == []
        assert sandbox.errors.read_text() == ""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_what_its_database_keeps_works_after_a_new_start(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    database = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    if kind == "postgres":
        database = request.getfixturevalue("postgres_url")
    async with quiet_client() as http:
        with sandbox_process(tmp_path, f"--database={database}") as before:
            facts = before.facts
            location = await approve_url_async(authorize_url(facts), person="anna")
            tokens = await redeemed(facts, location, http)
            assert await opens(facts, tokens["access_token"], http)
            assert ended(before, signal.SIGTERM) == (0, "")
        ports = [f"--{name}={url.rsplit(':', 1)[1]}" for name, url in _addresses(facts)]
        with sandbox_process(tmp_path, f"--database={database}", *ports) as after:
            assert after.facts == facts
            assert await opens(facts, tokens["access_token"], http)


def _addresses(facts: Sandbox) -> list[tuple[str, str]]:
    return [("port", facts.issuer), ("app-port", facts.app)]


async def test_behind_a_tls_proxy_everything_bears_the_name_that_browsers_see(
    tmp_path: Path,
) -> None:
    issuer = "https://bank.example"
    port = free_port()
    with sandbox_process(tmp_path, f"--issuer={issuer}", f"--port={port}") as sandbox:
        facts = sandbox.facts
        assert facts.issuer == issuer
        async with quiet_client(BehindProxy(port)) as http:
            metadata = await http.get(issuer + "/.well-known/oauth-authorization-server")
            assert metadata.json()["token_endpoint"] == issuer + "/token"
            url = authorize_url(facts)
            location = await approve_url_async(url, person="anna", http=http)
            assert httpx2.URL(location).params["iss"] == issuer
            tokens = await redeemed(facts, location, http)
            assert await opens(facts, tokens["access_token"], http)
