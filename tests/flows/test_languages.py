"""Which language the pages come in, from the app's request to the last page."""

from __future__ import annotations

import re

import pytest

from endorse.server.language import LANGUAGES
from tests.flows.play import JSON, SAME_ORIGIN, begun
from tests.serving import Served

pytestmark = pytest.mark.anyio

HEADINGS = {
    "en": "Scan this code with the Demo Bank app",
    "nl": "Scan deze code met de Demo Bank-app",
    "de": "Scannen Sie diesen Code mit der Demo Bank-App",
    "fr": "Scannez ce code avec l\u2019appli Demo Bank",
    "es": "Escanee este código con la app Demo Bank",
}


def language(page: str) -> str:
    """The language that a page says it is in."""
    found = re.search(r'<html lang="([^"]*)">', page)
    assert found is not None
    return found[1]


def test_every_language_is_in_this_file() -> None:
    assert set(HEADINGS) == set(LANGUAGES)


@pytest.mark.parametrize("wanted", LANGUAGES)
async def test_the_page_comes_in_the_language_of_the_browser(served: Served, wanted: str) -> None:
    answer = await served.http.get(served.authorize_url(), headers={"Accept-Language": wanted})
    assert language(answer.text) == answer.headers["content-language"] == wanted
    assert f">{HEADINGS[wanted]}</h1>" in answer.text
    assert "<strong>Budget &amp; Co</strong>" in answer.text
    assert "&lt;" not in answer.text
    assert "&amp;amp;" not in answer.text


@pytest.mark.parametrize("wanted", LANGUAGES)
async def test_the_language_that_the_app_asks_for_comes_first_and_stays(
    served: Served, wanted: str
) -> None:
    other = {"Accept-Language": "nl" if wanted == "de" else "de"}
    url = served.authorize_url(ui_locales=f"pt {wanted}-XX")
    page = (await served.http.get(url, headers=other)).text
    assert language(page) == wanted
    assert f"ui_locales=pt%20{wanted}-XX" in page
    sealed = re.search(r'name="request" value="([^"]+)"', page)
    assert sealed is not None
    sent = {**SAME_ORIGIN, **JSON, **other}
    started = await served.http.post(
        served.url("/auth/start"), data={"request": sealed[1]}, headers=sent
    )
    cookie = started.headers["set-cookie"].split(";")[0]
    here = served.url(started.json()["connect"])
    for _ in range(2):
        again = await served.http.get(here, headers={**other, "Cookie": cookie})
        assert language(again.text) == wanted
        assert f">{HEADINGS[wanted]}</h1>" in again.text


async def test_pages_without_a_request_go_by_the_browser(served: Served) -> None:
    dutch = {"Accept": "text/html", "Accept-Language": "nl"}
    for path in ("/connect/none", "/q", "/phone", "/nowhere"):
        assert language((await served.http.get(served.url(path), headers=dutch)).text) == "nl"


async def test_developers_read_english(served: Served) -> None:
    url = served.authorize_url(redirect_uri="https://elsewhere.example/")
    answer = await served.http.get(url, headers={"Accept-Language": "nl"})
    assert answer.status_code == 400
    assert language(answer.text) == "en"


@pytest.mark.parametrize("header", [b"nl\xff\xfe", b";q=", b"nl;q=1e9", b"," * 4000])
async def test_a_malformed_header_is_passed_over(served: Served, header: bytes) -> None:
    sent = [(b"Accept-Language", header)]
    answer = await served.http.get(served.authorize_url(), headers=sent)
    assert answer.status_code == 200
    assert language(answer.text) == "en"


async def test_the_metadata_names_every_language(served: Served) -> None:
    url = served.url("/.well-known/oauth-authorization-server")
    assert (await served.http.get(url)).json()["ui_locales_supported"] == list(LANGUAGES)


async def test_what_is_asked_is_one_sentence(served: Served) -> None:
    for scope, words in {
        "accounts": "rekeningen",
        "accounts balances": "rekeningen en saldo\u2019s",
        "accounts balances transactions": "rekeningen, saldo\u2019s en betalingen",
    }.items():
        url = served.authorize_url(scope=scope, ui_locales="nl")
        page = (await served.http.get(url)).text
        assert f"<strong>Budget &amp; Co</strong> wil {words} bij Demo Bank zien</p>" in page


async def test_a_request_keeps_its_language_through_a_new_start(served: Served) -> None:
    tab = await begun(served, ui_locales="fr")
    page = (await tab.get("/connect/{}")).text
    retry = re.search(r'href="(/auth\?[^"]+)"', page)
    assert retry is not None
    again = await served.http.get(served.url(retry[1].replace("&amp;", "&")))
    assert language(again.text) == "fr"
