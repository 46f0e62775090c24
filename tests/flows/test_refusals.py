"""Each refusal has its stable name, its page, and one line in the log that says what failed."""

from __future__ import annotations

import ast
import logging
import os
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from endorse.server.errors import catalogue, links
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

SOURCE = Path(__file__).resolve().parents[2] / "src" / "endorse"
GOLDEN = Path(__file__).with_name("refusals.txt")
MAKERS = ("Refusal", "Untrusted", "_oauth")


def named_in_the_code() -> set[str]:
    """The name of each refusal that the code writes out."""
    return {
        node.args[0].value
        for folder in ("core", "server")
        for path in (SOURCE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MAKERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_refusal_that_the_code_writes_has_its_page() -> None:
    assert named_in_the_code() - set(catalogue()) == set()


def test_the_names_stay() -> None:
    if os.environ.get("ENDORSE_REWRITE") == "1":
        GOLDEN.write_text("\n".join(catalogue()) + "\n")
    assert list(catalogue()) == GOLDEN.read_text().split()


def test_a_name_is_one_word_of_a_url_and_every_text_is_for_people() -> None:
    for name, kinds in catalogue().items():
        assert re.fullmatch(r"[a-z0-9_]{3,40}", name)
        for no in kinds:
            assert no.told.endswith("."), name
            assert 400 <= no.status < 500, name


def test_a_section_of_a_specification_has_its_address() -> None:
    at = "https://www.rfc-editor.org/rfc/"
    assert links("RFC 6749 4.1.2.1, RFC 9700 2.1") == [
        ("RFC 6749 4.1.2.1", at + "rfc6749#section-4.1.2.1"),
        ("RFC 9700 2.1", at + "rfc9700#section-2.1"),
    ]
    assert links("RFC 6749 A") == [("RFC 6749 A", at + "rfc6749#appendix-A")]
    assert links("NextGenPSD2 14.11") == []


async def test_each_page_says_what_is_answered(served: Served) -> None:
    for name, kinds in catalogue().items():
        page = await served.http.get(served.url(f"/errors/{name}"))
        assert page.status_code == 200, name
        shown = unescape(page.text)
        for no in kinds:
            assert no.told in shown
            assert f"<code>{no.status}</code>" in shown
            assert no.error in shown
        assert page.headers["content-language"] == "en"


async def test_the_index_leads_to_each_page_and_an_unknown_name_to_the_index(
    served: Served,
) -> None:
    index = await served.http.get(served.url("/errors"))
    assert re.findall(r'href="/errors/(\w+)"', index.text) == list(catalogue())
    unknown = await served.http.get(served.url("/errors/%3Cscript%3E"))
    assert (unknown.status_code, unknown.text) == (404, index.text)


def name_in(uri: str, served: Served) -> str:
    assert uri.startswith(served.issuer + "/errors/")
    name = uri.removeprefix(served.issuer + "/errors/")
    assert name in catalogue()
    return name


async def test_a_json_refusal_leads_to_its_page(served: Served) -> None:
    answer = await play.redeem(served, "ec_unknown")
    assert name_in(answer.json()["error_uri"], served) == "code_not_good"
    phone = await served.http.post(served.url("/phone/claim"), json={})
    assert name_in(phone.json()["error_uri"], served) == "sign_in_required"
    bank = await play.bank(served, "/v1/accounts", "ea_unknown")
    assert name_in(bank.json()["error_uri"], served) == "access_token_not_good"
    nothing = await served.http.get(served.url("/nothing"))
    assert name_in(nothing.json()["error_uri"], served) == "not_found"


async def test_a_redirect_that_refuses_leads_to_its_page(served: Served) -> None:
    answer = await play.Tab(served).open(scope="everything")
    told = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert name_in(told["error_uri"], served) == "scope_unknown"


async def test_the_developers_page_leads_to_the_refusals_page(served: Served) -> None:
    page = await play.Tab(served).open(client_id="nobody")
    [name] = re.findall(r'href="/errors/(\w+)"', page.text)
    assert name == "client_unknown"
    assert name in catalogue()


async def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.getMessage().startswith("refused")]


async def test_each_check_of_a_code_has_its_own_words_in_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    phone = await play.phone_of(served)
    codes = [await play.code_for(served, phone) for _ in range(2)]
    with_pkce = await play.code_for(
        served, phone, code_challenge="a" * 43, code_challenge_method="S256"
    )
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    caplog.set_level(logging.INFO, "endorse")
    await play.token(served, **form, code="ec_unknown")
    await play.token(served, **{**form, "redirect_uri": "https://x/"}, code=codes[0])
    await play.token(served, **form, code=with_pkce, code_verifier="b" * 43)
    await play.redeem(served, codes[1])
    await play.redeem(served, codes[1])
    lines = await lines_of(caplog)
    assert len(lines) == len(set(lines)) == 4
    for line in lines:
        assert line.startswith("refused code_not_good for client app-confidential: ")
        assert line.endswith(" (RFC 6749 5.2)")


async def test_one_refusal_is_one_line_whoever_answers_it(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    tab = await play.begun(served)
    phone = await play.phone_of(served)
    calls = [
        play.Tab(served).open(scope="everything"),
        play.bank(served, "/v1/accounts", "ea_unknown"),
        phone.call("POST", "/phone/match", {"journey": "unknown", "number": 10}),
        tab.resume(),
        served.http.post(
            served.url("/token"), data={}, auth=httpx2.BasicAuth("nobody", "a secret")
        ),
        served.http.get(served.url("/phone/nothing/ea_in_the_wrong_place")),
    ]
    caplog.set_level(logging.INFO, "endorse")
    for call in calls:
        caplog.clear()
        await call
        [line] = await lines_of(caplog)
        assert "ea_" not in line
        assert "a secret" not in line


async def test_a_client_id_with_a_line_break_stays_on_its_line(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "endorse")
    name = "x\u2028refused nothing"
    await served.http.post(served.url("/token"), data={}, auth=httpx2.BasicAuth(name, "y"))
    [line] = await lines_of(caplog)
    assert line == line.splitlines()[0]
