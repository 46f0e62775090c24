"""How answers go over the wire: head and body in one piece, and what must not wait for that."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
from starlette.types import Receive

from endorse.server import wire
from endorse.server.exchange import EXTENSIONS, Signal
from endorse.server.run import listen, server_for
from tests.serving import Served

pytestmark = pytest.mark.anyio

PATIENCE = 5
_DATA_SEGMENTS_IN = 152
"""Where Linux says in `tcp_info` how many segments with data came."""
_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class _Pieces(asyncio.Protocol):
    """Keeps apart what comes apart."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.came = asyncio.Event()
        self.left = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.came.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while not self.pieces:
                self.came.clear()
                await self.came.wait()
        return self.pieces.pop(0)


@contextlib.asynccontextmanager
async def connected(issuer: str) -> AsyncIterator[tuple[asyncio.Transport, _Pieces]]:
    port = int(issuer.rsplit(":", 1)[1])
    loop = asyncio.get_running_loop()
    transport, heard = await loop.create_connection(_Pieces, "127.0.0.1", port)
    try:
        yield transport, heard
    finally:
        transport.close()


def head(served: Served, line: str, more: str = "") -> bytes:
    host = served.desk.settings.issuer_host
    return f"{line} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


@pytest.mark.skipif(sys.platform != "linux", reason="counts segments as Linux tells of them")
async def test_an_answer_comes_in_one_piece(served: Served) -> None:
    async with connected(served.issuer) as (transport, heard):
        for _ in range(3):
            transport.write(head(served, "GET /healthz"))
            answer = await heard.next()
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b'\r\n\r\n{"status":"ok"}')
        told = transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGMENTS_IN + 4
        )
        assert struct.unpack_from("I", told, _DATA_SEGMENTS_IN) == (3,)


async def test_requests_sent_at_once_are_answered_in_their_order(served: Served) -> None:
    async with connected(served.issuer) as (transport, heard):
        transport.write(head(served, "GET /healthz") + head(served, "HEAD /healthz") * 2)
        transport.write(head(served, "GET /nothing-here", "Connection: close\r\n"))
        async with asyncio.timeout(PATIENCE):
            await heard.left.wait()
        answers = b"".join(heard.pieces).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"200", b"200", b"404"]
        bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
        assert bodies[:3] == [b'{"status":"ok"}', b"", b""]
        assert b"not_found" in bodies[3]


async def test_a_client_is_told_to_go_on_before_it_sends_its_body(served: Served) -> None:
    more = f"{_FORM}Content-Length: 7\r\nExpect: 100-continue\r\n"
    async with connected(served.issuer) as (transport, heard):
        transport.write(head(served, "POST /introspect", more))
        assert await heard.next() == b"HTTP/1.1 100 Continue\r\n\r\n"
        transport.write(b"token=a")
        assert (await heard.next()).startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_asked_ahead_is_told_to_go_on_in_its_turn(served: Served) -> None:
    more = f"{_FORM}Content-Length: 7\r\nExpect: 100-continue\r\n"
    async with connected(served.issuer) as (transport, heard):
        transport.write(head(served, "GET /healthz") + head(served, "POST /introspect", more))
        answers = await heard.next()
        while b"100 Continue" not in answers:
            answers += await heard.next()
        assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answers.endswith(b'{"status":"ok"}HTTP/1.1 100 Continue\r\n\r\n')
        transport.write(b"token=a")
        assert (await heard.next()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("size", [1000, 200_000])
async def test_a_body_in_pieces_is_read_whole_or_refused(served: Served, size: int) -> None:
    more = f"{_FORM}Content-Length: {size}\r\n"
    async with connected(served.issuer) as (transport, heard):
        transport.write(head(served, "POST /introspect", more) + b"a" * (size // 2))
        if size > 100_000:
            assert (await heard.next()).startswith(b"HTTP/1.1 413 ")
        transport.write(b"a" * (size // 2))
        if size < 100_000:
            assert (await heard.next()).startswith(b"HTTP/1.1 400 ")
        transport.write(head(served, "GET /healthz"))
        assert (await heard.next()).startswith(b"HTTP/1.1 200 ")


async def test_a_json_answer_keeps_a_header_that_was_added() -> None:
    answer = wire.json({"a": 1})
    answer.headers["X-Added"] = "yes"
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    for extensions in ({}, EXTENSIONS):
        sent.clear()
        await answer({"type": "http", "extensions": extensions}, cast(Receive, None), send)
        assert (b"x-added", b"yes") in sent[0]["headers"]
        assert sent[1]["body"] == b'{"a":1}'


@pytest.mark.parametrize("extensions", [{}, EXTENSIONS])
async def test_a_json_answer_is_the_same_whole_and_in_messages(extensions: dict[str, Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = extensions
        await wire.json({"a": 1}, 201)(scope, receive, send)

    async with serving(app) as issuer, connected(issuer) as (transport, heard):
        transport.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _, date, *lines = (await heard.next()).split(b"\r\n")
        assert date.startswith(b"date: ")
        assert lines == [
            b"cache-control: no-store",
            b"pragma: no-cache",
            b"content-type: application/json",
            b"content-length: 7",
            b"",
            b'{"a":1}',
        ]


async def test_a_refusal_comes_before_the_body_that_is_too_large_is_sent(served: Served) -> None:
    more = f"{_FORM}Content-Length: 1000000\r\nExpect: 100-continue\r\n"
    async with connected(served.issuer) as (transport, heard):
        transport.write(head(served, "POST /introspect", more))
        assert (await heard.next()).startswith(b"HTTP/1.1 413 ")


@contextlib.asynccontextmanager
async def serving(answer: Callable[..., Awaitable[None]]) -> AsyncIterator[str]:
    """A server with this application, which is asked for HTTP alone; gives its address."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await answer(scope, receive, send)

    sockets = listen(["127.0.0.1"], 0)
    server = server_for(app, None, log_level="critical")
    running = asyncio.create_task(server.serve(sockets))
    await server.ready.wait()
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def answering(*messages: dict[str, Any]) -> AsyncIterator[str]:
    """A server whose application answers everything so; gives its address."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async with serving(answer) as issuer:
        yield issuer


def begun(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def answered(*messages: dict[str, Any], method: str = "GET") -> bytes:
    """All that comes when the application answers so."""
    async with answering(*messages) as issuer, connected(issuer) as (transport, heard):
        request = f"{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        transport.write(request.encode())
        async with asyncio.timeout(PATIENCE):
            await heard.left.wait()
        return b"".join(heard.pieces)


@pytest.mark.parametrize("broken", [b"a\r\nx: y", b"a\nx: y", b"a\rb", b"a\0b", b"a\x7fb"])
async def test_a_header_never_makes_two_of_one_answer(broken: bytes) -> None:
    answer = await answered(begun(200, (b"location", broken)), body(b""))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert broken not in answer


@pytest.mark.parametrize("sent", [b"abc", b"abcde"])
async def test_a_body_that_is_not_as_long_as_it_says_is_never_taken_for_whole(sent: bytes) -> None:
    assert await answered(begun(200, (b"content-length", b"4")), body(sent)) == b""


async def test_an_answer_in_pieces_is_chunked_and_one_without_a_body_is_not() -> None:
    pieces = begun(), body(b"ab", more=True), body(b"", more=True), body(b"c" * 20)
    head, _, chunks = (await answered(*pieces)).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert chunks == b"2\r\nab\r\n14\r\n" + b"c" * 20 + b"\r\n0\r\n\r\n"
    for status, method in ((204, "GET"), (304, "GET"), (200, "HEAD")):
        head, _, rest = (await answered(begun(status), body(b"x"), method=method)).partition(
            b"\r\n\r\n"
        )
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"chunked" not in head
        assert rest == b""


@pytest.mark.parametrize(
    "messages", [[body(b"x")], [begun(), begun(), body(b"x")]], ids=["no head", "two heads"]
)
async def test_what_is_no_answer_is_not_sent(messages: list[dict[str, Any]]) -> None:
    assert (await answered(*messages))[:13] in (b"HTTP/1.1 500 ", b"")


async def test_a_signal_wakes_all_who_wait_also_after_one_gave_up() -> None:
    signal = Signal()
    first, *others = [asyncio.create_task(signal.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    signal.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*others, signal.wait())
    signal.clear()
    waiting = asyncio.create_task(signal.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    signal.set()
    await asyncio.wait_for(waiting, PATIENCE)
