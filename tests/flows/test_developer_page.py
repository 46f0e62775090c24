"""What a developer is told when client or redirect_uri are wrong: a page, and never a redirect."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx2
import pytest

from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served, serving

pytestmark = pytest.mark.anyio

REGISTERED = ("https://app.example/callback", "https://app.example/cb2?x=1")


@pytest.fixture(scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A sandbox whose apps have two redirect URIs."""
    url = f"sqlite:///{tmp_path_factory.mktemp('page') / 'sandbox.sqlite3'}"
    async with serving(url, QUICK, registered=REGISTERED) as server, quiet_client() as http:
        server.http = http
        yield server


def marked(page: httpx2.Response) -> list[str]:
    """The compared URIs of the page, with brackets around what is marked."""
    found = re.findall(r'<code class="uri">(.*?)</code>', page.text)
    return [
        unescape(re.sub(r"<mark[^>]*>(.*?)</mark>", r"[\1]", one)).replace("\n", "")
        for one in found
    ]


def refused_on_a_page(answer: httpx2.Response) -> bool:
    return (
        answer.status_code == 400
        and "location" not in answer.headers
        and answer.headers["content-type"].startswith("text/html")
        and "refresh" not in answer.text.lower()
        and "<script" not in answer.text
    )


@pytest.mark.parametrize(
    ("received", "compared"),
    [
        (
            "https://app.example/callbacK",
            [
                "https://app.example/callbac[K]",
                "https://app.example/callbac[k]",
                "https://app.example/c[b]2?x=1",
            ],
        ),
        (
            "https://app.example/callback/",
            [
                "https://app.example/callback[/]",
                "https://app.example/callback[]",
                "https://app.example/c[b]2?x=1",
            ],
        ),
        (
            "https://app.example/cb2",
            [
                "https://app.example/cb2[]",
                "https://app.example/c[a]llback",
                "https://app.example/cb2[?]x=1",
            ],
        ),
        (
            "http://app.example/callback",
            [
                "http[:]//app.example/callback",
                "http[s]://app.example/callback",
                "http[s]://app.example/cb2?x=1",
            ],
        ),
    ],
)
async def test_a_sandbox_shows_received_beside_registered_and_marks_where_they_part(
    sandbox: Served, received: str, compared: list[str]
) -> None:
    page = await play.Tab(sandbox).open(redirect_uri=received)
    assert refused_on_a_page(page)
    assert marked(page) == compared


@pytest.mark.parametrize("uri", REGISTERED)
async def test_each_registered_redirect_uri_is_good_and_its_own_query_is_kept(
    sandbox: Served, uri: str
) -> None:
    refused = await play.Tab(sandbox).open(redirect_uri=uri, scope="no")
    assert refused.headers["location"].startswith(uri + ("&" if "?" in uri else "?"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"client_id": None}, "The parameter client_id is missing."),
        ({"client_id": ""}, "The parameter client_id is missing."),
        ({"client_id": "nobody"}, "No client with this client_id is registered."),
        ({"redirect_uri": None}, "The parameter redirect_uri is missing."),
        ({"redirect_uri": ""}, "The parameter redirect_uri is missing."),
        ({"redirect_uri": "https://app.example/"}, "is not registered for this client"),
        ({"redirect_uri": CALLBACK.upper()}, "is not registered for this client"),
    ],
    ids=str,
)
async def test_a_bad_client_or_redirect_uri_is_explained_on_a_page_that_leads_nowhere(
    sandbox: Served, changed: dict[str, str | None], told: str
) -> None:
    before = await contents(sandbox)
    page = await play.Tab(sandbox).open(**changed)
    assert refused_on_a_page(page)
    assert told in unescape(page.text)
    assert "app.example" not in "".join(re.findall(r'(?:href|src|action)="([^"]*)"', page.text))
    assert await contents(sandbox) == before


async def test_what_was_received_is_shown_as_text_and_not_as_markup(sandbox: Served) -> None:
    uri = 'https://app.example/"><img src=x onerror=alert(1)>'
    page = await play.Tab(sandbox).open(redirect_uri=uri, client_id=sandbox.app.client_id)
    assert "<img" not in page.text
    assert 'callback"><img src=x' not in page.text
    assert uri in unescape(re.sub("</?mark[^>]*>", "", page.text))
    page = await play.Tab(sandbox).open(client_id="<script>alert(1)</script>")
    assert "<script" not in page.text


async def test_a_real_server_shows_no_registered_uri_but_a_reference_that_is_in_the_log(
    bank_server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "endorse"):
        page = await play.Tab(bank_server).open(redirect_uri="https://app.example/callbacks")
    assert refused_on_a_page(page)
    shown = unescape(page.text)
    assert "https://app.example/callbacks" in shown
    assert not re.search(r"https://app\.example/callback(?!s)", shown)
    reference = re.search(r"Reference <code>([\w-]{12})</code>", shown)
    assert reference is not None
    [line] = [record.getMessage() for record in caplog.records if reference[1] in record.message]
    assert "'https://app.example/callbacks'" in line
    assert "https://app.example/callback[]" in line


async def test_two_refusals_have_two_references(bank_server: Served) -> None:
    pages = [await play.Tab(bank_server).open(client_id="nobody") for _ in range(2)]
    assert pages[0].text != pages[1].text
