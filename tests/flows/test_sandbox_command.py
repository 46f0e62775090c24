"""`endorse sandbox`, and the commands that work beside it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import httpx2
import msgspec
import pytest

from endorse.phone import Browser, Phone, sandbox_code
from tests.flows.commands import endorse
from tests.flows.play import quiet_client
from tests.serving import SandboxProcess, sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("sandbox command")]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the sandbox keeps its data."""
    return f"sqlite:///{tmp_path_factory.mktemp('sandbox') / 'kept.sqlite3'}"


@pytest.fixture(scope="module")
def sandbox(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A running sandbox."""
    with sandbox_process(tmp_path_factory.mktemp("log"), f"--database={database}") as process:
        yield process


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A client that keeps no cookie."""
    async with quiet_client() as client:
        yield client


def authorize_url(sandbox: SandboxProcess, **changed: str) -> str:
    facts = sandbox.facts
    asked = {
        "response_type": "code",
        "client_id": facts.client_id,
        "redirect_uri": facts.redirect_uri,
        "state": "a state",
        **changed,
    }
    return str(httpx2.URL(facts.issuer + "/auth", params=asked))


async def accounts_behind(
    sandbox: SandboxProcess, http: httpx2.AsyncClient, location: str
) -> list[str]:
    """Redeem the code of a redirect; give the IBANs that its token shows."""
    facts = sandbox.facts
    answer = httpx2.URL(location).params
    assert location.startswith(facts.redirect_uri + "?")
    assert (answer["state"], answer["iss"]) == ("a state", facts.issuer)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": facts.redirect_uri,
    }
    credentials = httpx2.BasicAuth(facts.client_id, facts.client_secret)
    got = await http.post(facts.issuer + "/token", data=form, auth=credentials)
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    listed = await http.get(facts.issuer + "/v1/accounts", headers=bearer)
    return [account["iban"] for account in listed.json()["accounts"]]


async def test_the_line_of_json_says_all_that_an_app_needs(
    sandbox: SandboxProcess, http: httpx2.AsyncClient
) -> None:
    facts = sandbox.facts
    assert re.fullmatch(r"http://localhost:\d+", facts.issuer)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", facts.app)
    assert facts.redirect_uri == facts.app + "/callback"
    assert len(facts.people) >= 3
    assert "Connect your bank" in (await http.get(facts.app + "/")).text
    page = await http.get(authorize_url(sandbox))
    assert "Budgetly" in page.text
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x"}
    credentials = httpx2.BasicAuth(facts.client_id, facts.client_secret)
    got = await http.post(facts.issuer + "/token", data=form, auth=credentials)
    assert got.json()["error"] == "invalid_grant"
    told = await http.get(facts.issuer + "/phone/sandbox/people")
    assert [person["id"] for person in told.json()["people"]] == facts.people


async def test_the_bank_listens_on_both_loopback_addresses(
    sandbox: SandboxProcess, http: httpx2.AsyncClient
) -> None:
    port = sandbox.facts.issuer.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "[::1]"):
        answer = await http.get(f"http://{host}:{port}/phone")
        assert answer.headers["location"] == sandbox.facts.issuer + "/phone"


async def test_phone_approve_gives_the_redirect_and_all_accounts_of_somebody_new(
    sandbox: SandboxProcess, http: httpx2.AsyncClient
) -> None:
    ibans = []
    for _ in range(2):
        done = await endorse("phone", "approve", authorize_url(sandbox))
        assert (done.returncode, done.stderr) == (0, "")
        ibans.append(await accounts_behind(sandbox, http, done.stdout.strip()))
    assert ibans[0]
    assert ibans[0] != ibans[1]


async def test_phone_approve_shares_the_accounts_that_are_named_of_the_person_that_is_named(
    sandbox: SandboxProcess, http: httpx2.AsyncClient
) -> None:
    whole = await endorse("phone", "approve", authorize_url(sandbox), "--person", "bram")
    ibans = await accounts_behind(sandbox, http, whole.stdout.strip())
    assert len(set(ibans)) > 2
    chosen = [ibans[0], ibans[-1]]
    spaced = " ".join(re.findall(".{1,4}", chosen[0]))
    part = await endorse(
        "phone",
        "approve",
        authorize_url(sandbox),
        "--person=Bram Jansen",
        f"--account={spaced}",
        f"--account={chosen[1]}",
    )
    shared = await accounts_behind(sandbox, http, part.stdout.strip())
    assert set(shared) == set(chosen)


async def test_phone_approve_refuses_when_told_to(sandbox: SandboxProcess) -> None:
    done = await endorse("phone", "approve", authorize_url(sandbox), "--refuse")
    assert done.returncode == 0
    assert httpx2.URL(done.stdout.strip()).params["error"] == "access_denied"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--person", "nobody"), "There is no 'nobody'."),
        (("--person", "anna", "--account", "NL00BANK0000000000"), "No account NL00BANK0000000000"),
    ],
    ids=["person", "account"],
)
async def test_phone_approve_says_what_is_wrong(
    sandbox: SandboxProcess, arguments: tuple[str, ...], told: str
) -> None:
    done = await endorse("phone", "approve", authorize_url(sandbox), *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_phone_approve_shows_what_a_problem_page_says(sandbox: SandboxProcess) -> None:
    done = await endorse("phone", "approve", authorize_url(sandbox, redirect_uri="http://x/"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not registered for this client" in done.stderr
    gone = await endorse("phone", "approve", "http://localhost:1/auth")
    assert gone.returncode == 1
    assert "did not answer" in gone.stderr


@pytest.mark.parametrize(("option", "other"), [("--port", "--app-port"), ("--app-port", "--port")])
async def test_a_port_that_is_taken_is_named(
    sandbox: SandboxProcess, option: str, other: str
) -> None:
    taken = sandbox.facts.issuer if option == "--port" else sandbox.facts.app
    port = taken.rsplit(":", 1)[1]
    done = await endorse("sandbox", f"{option}={port}", f"{other}=0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port}" in done.stderr
    assert f"Choose another port with {option}." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "port"), [("--port", "65536"), ("--app-port", "-1"), ("--port", "http")]
)
async def test_a_port_that_is_none_is_refused(option: str, port: str) -> None:
    done = await endorse("sandbox", "--port=0", "--app-port=0", option, port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Invalid value for '{option}'" in done.stderr


@pytest.mark.parametrize("issuer", ["http://bank.example", "https://bank.example/x", "bank"])
async def test_an_issuer_that_is_none_is_refused(issuer: str) -> None:
    done = await endorse("sandbox", "--port=0", "--app-port=0", f"--issuer={issuer}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--issuer must " in done.stderr


async def _error(
    sandbox: SandboxProcess, http: httpx2.AsyncClient, client_id: str, secret: str
) -> str:
    """What the token endpoint says to a client that sends a wrong code."""
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x"}
    answer = await http.post(
        sandbox.facts.issuer + "/token", data=form, auth=httpx2.BasicAuth(client_id, secret)
    )
    error: str = answer.json()["error"]
    return error


async def test_a_client_added_beside_the_running_server_works_at_once(
    sandbox: SandboxProcess, http: httpx2.AsyncClient, database: str
) -> None:
    uri = "https://new.example/callback"
    done = await endorse(
        "client", "--database", database, "add", "New app", f"--redirect-uri={uri}", "--json"
    )
    assert done.returncode == 0, done.stderr
    new = msgspec.json.decode(done.stdout)
    assert await _error(sandbox, http, new["client_id"], new["client_secret"]) == "invalid_grant"
    page = await http.get(authorize_url(sandbox, client_id=new["client_id"], redirect_uri=uri))
    assert "New app" in page.text
    settings = {"ENDORSE_DATABASE": database}
    listed = await endorse("client", "list", "--json", settings=settings)
    found = [msgspec.json.decode(line) for line in listed.stdout.splitlines()]
    assert {one["client_id"] for one in found} == {"budgetly", new["client_id"]}
    assert new["client_secret"] not in listed.stdout
    public = await endorse(
        "client", "add", "Public", f"--redirect-uri={uri}", "--public", "--json", settings=settings
    )
    told = msgspec.json.decode(public.stdout)
    assert "client_secret" not in told
    rotated = await endorse("client", "rotate", told["client_id"], settings=settings)
    assert (rotated.returncode, "has no secret" in rotated.stderr) == (1, True)


async def test_a_rotated_secret_overlaps_with_the_old_one_unless_told_otherwise(
    sandbox: SandboxProcess, http: httpx2.AsyncClient, database: str
) -> None:
    settings = {"ENDORSE_DATABASE": database}
    uri = "--redirect-uri=https://new.example/callback"
    added = await endorse("client", "add", "Rotating", uri, "--json", settings=settings)
    new = msgspec.json.decode(added.stdout)
    name, old = new["client_id"], new["client_secret"]
    rotate = ("client", "rotate", name, "--json")
    second = msgspec.json.decode((await endorse(*rotate, settings=settings)).stdout)
    for secret in (old, second["client_secret"]):
        assert await _error(sandbox, http, name, secret) == "invalid_grant"
    done = await endorse(*rotate, "--overlap-days=0", settings=settings)
    third = msgspec.json.decode(done.stdout)
    for secret in (old, second["client_secret"]):
        assert await _error(sandbox, http, name, secret) == "invalid_client"
    assert await _error(sandbox, http, name, third["client_secret"]) == "invalid_grant"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "X", "--redirect-uri=http://app.example/"), "must be https"),
        (("add", "X", "--redirect-uri=https://app.example/#f"), "must have no fragment"),
        (("add", "X", "--redirect-uri=callback"), "must be absolute"),
        (("add", "X", "--redirect-uri=https://a.example", "--scope=email"), "Unknown scope: email"),
        (("add", "X\u202e", "--redirect-uri=https://a.example"), "must hold no control"),
        (("rotate", "nobody"), "There is no client nobody."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_client_command_says_what_is_wrong(
    database: str, sandbox: SandboxProcess, arguments: tuple[str, ...], told: str
) -> None:
    done = await endorse("client", *arguments, settings={"ENDORSE_DATABASE": database})
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_clients_are_listed_for_people_to_read(
    database: str, sandbox: SandboxProcess
) -> None:
    settings = {"ENDORSE_DATABASE": database}
    uri = "--redirect-uri=https://read.example/callback"
    await endorse("client", "add", "Readable", uri, "--public", settings=settings)
    listed = await endorse("client", "list", settings=settings)
    (block,) = [one for one in listed.stdout.split("\n\n") if "Readable" in one]
    facts = dict(line.split(maxsplit=1) for line in block.splitlines())
    assert (facts["name"], facts["public"]) == ("Readable", "yes")
    assert facts["redirect_uris"] == "https://read.example/callback"


async def test_a_client_command_without_a_database_names_the_setting() -> None:
    done = await endorse("client", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--database" in done.stderr
    assert "ENDORSE_DATABASE" in done.stderr


async def test_a_request_that_a_person_did_not_start_is_counted_against_its_client(
    database: str, sandbox: SandboxProcess, http: httpx2.AsyncClient
) -> None:
    issuer = sandbox.facts.issuer
    phone, browser = Phone(issuer, http), Browser(http)
    await phone.enrol(await sandbox_code(issuer, http, "anna"))
    await browser.open(authorize_url(sandbox))
    await browser.start()
    await phone.disown((await phone.claim(await browser.frame())).journey)
    listed = await endorse("client", "list", "--json", settings={"ENDORSE_DATABASE": database})
    found = [msgspec.json.decode(line) for line in listed.stdout.splitlines()]
    counts = {one["client_id"]: one["not_started_in_30_days"] for one in found}
    assert counts["budgetly"] == 1
