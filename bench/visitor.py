"""A browser at servers whose pages are forms: it keeps cookies, follows redirects, fills in."""

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urljoin

from bench.http import Answer, Broken, Connection

_COOKIE = re.compile(rb"\r\nset-cookie: *([^=\r]+)=([^;\r]*)([^\r]*)", re.IGNORECASE)
_PATH = re.compile(rb"; *path=([^;\r]*)", re.IGNORECASE)
_INPUT = re.compile(rb"<input[^>]*>")
_ATTRIBUTE = re.compile(rb'(name|value|type)="([^"]*)"')
_ACTION = re.compile(rb'<form[^>]*\baction="([^"]+)"')
_BROWSER = (
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: text/html\r\nAccept-Language: en-GB,en;q=0.9\r\n"
)
_REDIRECTS = (302, 303)
_LONGEST_WAY = 8


class Visitor:
    """One person's browser, new for each flow, on a connection that other flows used before."""

    def __init__(self, connection: Connection, origin: str) -> None:
        """Stay at this origin until it leads away."""
        self._connection = connection
        self._origin = origin
        self._cookies: dict[tuple[str, str], str] = {}
        self._at = "/"
        self._page = b""
        self.left_for = ""
        """The address elsewhere that this browser was sent to last, "" until then."""

    async def go(self, path: str) -> None:
        """Load a page. Raises Broken."""
        await self._follow(await self._send("GET", path, None))

    async def submit(self, fields: Mapping[str, str]) -> None:
        """Fill in the form of the page and send it, with its hidden fields. Raises Broken."""
        action = _ACTION.search(self._page)
        path = html.unescape(action[1].decode()) if action else self._at
        form = urlencode({**self.hidden(), **fields}).encode()
        await self._follow(await self._send("POST", path, form))

    async def _follow(self, answer: Answer) -> None:
        for _ in range(_LONGEST_WAY):
            if answer.status not in _REDIRECTS:
                break
            to = urljoin(self._origin + self._at, answer.header(b"location"))
            if not to.startswith(f"{self._origin}/"):
                self.left_for = to
                return
            answer = await self._send("GET", to.removeprefix(self._origin), None)
        if answer.status != 200:
            raise Broken(f"{self._at} answered {answer.status}: {answer.body[:500].decode()}")
        self._page = answer.body

    async def _send(self, method: str, path: str, form: bytes | None) -> Answer:
        self._at = path
        cookies = "; ".join(
            f"{name}={value}" for (name, below), value in self._cookies.items() if _in(path, below)
        )
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._origin[7:]}\r\n{_BROWSER}"
        if cookies:
            head += f"Cookie: {cookies}\r\n"
        if form is not None:
            head += (
                f"Origin: {self._origin}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(form)}\r\n"
            )
        answer = await self._connection.send(f"{head}\r\n".encode() + (form or b""))
        for name, value, rest in _COOKIE.findall(answer.head):
            below = _PATH.search(rest)
            self._cookies[name.decode(), below[1].decode() if below else "/"] = value.decode()
        return answer

    def hidden(self) -> dict[str, str]:
        """Give the hidden fields of the page."""
        fields = {}
        for tag in _INPUT.findall(self._page):
            has = dict(_ATTRIBUTE.findall(tag))
            if has.get(b"type") == b"hidden" and b"name" in has:
                fields[has[b"name"].decode()] = html.unescape(has.get(b"value", b"").decode())
        return fields


def _in(path: str, below: str) -> bool:
    return path.partition("?")[0].startswith(below)
