"""`endorse serve` and `endorse person enrol`: what a bank runs."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
from click.testing import CliRunner
from PIL import Image

from endorse.cli import main
from endorse.phone import Phone, SignInRequired, approve_url_async
from endorse.phone.scan import scan
from tests.flows.commands import (
    ISSUER,
    BehindProxy,
    Serving,
    endorse,
    environment,
    good_settings,
    serve,
)
from tests.flows.play import quiet_client

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("serve command")]


def unset() -> dict[str, str | None]:
    """What takes the settings of the tests themselves out of the environment."""
    return dict.fromkeys(os.environ.keys() - environment().keys())


UNSAFE = [
    ({"ENDORSE_ISSUER": ""}, "ENDORSE_ISSUER is not set"),
    ({"ENDORSE_ISSUER": "http://connect.bank.example"}, "ENDORSE_ISSUER must be https"),
    ({"ENDORSE_ISSUER": "http://localhost:8000"}, "ENDORSE_ISSUER must be https"),
    ({"ENDORSE_ISSUER": "https://connect.bank.example/"}, "no final slash"),
    ({"ENDORSE_ISSUER": "https://connect.bank.example/bank"}, "must have no path"),
    ({"ENDORSE_ISSUER": "https://Connect.bank.example"}, "must be in lower case"),
    ({"ENDORSE_ISSUER": "https://a@bank.example"}, "must be scheme and host"),
    ({"ENDORSE_ISSUER": "connect.bank.example"}, "must be scheme and host"),
    ({"ENDORSE_DATABASE": ""}, "ENDORSE_DATABASE is not set"),
    ({"ENDORSE_SECRET": ""}, "secrets.token_urlsafe(32)"),
    ({"ENDORSE_SECRET": "c2hvcnQ"}, "at least 32 random bytes"),
    ({"ENDORSE_SECRET": "not base64url! " * 5}, "must be base64url"),
    ({"ENDORSE_BANK": ""}, "ENDORSE_BANK is not set"),
    ({"ENDORSE_BANK": "nothing"}, "must be module:factory"),
    ({"ENDORSE_KEY_HOLDER": "nothing"}, "ENDORSE_KEY_HOLDER must be module:factory"),
    ({"ENDORSE_RISK": "nothing"}, "ENDORSE_RISK must be module:factory"),
    ({"ENDORSE_RISK": "a:b", "ENDORSE_PLACES": "c"}, "unset ENDORSE_RISK"),
    ({"ENDORSE_BRAND_NAME": ""}, "ENDORSE_BRAND_NAME is not set"),
    ({"ENDORSE_BRAND_COLOUR": "red;}"}, "must be a colour"),
    ({"ENDORSE_BRAND_ACCENT": "#12345"}, "must be a colour"),
    ({"ENDORSE_BRAND_RADIUS": "1000"}, "from 0 to 40"),
    ({"ENDORSE_BRAND_LOGO_URL": "http://x/logo.png"}, "must be an https address"),
    ({"ENDORSE_PORT": "0"}, "from 1 to 65535"),
    ({"ENDORSE_PORT": "http"}, "from 1 to 65535"),
    ({"ENDORSE_METRICS": "9100"}, "such as 127.0.0.1:9100"),
    ({"ENDORSE_METRICS": "127.0.0.1:http"}, "such as 127.0.0.1:9100"),
    ({"ENDORSE_LOG": "xml"}, "must be one of: text, json"),
    ({"ENDORSE_DRAIN": "soon"}, "from 0 to 300"),
    ({"ENDORSE_TRUSTED_PROXIES": "10.0.0.1, proxy"}, "proxy is no address and no network"),
    ({"ENDORSE_TRUSTED_PROXIES": "10.0.0.7/24"}, "write 10.0.0.0/24"),
    ({"ENDORSE_TRUSTED_PROXIES": "0.0.0.0/0"}, "would believe strangers"),
    (
        {"ENDORSE_MTLS_HOST": "https://mtls.bank.example", "ENDORSE_TRUSTED_PROXIES": "10.0.0.1"},
        "must be a host alone",
    ),
    ({"ENDORSE_MTLS_HOST": "mtls.bank.example"}, "needs ENDORSE_TRUSTED_PROXIES"),
    ({"ENDORSE_SOFTWARE_ISSUERS": "/no/such.json"}, "ENDORSE_SOFTWARE_ISSUERS: "),
    ({"ENDORSE_SOFTWARE_ISSUERS": __file__}, "Expected `array`"),
    ({"ENDORSE_SERCET": "x"}, "ENDORSE_SERCET is not a setting"),
]

UNUSABLE = [
    ({"ENDORSE_DATABASE": "mysql://x"}, "The database must be sqlite:///PATH or postgresql://"),
    ({"ENDORSE_DATABASE": "sqlite:////no/such/folder/x"}, "/no/such/folder/x"),
    ({"ENDORSE_DATABASE": "postgresql://localhost:1/x"}, "PostgreSQL does not answer"),
    ({"ENDORSE_BANK": "no.such.module:bank"}, "cannot be loaded"),
    ({"ENDORSE_BANK": "tests.flows.own_bank:missing"}, "cannot be loaded"),
    (
        {"ENDORSE_KEY_HOLDER": "no.such:holder"},
        "KEY_HOLDER=no.such:holder cannot be loaded",
    ),
    ({"ENDORSE_RISK": "no.such.module:risk"}, "ENDORSE_RISK=no.such.module:risk cannot be loaded"),
    ({"ENDORSE_PLACES": "/no/such.csv"}, "ENDORSE_PLACES: /no/such.csv is not a file"),
    ({"ENDORSE_PLACES": __file__}, "test_serve_command.py, line 1: the header must be network,"),
]


@pytest.mark.parametrize(("changed", "told"), UNSAFE, ids=lambda value: str(value)[:60])
def test_serve_refuses_an_unsafe_setting_and_says_why(
    tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    settings: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environment().keys())
    done = CliRunner().invoke(
        main, ["serve"], env={**settings, **good_settings(tmp_path), **changed}
    )
    assert (done.exit_code, done.stdout) == (1, "")
    assert told in done.stderr
    assert type(done.exception) is SystemExit
    secret = changed.get("ENDORSE_SECRET")
    assert not secret or secret not in done.stderr


@pytest.mark.parametrize(("changed", "told"), UNUSABLE, ids=lambda value: str(value)[:60])
async def test_serve_refuses_what_it_cannot_use_and_says_why(
    tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    done = await endorse("serve", settings={**good_settings(tmp_path), **changed})
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_serve_refuses_a_database_of_a_newer_version(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "serve.sqlite3")) as db:
        db.execute("CREATE TABLE schema_versions (version BIGINT PRIMARY KEY)")
        db.execute("INSERT INTO schema_versions VALUES (999)")
        db.commit()
    done = await endorse("serve", settings=good_settings(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "schema version 999" in done.stderr
    assert "Traceback" not in done.stderr


async def test_serve_tells_all_that_is_wrong_at_once() -> None:
    done = await endorse("serve")
    for name in ("ISSUER", "DATABASE", "SECRET", "BANK", "BRAND_NAME"):
        assert f"ENDORSE_{name} is not set" in done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A bank's own server, behind a TLS proxy."""
    folder = tmp_path_factory.mktemp("serve")
    with serve(good_settings(folder), folder) as serving:
        yield serving


@pytest.fixture
async def http(running: Serving) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that speaks to the server through the proxy."""
    async with quiet_client(BehindProxy(int(running.settings["ENDORSE_PORT"]))) as client:
        yield client


async def test_serve_starts_with_good_settings_under_its_issuers_name(
    running: Serving, http: httpx2.AsyncClient
) -> None:
    path = "/.well-known/oauth-authorization-server"
    told = (await http.get(ISSUER + path)).json()
    assert told["issuer"] == ISSUER
    assert told["token_endpoint"] == ISSUER + "/token"
    direct = f"http://127.0.0.1:{running.settings['ENDORSE_PORT']}"
    async with quiet_client() as outside:
        assert (await outside.get(direct + path)).headers["location"] == ISSUER + path
        assert (await outside.post(direct + "/token")).status_code == 421
    assert "Bank of Tests" in (await http.get(ISSUER + "/q")).text
    people = await http.get(ISSUER + "/phone/sandbox/people")
    assert people.status_code == 404


async def enrolment(running: Serving, *options: str) -> tuple[str, str]:
    """What `endorse person enrol` prints: everything, and the link."""
    done = await endorse("person", "enrol", "anna", *options, settings=running.settings)
    assert done.returncode == 0, done.stderr
    link = re.search(r"https://connect\.bank\.example/phone#enrol\.[\w-]{43}", done.stdout)
    assert link is not None
    return done.stdout, link[0]


async def test_a_person_enrols_by_the_banks_link_and_connects_an_app(
    running: Serving, http: httpx2.AsyncClient
) -> None:
    printed, _ = await enrolment(running, "--json")
    link = msgspec.json.decode(printed)["link"]
    phone = Phone(ISSUER, http)
    assert (await phone.enrol(link)).name == "Anna de Vries"
    shown = phone.digits or ""
    confirm = ["person", "confirm", "anna", shown[:3], shown[3:], "--json"]
    confirmed = await endorse(*confirm, settings=running.settings)
    assert msgspec.json.decode(confirmed.stdout)["state"] == "usable"
    uri = "https://app.example/callback"
    added = await endorse(
        "client", "add", "App", f"--redirect-uri={uri}", "--json", settings=running.settings
    )
    app = msgspec.json.decode(added.stdout)
    asked = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": uri}
    url = str(httpx2.URL(ISSUER + "/auth", params={**asked, "scope": "accounts"}))
    location = await approve_url_async(url, phone=phone, http=http)
    answer = httpx2.URL(location).params
    assert answer["iss"] == ISSUER
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": uri}
    credentials = httpx2.BasicAuth(app["client_id"], app["client_secret"])
    got = await http.post(ISSUER + "/token", data=form, auth=credentials)
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    listed = await http.get(ISSUER + "/v1/accounts", headers=bearer)
    assert len(listed.json()["accounts"]) > 1
    secrets = [link.split("#enrol.")[1], answer["code"], app["client_secret"], phone._session or ""]
    secrets += [got.json()["access_token"], running.settings["ENDORSE_SECRET"]]
    log = running.log.read_text()
    assert "journey" in log
    assert [secret for secret in secrets if secret in log] == []


async def test_under_https_the_cookie_is_bound_to_the_host(
    running: Serving, http: httpx2.AsyncClient
) -> None:
    uri = "https://app.example/callback"
    added = await endorse(
        "client", "add", "App", f"--redirect-uri={uri}", "--json", settings=running.settings
    )
    client_id = msgspec.json.decode(added.stdout)["client_id"]
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": uri}
    page = await http.get(ISSUER + "/auth", params=asked)
    sealed = re.search(r'name="request" value="([^"]+)"', page.text)
    assert sealed is not None
    same_origin = {"Sec-Fetch-Site": "same-origin"}
    begun = await http.post(
        ISSUER + "/auth/start", data={"request": sealed[1]}, headers=same_origin
    )
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("__Host-tx_")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    name, value = cookie.split(";")[0].removeprefix("__Host-").split("=")
    path = ISSUER + begun.headers["location"]
    without_prefix = await http.get(path, headers={"Cookie": f"{name}={value}"})
    assert without_prefix.status_code == 404


async def test_the_qr_code_in_the_terminal_reads_back(running: Serving) -> None:
    printed, link = await enrolment(running)
    rows = [line for line in printed.splitlines() if line and not line.startswith("http")]
    pixels = Image.new("L", (len(rows[0]), 2 * len(rows)), 255)
    light = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
    for y, row in enumerate(rows):
        for x, block in enumerate(row):
            for half in (0, 1):
                pixels.putpixel((x, 2 * y + half), 255 if light[block][half] else 0)
    side = (pixels.width * 6, pixels.height * 6)
    assert scan(pixels.resize(side, Image.Resampling.NEAREST)) == link


async def test_the_qr_code_in_the_picture_reads_back(running: Serving, tmp_path: Path) -> None:
    picture = tmp_path / "code.png"
    _, link = await enrolment(running, "--json", "--png", str(picture))
    assert scan(picture) == link


async def test_a_picture_that_cannot_be_written_costs_nobody_the_code(
    running: Serving, tmp_path: Path
) -> None:
    picture = tmp_path / "no such folder" / "code.png"
    done = await endorse(
        "person", "enrol", "anna", "--json", "--png", str(picture), settings=running.settings
    )
    assert done.returncode == 1
    assert msgspec.json.decode(done.stdout)["link"].startswith(ISSUER + "/phone#enrol.")
    assert str(picture) in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_port_that_is_taken_is_named_with_its_setting(
    running: Serving, tmp_path: Path
) -> None:
    port = running.settings["ENDORSE_PORT"]
    done = await endorse("serve", settings={**good_settings(tmp_path), "ENDORSE_PORT": port})
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port}" in done.stderr
    assert "Choose another port with ENDORSE_PORT." in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_unknown_person_gets_no_code(running: Serving) -> None:
    done = await endorse("person", "enrol", "nobody", settings=running.settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The bank knows no person nobody." in done.stderr


def test_a_person_gets_five_codes_a_day(running: Serving) -> None:
    settings = unset() | running.settings
    enrol = ["person", "enrol", "bram", "--json"]
    done = [CliRunner().invoke(main, enrol, env=settings) for _ in range(6)]
    assert [one.exit_code for one in done] == [0, 0, 0, 0, 0, 1]
    assert "Too many codes for this person today." in done[5].stderr


async def test_the_desk_lists_confirms_and_revokes_a_persons_phones(
    running: Serving, http: httpx2.AsyncClient
) -> None:
    async def desk(*words: str) -> tuple[int, str, str]:
        done = await endorse("person", *words, settings=running.settings)
        return done.returncode, done.stdout, done.stderr

    async def code() -> str:
        _, printed, _ = await desk("enrol", "joost", "--json")
        return str(msgspec.json.decode(printed)["link"])

    assert await desk("phones", "joost") == (0, "", "")
    phone, thief = Phone(ISSUER, http, name="Mine"), Phone(ISSUER, http)
    await phone.enrol(await code())
    shown = phone.digits or ""
    status, listed, _ = await desk("phones", "joost")
    assert (status, "Mine" in listed, "pending" in listed) == (0, True, True)
    assert shown not in listed
    other = f"{(int(shown) + 1) % 10**6:06}"
    status, _, told = await desk("confirm", "joost", other)
    assert (status, "Tries left: 2." in told) == (1, True)
    status, _, told = await desk("confirm", "joost", "12")
    assert (status, "six digits" in told) == (1, True)
    assert (await desk("confirm", "joost", shown))[0] == 0
    assert [one.state for one in await phone.phones()] == ["usable"]
    await thief.enrol(await code())
    status, confirmed, _ = await desk("confirm", "joost", thief.digits or "", "--json")
    assert msgspec.json.decode(confirmed)["state"] == "waiting"
    assert (await desk("revoke", "joost", thief.phone_id or ""))[0] == 0
    assert [one.name for one in await phone.phones()] == ["Mine"]
    assert (await desk("revoke", "joost"))[0] == 0
    with pytest.raises(SignInRequired):
        await phone.phones()
    status, _, told = await desk("revoke", "joost")
    assert (status, told.strip()) == (1, "This person has no such phone.")
    await phone.enrol(await code())
    assert (await desk("confirm", "joost", phone.digits or ""))[0] == 0
    assert [one.state for one in await phone.phones()] == ["usable"]


def test_the_id_of_a_phone_may_begin_with_a_dash(running: Serving) -> None:
    settings = unset() | running.settings
    words = ["person", "revoke", "joost", "-aB-_3cdefghijklmnopqrs"]
    done = CliRunner().invoke(main, words, env=settings)
    assert (done.exit_code, done.stderr.strip()) == (1, "This person has no such phone.")
