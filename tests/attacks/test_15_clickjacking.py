"""Attack 15: a foreign page shows ours in an unseen frame, and has the person click in it.

It fails because every page forbids to be framed (`frame-ancestors 'none'`): the frame stays blank.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import async_playwright

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.browser.chromium import launch
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_every_page_forbids_frames(served: Served) -> None:
    finding = await tried(served, "15")
    assert finding.outcome is Outcome.HELD, finding.seen


async def test_every_get_route_that_gives_a_page_forbids_frames(served: Served) -> None:
    tab, pages = await play.begun(served), 0
    for path, method in sorted(play.routes_of()):
        if method == "GET":
            url = served.url(path.replace("{short}", tab.short))
            headers = {"Cookie": tab.cookie, "Accept": "text/html"}
            answer = await served.http.get(url, headers=headers)
            if answer.headers.get("content-type", "").startswith("text/html"):
                pages += 1
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
    assert pages >= 6


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
async def test_in_a_foreign_frame_the_page_stays_blank(served: Served) -> None:
    framing = f'<iframe src="{served.authorize_url()}"></iframe>'
    async with async_playwright() as playwright, showing(framing) as foreign:
        chromium = await launch(playwright)
        page = await chromium.new_page()
        blocked: list[str] = []
        page.on("console", lambda it: blocked.append(it.text))
        await page.goto(foreign)
        frame = page.frames[-1]
        await frame.wait_for_load_state()
        assert frame is not page.main_frame
        assert 'name="request"' not in await frame.content()
        assert any("frame-ancestors" in it for it in blocked), blocked
        await chromium.close()


@asynccontextmanager
async def showing(html: str) -> AsyncIterator[str]:
    """Another site, which shows this one page; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(html)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n{html}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as site:
        yield f"http://127.0.0.1:{site.sockets[0].getsockname()[1]}/"
