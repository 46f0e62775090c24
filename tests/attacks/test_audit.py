"""The suite itself: a sound server passes, and each attack gets through where its guard is gone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from endorse.audit import Outcome, attacks, run
from endorse.cli.main import main
from endorse.core.policy import Policy
from endorse.phone import sandbox_code
from endorse.server import stream
from endorse.server.run import listen, server_for
from tests import parts
from tests.attacks.trying import bank_phone, issued, target, tried
from tests.attacks.weak import WEAKNESSES, Plant, any_number_is_taken
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, sandbox_process, serving

pytestmark = pytest.mark.anyio

AS_A_BANK = msgspec.structs.replace(Policy(), frame_every=QUICK.frame_every)
ALL_WAYS = msgspec.structs.replace(QUICK, ways=("qr", "link", "short_code", "near"))
# Of these the tests of this file plant the weakness otherwise, or say why there is none.
PLANTED_BELOW = {"23", "24", "25", "26"}


@pytest.fixture
async def server(database: str) -> AsyncIterator[Served]:
    """A server of the test's own, into which it may plant a weakness."""
    async with serving(database, ALL_WAYS) as served, quiet_client() as http:
        served.http = http
        yield served


async def test_a_sound_server_lets_no_attack_through(server: Served) -> None:
    findings = {it.attack: it for it in await run(target(server))}
    assert list(findings) == [attack.id for attack in attacks()]
    assert len(findings) == 27
    bad = [it for it in findings.values() if it.outcome in (Outcome.FAILED, Outcome.UNCLEAR)]
    assert bad == []
    known = {number for number, it in findings.items() if it.outcome is Outcome.KNOWN}
    assert known == {"8", "8b", "14"}
    assert not any(it.outcome is Outcome.NEEDS_CLOCK for it in findings.values())


async def test_a_bank_with_its_strict_limits_lets_no_attack_through(database: str) -> None:
    async with serving(database, AS_A_BANK, sandbox=False) as served, quiet_client() as http:
        served.http = http
        people = [await bank_phone(served) for _ in range(8)]
        assert people[0].person is not None
        code = await issued(served, people[0].person.id)
        saved = tuple(phone.to_dict() for phone in people)
        findings = await run(target(served, saved=saved, enrolment_code=code))
        allowed = {Outcome.HELD, Outcome.KNOWN}
        others = [(it.attack, it.outcome) for it in findings if it.outcome not in allowed]
        # The app of these tests is on no computer, so nobody can call it.
        assert others == [("25", Outcome.NOT_APPLICABLE)]


@pytest.mark.usefixtures("no_code_is_awaited")
async def test_where_no_code_moves_the_attacks_that_need_none_go_by_nearness(
    database: str,
) -> None:
    near_only = msgspec.structs.replace(QUICK, ways=("near",))
    async with serving(database, near_only) as served, quiet_client() as http:
        served.http = http
        findings = await run(target(served), only={"5", "11", "17"})
        assert [it.outcome for it in findings] == [Outcome.HELD] * 3


@pytest.mark.usefixtures("no_code_is_awaited")
async def test_where_no_code_moves_an_attack_on_it_is_not_applicable(database: str) -> None:
    near_only = msgspec.structs.replace(QUICK, ways=("near",))
    async with serving(database, near_only) as served:
        finding = await tried(served, "1")
        assert finding.outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("plant", "number"), WEAKNESSES)
async def test_without_its_guard_the_attack_gets_through(
    server: Served, monkeypatch: pytest.MonkeyPatch, plant: Plant, number: str
) -> None:
    plant(server, monkeypatch)
    finding = await tried(server, number)
    assert finding.outcome is Outcome.FAILED, finding


def test_a_weakness_is_planted_for_every_attack() -> None:
    planted = {param.values[1] for param in WEAKNESSES}
    assert planted | PLANTED_BELOW == {attack.id for attack in attacks()}


def test_the_guide_names_every_attack_and_every_outcome() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    for attack in attacks():
        assert f"| {attack.id} | {attack.title} |" in guide
    for outcome in Outcome:
        assert f"| `{outcome.value}` |" in guide


async def test_a_bank_without_a_limit_of_starts_is_flooded(server: Served) -> None:
    server.desk.invented = None
    finding = await tried(server, "24")
    assert finding.outcome is Outcome.FAILED


async def test_a_bank_whose_phones_join_by_a_code_alone_is_robbed(server: Served) -> None:
    owner = await play.somebody(server)
    assert owner.person is not None
    code = await sandbox_code(server.issuer, server.http, owner.person.id)
    server.desk.invented = None
    finding = await tried(server, "26", saved=(owner.to_dict(),), enrolment_code=code)
    assert finding.outcome is Outcome.FAILED


async def test_a_client_that_takes_any_code_is_found_out(database: str) -> None:
    async with (
        careless_client() as (address, servers),
        serving(database, QUICK, registered=(f"{address}/callback",)) as served,
    ):
        servers.append(served)
        finding = await tried(served, "25")
        assert finding.outcome is Outcome.FAILED


@asynccontextmanager
async def careless_client() -> AsyncIterator[tuple[str, list[Served]]]:
    """A third-party app that redeems whatever code comes, for the server put into the list."""
    servers: list[Served] = []

    async def callback(request: Request) -> PlainTextResponse:
        await play.redeem(servers[0], request.query_params["code"])
        return PlainTextResponse("welcome")

    sockets = listen(["127.0.0.1"], 0)
    server = server_for(Starlette(routes=[Route("/callback", callback)]), None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, sockets)
        await server.ready.wait()
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}", servers
        server.should_exit = True


async def test_what_would_take_too_long_is_said_and_not_waited_for(server: Served) -> None:
    finding = await tried(server, "1", patience=5)
    assert finding.outcome is Outcome.NEEDS_CLOCK
    assert "8 s" in finding.seen


async def test_an_honest_step_that_fails_is_unclear_and_no_pass(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream._Page, "_frame", lambda _: "no frame")
    finding = await tried(server, "1")
    assert finding.outcome is Outcome.UNCLEAR
    result = await audited(server, "--only", "2")
    assert result.exit_code == 2, result.output


# The command


def audit(*options: str) -> Result:
    """Run `endorse audit` in this process."""
    return CliRunner().invoke(main, ["audit", *options])


async def audited(served: Served, *options: str) -> Result:
    """Audit a server of this event loop from another thread."""
    app = served.app
    client = ("--client-id", app.client_id, "--client-secret", app.secret)
    given = (*client, "--redirect-uri", app.redirect_uri, *options)
    return await anyio.to_thread.run_sync(lambda: audit(served.issuer, *given))


async def test_the_exit_status_is_0_where_nothing_got_through(server: Served) -> None:
    result = await audited(server, "--only", "2,7, 14")
    assert result.exit_code == 0, result.output
    assert "No attack got through." in result.output
    assert "2   held " in result.output
    assert "14  known residue " in result.output


async def test_the_exit_status_is_1_and_the_attack_is_named_where_one_got_through(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_number_is_taken(server, monkeypatch)
    result = await audited(server, "--only", "2,7")
    assert result.exit_code == 1, result.output
    assert "GOT THROUGH: 7." in result.output
    assert "7   failed " in result.output


async def test_the_report_as_json_says_the_same(server: Served) -> None:
    result = await audited(server, "--only", "13,2", "--json")
    report = msgspec.json.decode(result.output)
    assert report["target"] == server.issuer
    assert report["counts"]["held"] == 2
    assert [it["attack"] for it in report["findings"]] == ["2", "13"]


async def test_saved_phones_stand_in_for_the_sandbox(server: Served, tmp_path: Path) -> None:
    files = []
    for person in ("anna", "bram"):
        file = tmp_path / f"{person}.json"
        phone = await play.somebody(server, person)
        file.write_bytes(msgspec.json.encode(phone.to_dict()))
        files += ["--phone", str(file)]
    server.desk.invented = None
    result = await audited(server, "--only", "2,17,4", *files)
    assert result.exit_code == 0, result.output
    alone = await audited(server, "--only", "17", *files[:2])
    assert "not applicable" in alone.output
    without = await audited(server, "--only", "2")
    assert without.exit_code == 2
    assert "--phone" in without.output


async def test_what_cannot_be_audited_exits_with_2(server: Served) -> None:
    nobody = await anyio.to_thread.run_sync(audit, "http://127.0.0.1:1", "--only", "2")
    assert nobody.exit_code == 2
    assert "cannot be audited" in nobody.output
    unknown = await anyio.to_thread.run_sync(audit, server.issuer, "--client-id", "nobody")
    assert unknown.exit_code == 2
    assert "No client with this client_id" in unknown.output


def test_another_computer_is_attacked_only_with_permission() -> None:
    result = audit("https://login.bank.example")
    assert result.exit_code == 2
    assert "--with-permission" in result.output


@pytest.mark.parametrize("options", [("--only", "99"), ("--only", "x")])
def test_an_unknown_attack_is_refused(options: tuple[str, str]) -> None:
    result = audit("http://localhost:8000", *options)
    assert result.exit_code == 2
    assert "There is no attack" in result.output


@pytest.mark.soak
def test_a_sandbox_that_asks_for_nearness_is_audited_end_to_end(tmp_path: Path) -> None:
    with sandbox_process(tmp_path, "--way", "near") as sandbox:
        file = tmp_path / "sandbox.json"
        file.write_text(sandbox.line)
        result = audit(sandbox.facts.issuer, "--client", str(file), "--json")
        assert result.exit_code == 0, result.output
        report = msgspec.json.decode(result.output)
        held = {it["attack"] for it in report["findings"] if it["outcome"] == "held"}
        # The minute after which a code is dead (12) is not waited for.
        by_nearness = {"5", "6", "8", "8b", "11", "13", "15", "16", "17", "18", "19", "21", "22"}
        assert held == by_nearness | {"25"}


def test_a_sandbox_as_it_comes_is_audited_with_what_it_printed(tmp_path: Path) -> None:
    with sandbox_process(tmp_path) as sandbox:
        file = tmp_path / "sandbox.json"
        file.write_text(sandbox.line)
        only = () if parts.SOAK else ("--only", "2,5,7,12,16,22,25")
        began = time.monotonic()
        result = audit(sandbox.facts.issuer, "--client", str(file), *only)
        assert result.exit_code == 0, result.output
        assert "25  held" in result.output
        assert time.monotonic() - began < 60
