"""A lean HTTP/1.1 client: what a general one costs would be measured along with the server."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_HEAD_ENDS = b"\r\n\r\n"
ADDRESS = "127.0.0.1"


class Broken(Exception):
    """The server did not answer as it must. The benchmark stops: its numbers would be wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `at` is the time.perf_counter() at which its last byte came."""

    status: int
    head: bytes
    body: bytes
    at: float

    def header(self, name: bytes) -> str:
        """Give the value of the first header of this name, or ""."""
        found = re.search(rb"\r\n" + name + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else ""


class Connection(asyncio.Protocol):
    """One keep-alive connection that carries one request at a time, opened again if it closed."""

    def __init__(self, port: int) -> None:
        """Speak to this port of this machine; the first request connects."""
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiter: asyncio.Future[Answer] | None = None
        self.sent_at = 0.0
        """The time.perf_counter() at which the last request was handed to the system."""

    async def send(self, request: bytes) -> Answer:
        """Send a whole request and give its answer. Raises Broken, OSError."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            self._buffer = b""
            self._transport, _ = await loop.create_connection(lambda: self, ADDRESS, self._port)
        self._waiter = loop.create_future()
        self.sent_at = time.perf_counter()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Broken(f"the server hung up: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._buffer += data
        end = self._buffer.find(_HEAD_ENDS)
        if end < 0:
            return
        head = self._buffer[:end]
        status = int(head[9:12])
        length = _LENGTH.search(head)
        if length is None and status != 204:
            self._answer(Broken(f"an answer {status} without its length"))
            return
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        self._answer(Answer(status, head, body, time.perf_counter()))

    def _answer(self, answer: Answer | Broken) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if isinstance(answer, Broken):
            self._waiter.set_exception(answer)
        else:
            self._waiter.set_result(answer)


OnEvent = Callable[[str, str], None]
"""Called with the name and the data of each server-sent event."""


class Stream(asyncio.Protocol):
    """Server-sent events over one connection, which can carry one stream after another."""

    def __init__(self, port: int) -> None:
        """Speak to this port of this machine; the first stream connects."""
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._text = ""
        self._open = False
        self._on_event: OnEvent = lambda _name, _data: None
        self._over: asyncio.Future[None] | None = None

    async def begin(self, request: bytes, on_event: OnEvent) -> None:
        """Ask for a stream; its events are told as they come, until `end`."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            self._buffer = b""
            self._transport, _ = await loop.create_connection(lambda: self, ADDRESS, self._port)
        self._on_event = on_event
        self._over = loop.create_future()
        self._open = False
        self._text = ""
        self._transport.write(request)

    async def end(self) -> None:
        """Wait until the server ended the stream in good order. Raises Broken."""
        if self._over is not None:
            await self._over

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits for the end."""
        self._transport = None
        self._finish(Broken(f"the event stream broke: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Take the chunks apart, and the events in them."""
        self._buffer += data
        if not self._open and not self._head():
            return
        while (line := self._buffer.find(b"\r\n")) >= 0:
            size = int(self._buffer[:line], 16)
            whole = line + 2 + size + 2
            if len(self._buffer) < whole:
                return
            chunk, self._buffer = self._buffer[line + 2 : whole - 2], self._buffer[whole:]
            if size == 0:
                self._finish(None)
                return
            self._tell(chunk.decode())

    def _head(self) -> bool:
        end = self._buffer.find(_HEAD_ENDS)
        if end < 0:
            return False
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        if head[9:12] != b"200" or b"text/event-stream" not in head or not _CHUNKED.search(head):
            self._finish(Broken(f"no event stream: {head.decode('latin-1')}"))
            return False
        self._open = True
        return True

    def _tell(self, text: str) -> None:
        *blocks, self._text = (self._text + text).split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in fields:
                self._on_event(fields["event"], fields["data"])

    def _finish(self, problem: Broken | None) -> None:
        if self._over is None or self._over.done():
            return
        if problem is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(problem)
            # Whoever left before the end does not ask; that is no error of its own.
            self._over.exception()
