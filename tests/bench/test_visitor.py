"""The browser of the benchmarks, at a server with forms."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import pytest

from bench.http import Broken, Connection
from bench.visitor import Visitor

pytestmark = pytest.mark.anyio

FORM = b'<form action="/b?x=1"><input type="hidden" name="csrf" value="a&amp;b"><input name="who">'


class Pages:
    """A server with one answer for each path, which notes what it was asked."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def __aenter__(self) -> Pages:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                writer.close()
                return
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(headers.get("Content-Length", 0)))
            path = head.split(" ")[1]
            self.asked.append((path, headers.get("Cookie", ""), dict(parse_qsl(body.decode()))))
            writer.write(self._answers[path])


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"))
    return f"{head}\r\n\r\n".encode() + body


async def test_it_fills_in_forms_keeps_cookies_and_says_where_it_was_sent() -> None:
    answers = {
        "/a?q=1": _answer(
            "303 See Other", b"", "Location: /form", "Set-Cookie: one=1; Path=/; HttpOnly"
        ),
        "/form": _answer("200 OK", FORM, "Set-Cookie: two=2; path=/form"),
        "/b?x=1": _answer("302 Found", b"", "Location: http://127.0.0.1:3000/callback?code=c"),
    }
    async with Pages(answers) as pages:
        connection = Connection(pages.port)
        visitor = Visitor(connection, f"http://127.0.0.1:{pages.port}")
        await visitor.go("/a?q=1")
        await visitor.submit({"who": "me"})
        connection.close()
    assert visitor.left_for == "http://127.0.0.1:3000/callback?code=c"
    # The second cookie is for /form alone.
    assert pages.asked == [
        ("/a?q=1", "", {}),
        ("/form", "one=1", {}),
        ("/b?x=1", "one=1", {"csrf": "a&b", "who": "me"}),
    ]


async def test_an_answer_in_chunks_is_read_whole() -> None:
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n"
    )
    async with Pages({"/": chunks}) as pages:
        connection = Connection(pages.port)
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(2):
            assert (await connection.send(request)).body == b"Wikipedia"
        connection.close()


async def test_a_page_that_is_no_page_stops_it() -> None:
    async with Pages({"/": _answer("500 Oops", b"no")}) as pages:
        connection = Connection(pages.port)
        with pytest.raises(Broken, match="500: no"):
            await Visitor(connection, f"http://127.0.0.1:{pages.port}").go("/")
        connection.close()
