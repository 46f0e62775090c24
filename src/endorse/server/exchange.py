"""One request and its answer, between uvicorn's protocol and the application (ASGI 3.0, HTTP 2.3).

uvicorn's own exchange, with an answer that costs less: its head goes together with the first of
its body, and its headers are looked through once. An answer of ours that is whole comes in one
message, which is an extension of ASGI: `WHOLE`.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_BROKEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What stands in no header (RFC 9110 5.5): with a line's end in it one answer could become two."""
_WITHOUT_BODY: Final = (204, 304)
_START: Final = "http.response.start"
WHOLE: Final = "endorse.response"
"""The message of a whole answer: its `status`, `body`, and `head`, lines that each have their end.

The lines are written as they are, so they hold nothing that came from outside. Content-Length is
added to them. A scope that has this name among its `extensions` takes such a message.
"""
EXTENSIONS: Final[dict[str, dict[str, Any]]] = {WHOLE: {}}


class Signal:
    """An `asyncio.Event` that has its queue, of 700 bytes, only once somebody waits: as a list."""

    __slots__ = ("_waiters", "is_set")

    def __init__(self, is_set: bool = False) -> None:
        """Begin so."""
        self.is_set = is_set
        self._waiters: list[asyncio.Future[None]] | None = None

    def set(self) -> None:
        """Wake all who wait."""
        self.is_set = True
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Let those wait who come from now on."""
        self.is_set = False

    async def wait(self) -> None:
        """Go on when it is set."""
        if self.is_set:
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

    logger = logging.getLogger("uvicorn.error")
    scope: Scope  # type: ignore[assignment]

    def __init__(  # what uvicorn's own takes, without what is never used here
        self,
        scope: Scope,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[tuple[bytes, bytes]],
        expects: bool,
        keep_alive: bool,
        on_response: Callable[[], None],
    ) -> None:
        """Take a request whose head is there; `expects` to be told to go on with its body."""
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.waiting_for_100_continue = expects
        self.keep_alive = keep_alive
        self.on_response = on_response
        # Set: the application is asked when there is something to be told.
        self.message_event = Signal(is_set=True)  # type: ignore[assignment]
        self.disconnected = False
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding = False
        self.expected_content_length = 0
        self._head = b""
        """The head of the answer, until the first of the body comes."""
        self._bodiless = scope["method"] == "HEAD"

    async def send(self, message: Any) -> None:
        """Take a piece of the answer. Waits only while the connection takes nothing, and first.

        Raises RuntimeError for what is no answer: the application is broken then.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        begins = kind in (_START, WHOLE)
        if self.response_complete or begins is self.response_started:
            raise RuntimeError(f"{kind} at a wrong moment")
        if kind == WHOLE:
            self._answer(message["status"], message["head"], message["body"])
        elif self.response_started:
            self._go_on(message.get("body", b""), message.get("more_body", False))
        else:
            self._begin(message["status"], message.get("headers", ()))

    def _answer(self, status: int, head: bytes, body: bytes) -> None:
        self.response_started = True
        close = b"" if self.keep_alive else b"connection: close\r\n"
        always = _lines(*self.default_headers)
        length, body = len(body), b"" if self._bodiless else body
        self.transport.write(
            b"%b%b%bcontent-length: %d\r\n%b\r\n%b"
            % (STATUS_LINE[status], always, head, length, close, body)
        )
        self._complete()

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
        lines = [b"%b: %b" % it for it in headers]
        if _BROKEN.search(b"".join(lines)):
            raise RuntimeError("a header holds what none may hold")
        if self.chunked_encoding:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")
        lines.append(b"\r\n")
        always = _lines(*self.default_headers)
        self._head = b"%b%b%b" % (STATUS_LINE[status], always, b"\r\n".join(lines))
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
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def receive(self) -> Any:
        """Give what came of the request; wait for more of it, or for the end of the exchange."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        signal: Any = self.message_event
        if not self.disconnected and not self.response_complete:
            if self.flow.read_paused:
                self.flow.resume_reading()
            if not signal.is_set:
                await signal.wait()
            signal.is_set = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}


@lru_cache(2)
def _lines(*headers: tuple[bytes, bytes]) -> bytes:
    """Write what stands in every answer; it changes once a second, with the date."""
    return b"".join([b"%b: %b\r\n" % it for it in headers])
