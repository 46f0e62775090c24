"""A browser as outside conformance suites have it: pages, forms, cookies, refreshes; no script."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2

_MOST_STEPS = 20


class _Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts = 0
        self.refresh: str | None = None
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._silent = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script":
            self.scripts += 1
        elif tag == "noscript":
            self._silent += 1
        elif tag == "meta" and given.get("http-equiv") == "refresh" and not self._silent:
            self.refresh = given["content"]
        elif tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and given.get("type") == "hidden":
            self.forms[-1][1][given["name"]] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "noscript":
            self._silent -= 1


class PlainBrowser:
    """One window. It would run scripts, so what stands in `noscript` is nothing to it."""

    def __init__(self, issuer: str) -> None:
        """Open a window with no cookies, of a person who goes to no other host but the issuer's."""
        self._issuer = issuer
        self._http = httpx2.AsyncClient(timeout=30, trust_env=False)
        self.page = _Parsed("")
        self.scripts = 0
        self.visited: list[str] = []

    async def open(self, url: str) -> str | None:
        """Open a page; give the address that leads to another host, if it does."""
        return await self._go(self._http.build_request("GET", url))

    async def press(self, action: str, **typed: str) -> str | None:
        """Send the form with this action, with what was typed into it; as `open` otherwise."""
        form = next(fields for where, fields in self.page.forms if where == action)
        where = urljoin(self._issuer, action)
        headers = {"Origin": self._issuer}
        sent = {**form, **typed}
        return await self._go(self._http.build_request("POST", where, data=sent, headers=headers))

    async def leave(self) -> str:
        """Follow the page's own refreshes until one leads to another host."""
        for _ in range(_MOST_STEPS):
            assert self.page.refresh is not None, "the page does not go on by itself"
            seconds, _, target = self.page.refresh.partition("; url=")
            await asyncio.sleep(int(seconds))  # as a browser does: the page says how long
            elsewhere = await self.open(urljoin(self.visited[-1], target) or self.visited[-1])
            if elsewhere is not None:
                return elsewhere
        raise AssertionError("the page never leaves")

    async def close(self) -> None:
        """Close the window."""
        await self._http.aclose()

    async def _go(self, request: httpx2.Request) -> str | None:
        for _ in range(_MOST_STEPS):
            answer = await self._http.send(request)
            self.visited.append(str(answer.request.url))
            if answer.next_request is None:
                assert answer.status_code == 200, answer.text
                self.page = _Parsed(answer.text)
                self.scripts += self.page.scripts
                return None
            request = answer.next_request
            if urlsplit(str(request.url)).netloc != urlsplit(self._issuer).netloc:
                return str(request.url)
        raise AssertionError("redirects without end")
