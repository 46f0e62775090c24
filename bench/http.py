"""A lean HTTP/1.1 client: what a general one costs would be measured along with the server."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_HEAD_ENDS = b"\r\n\r\n"
ADDRESS = "127.0.0.1"
# The server hangs up after 5 s of silence; who sends just then hears nothing.
_FRESH_SECONDS = 3.0


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


OnEvent = Callable[[str, str], None]
"""Called with the name and the data of each server-sent event."""


class _Wire(asyncio.Protocol):
    """One connection, for one exchange at a time. `over` is set when that has ended well."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.last = time.perf_counter()
        self._buffer = b""
        self._over: asyncio.Future[Answer | None] | None = None

    @classmethod
    async def to(cls, port: int, old: Self | None, address: str | None = None) -> Self:
        """Give the old connection if it is fresh, or else a new one from this address."""
        if old is not None and old.transport is not None and not old.transport.is_closing():
            if time.perf_counter() - old.last < _FRESH_SECONDS:
                return old
            old.transport.close()
        wire = cls()
        loop = asyncio.get_running_loop()
        here = None if address is None else (address, 0)
        wire.transport, _ = await loop.create_connection(
            lambda: wire, ADDRESS, port, local_addr=here
        )
        return wire

    def write(self, request: bytes) -> "asyncio.Future[Answer | None]":
        """Send a request; the future ends with its answer, or None at the end of a stream."""
        if self.transport is None:
            raise Broken("no connection")
        self._over = asyncio.get_running_loop().create_future()
        self.last = time.perf_counter()
        self.transport.write(request)
        return self._over

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._finish(Broken(f"the server hung up: {exc}"))

    def _finish(self, outcome: Answer | Broken | None) -> None:
        if self._over is None or self._over.done():
            return
        self.last = time.perf_counter()
        if isinstance(outcome, Broken):
            self._over.set_exception(outcome)
            # Whoever hung up before the end does not ask; that is no error of its own.
            self._over.exception()
        else:
            self._over.set_result(outcome)


class _Whole(_Wire):
    """Collects whole answers."""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_ENDS)
        if end < 0:
            return
        head, start = self._buffer[:end], end + 4
        length = _LENGTH.search(head)
        if length is None:
            self._chunked(head, start)
            return
        whole = start + int(length[1])
        if len(self._buffer) < whole:
            return
        body, self._buffer = self._buffer[start:whole], self._buffer[whole:]
        self._answered(head, body)

    def _chunked(self, head: bytes, start: int) -> None:
        """Finish if the last chunk is there (RFC 9112 7.1); no server here sends trailers."""
        if _CHUNKED.search(head) is None:
            self._finish(Broken(f"an answer without its length: {head.decode('latin-1')}"))
            return
        body = b""
        while (line := self._buffer.find(b"\r\n", start)) >= 0:
            size = int(self._buffer[start:line], 16)
            start = line + 2 + size + 2
            if len(self._buffer) < start:
                return
            if size == 0:
                self._buffer = self._buffer[start:]
                self._answered(head, body)
                return
            body += self._buffer[line + 2 : start - 2]

    def _answered(self, head: bytes, body: bytes) -> None:
        self._finish(Answer(int(head[9:12]), head, body, time.perf_counter()))


class _Events(_Wire):
    """Tells server-sent events as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._open = False
        self._on_event: OnEvent = lambda _name, _data: None

    def begin(self, request: bytes, on_event: OnEvent) -> "asyncio.Future[Answer | None]":
        self._text, self._open, self._on_event = "", False, on_event
        return self.write(request)

    def data_received(self, data: bytes) -> None:
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
        self._open = head[9:12] == b"200" and _CHUNKED.search(head) is not None
        if not self._open or b"text/event-stream" not in head:
            self._finish(Broken(f"no event stream: {head.decode('latin-1')}"))
            return False
        return True

    def _tell(self, text: str) -> None:
        *blocks, self._text = (self._text + text).split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in fields:
                self._on_event(fields["event"], fields["data"])


class Connection:
    """Carries one request after another over a kept connection."""

    def __init__(self, port: int, address: str | None = None) -> None:
        """Speak to this port of this machine; the first request connects, from this address."""
        self._port = port
        self._address = address
        self._wire: _Whole | None = None
        self.sent_at = 0.0
        """The time.perf_counter() at which the last request was handed to the system."""

    async def send(self, request: bytes) -> Answer:
        """Send a whole request and give its answer. Raises Broken, OSError."""
        self._wire = await _Whole.to(self._port, self._wire, self._address)
        self.sent_at = time.perf_counter()
        answer = await self._wire.write(request)
        if answer is None:
            raise Broken("no answer")
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()


class Stream:
    """Carries one event stream after another over a kept connection."""

    def __init__(self, port: int, address: str | None = None) -> None:
        """Speak to this port of this machine; the first stream connects, from this address."""
        self._port = port
        self._address = address
        self._wire: _Events | None = None
        self._over: asyncio.Future[Answer | None] | None = None

    async def begin(self, request: bytes, on_event: OnEvent) -> None:
        """Ask for a stream; its events are told as they come, until `end`."""
        self._wire = await _Events.to(self._port, self._wire, self._address)
        self._over = self._wire.begin(request, on_event)

    async def end(self) -> None:
        """Wait until the server ended the stream in good order. Raises Broken."""
        if self._over is not None:
            await self._over

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()
