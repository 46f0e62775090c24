"""One request and its answer, between uvicorn's protocol and the application (ASGI 3.0, HTTP 2.3).

uvicorn's own exchange, with an answer that costs less: its head goes together with the first of
its body, and its headers are looked through once.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_BROKEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What stands in no header (RFC 9110 5.5): with a line's end in it one answer could become two."""
_WITHOUT_BODY: Final = (204, 304)
_START: Final = "http.response.start"


class Signal:
    """An `asyncio.Event` that has its queue, of 700 bytes, only once somebody waits: as a list."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self, is_set: bool = False) -> None:
        """Begin so."""
        self._is_set = is_set
        self._waiters: list[asyncio.Future[None]] | None = None

    def set(self) -> None:
        """Wake all who wait."""
        self._is_set = True
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Let those wait who come from now on."""
        self._is_set = False

    async def wait(self) -> None:
        """Go on when it is set."""
        if self._is_set:
            return
        if self._waiters is None:
            self._waiters = []
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            self._waiters.remove(waiter)


class Flow(FlowControl):
    """uvicorn's flow control of one connection, with a `Signal`."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Begin with room to write."""
        self._transport = transport
        self.read_paused = False
        self.write_paused = False
        self._is_writable_event = Signal(is_set=True)  # type: ignore[assignment]


class Exchange(RequestResponseCycle):
    """One request, whose answer is written in as few pieces as it can be."""

    def __init__(self, **parts: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(**parts)
        self._head = b""
        """The head of the answer, until the first of the body comes."""
        self._bodiless = self.scope["method"] == "HEAD"

    async def send(self, message: Any) -> None:
        """Take a piece of the answer. Waits only while the connection takes nothing, and first.

        Raises RuntimeError for what is no answer: the application is broken then.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_complete or (message["type"] == _START) is self.response_started:
            raise RuntimeError(f"{message['type']} at a wrong moment")
        if self.response_started:
            self._go_on(message.get("body", b""), message.get("more_body", False))
        else:
            self._begin(message["status"], message.get("headers", ()))

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.waiting_for_100_continue = False
        self._bodiless = self._bodiless or status in _WITHOUT_BODY
        self.chunked_encoding = not self._bodiless
        headers = list(headers)
        for name, value in headers:
            if name == b"content-length":
                self.expected_content_length = 0 if self._bodiless else int(value)
                self.chunked_encoding = False
            elif name == b"connection":
                self.keep_alive = self.keep_alive and value.lower() != b"close"
        lines = [b"%b: %b" % it for it in (*self.default_headers, *headers)]
        if _BROKEN.search(b"".join(lines)):
            raise RuntimeError("a header holds what none may hold")
        if self.chunked_encoding:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")
        self._head = b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(lines))
        self.response_started = True

    def _go_on(self, body: bytes, more: bool) -> None:
        if self._bodiless:
            body = b""
        elif self.chunked_encoding:
            last = b"" if more else b"0\r\n\r\n"
            body = b"%x\r\n%b\r\n%b" % (len(body), body, last) if body else last
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("the body is not as long as its Content-Length says")
        piece, self._head = self._head + body, b""
        if piece:
            self.transport.write(piece)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
