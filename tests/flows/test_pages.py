"""The headers around every HTML page, and that no page holds inline code."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

WANTED = {
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def every_page(served: Served) -> dict[str, httpx2.Response]:
    """One page of each kind that the server can answer with."""
    http, html = served.http, {"Accept": "text/html"}
    phone, tab = await play.phone_of(served), await play.begun(served)
    pages = {
        "start": await play.Tab(served).open(),
        "client unknown": await play.Tab(served).open(client_id="nobody"),
        "redirect_uri wrong": await play.Tab(served).open(redirect_uri="https://x.example/"),
        "too many": await http.get(served.url("/auth?" + "&".join(["a=b"] * 70))),
        "waiting": await tab.get("/connect/{}"),
        "no B": await tab.get("/connect/{}", cookie=""),
        "no B, resume": await tab.get("/resume/{}", cookie=""),
        "no B, cancel": await tab.post("/connect/{}/cancel", cookie=""),
        "q": await http.get(served.url("/q")),
        "a": await http.get(served.url("/a")),
        "return": await http.get(served.url("/return")),
        "return, other browser": await http.post(
            served.url("/return"), data={"nonce": "x"}, headers={**html, **play.SAME_ORIGIN}
        ),
        "phone": await http.get(served.url("/phone")),
        "unknown": await http.get(served.url("/unknown"), headers=html),
        "old page": await http.post(
            served.url("/auth/start"), data={"request": "x"}, headers={**html, **play.SAME_ORIGIN}
        ),
        "foreign form": await http.post(
            served.url("/auth/start"), data={"request": "x"}, headers=html
        ),
    }
    await tab.post("/connect/{}/app")
    pages["app"] = await tab.get("/connect/{}")
    await tab.post("/connect/{}/code")
    await tab.post("/connect/{}/letters")
    pages["letters"] = await tab.get("/connect/{}")
    await play.claimed(tab, phone)
    pages["claimed"] = await tab.get("/connect/{}")
    await tab.post("/connect/{}/cancel")
    pages["cancelled"] = await tab.get("/connect/{}")
    return pages


async def test_every_page_is_kept_by_nobody_framed_by_nobody_and_runs_only_our_scripts(
    served: Served,
) -> None:
    for name, page in (await every_page(served)).items():
        assert page.headers["content-type"] == "text/html; charset=utf-8", name
        assert {header: page.headers.get(header) for header in WANTED} == WANTED, name
        policy = dict(
            part.strip().split(" ", 1)
            for part in page.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["connect-src"] == "'self'"
        assert policy["style-src"] == "'self'"
        scripts = "'self' 'wasm-unsafe-eval'" if name == "phone" else "'self'"
        assert policy["script-src"] == scripts, name
        assert "unsafe-inline" not in page.headers["content-security-policy"]


async def test_no_page_holds_inline_code_or_reaches_for_another_host(served: Served) -> None:
    for name, page in (await every_page(served)).items():
        for tag in re.findall(r"<script[^>]*>[^<]*", page.text):
            assert re.fullmatch(r'<script type="module" src="/static/[\w.-]+">\s*', tag), name
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text), name
        links = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
        assert [link for link in links if not link.startswith("/") and link] == [], name


async def test_every_asset_that_a_page_names_is_there(served: Served) -> None:
    named = {
        path
        for page in (await every_page(served)).values()
        for path in re.findall(
            r'(?:src|href|data-wasm)="(/(?:static/|brand|phone/)[^"]*)"', page.text
        )
    }
    assert len(named) > 5
    for path in named:
        answer = await served.http.get(served.url(path))
        assert answer.status_code == 200, path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_nothing_outside_the_built_files_is_served_as_one(served: Served) -> None:
    for path in ("..%2fapp.py", "%2e%2e/pages/base.html", "../../app.py", "", "a%00b", "%2fetc/x"):
        answer = await served.http.get(served.url("/static/") + path)
        assert answer.status_code in (404, 405), path


async def test_the_code_of_a_plain_camera_app_leads_to_a_page_without_sign_in(
    served: Served,
) -> None:
    page = await served.http.get(served.url("/q"))
    assert "Scan this code with the Demo Bank app" in page.text
    assert "<form" not in page.text
    assert "<script" not in page.text
