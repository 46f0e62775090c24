"""What one connection may take: uvicorn's HTTP protocol with bounds on size, time and number.

uvicorn has no limit on how long a request may take to come, nor on the size of its head. Here a
request is handed on when all of it is there, so that a slow sender occupies nothing but its
connection, and a connection only for a time.
"""

import asyncio
from collections.abc import Callable, Collection, MutableMapping
from functools import partial
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
import msgspec
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from endorse.server.exchange import Exchange, Flow, Signal

_RECEIVED_WITHIN: Final = 15.0
"""Seconds for a whole request: the largest, 64 KiB, then comes at 4 kB a second."""
_TAKEN_WITHIN: Final = 30.0
"""Seconds in which a reader must take something of what waits for it."""
_HEAD: Final = 64 * 1024
"""Bytes. The longest parameters in an address and a phone's proof are a quarter of it."""
_RETRY_AFTER: Final = 1


class Room(msgspec.Struct, frozen=True):
    """How much a server takes on at once."""

    connections: int = 16_384
    """Of 14 kB each when a page waits on it."""
    requests: int = 512
    """Whole requests that are being answered, beside the pages and phones that wait. At 3,000 a
    second the last one has its answer after a sixth of a second."""


ROOM: Final = Room()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        room: Room,
        waiting: Callable[[], int],
        turned_away: MutableMapping[str, int],
        **parts: Any,
    ) -> None:
        """Take connections while there is room; `waiting` counts the answers that stay open.

        `turned_away` is added to: who was sent away unheard, by why.
        """
        super().__init__(**parts)
        self._turned_away = turned_away
        # A list: an empty queue has 700 bytes, and hardly anybody asks before the answer has come.
        self.pipeline = []  # type: ignore[assignment]
        self._room = room
        self._waiting = waiting
        self._since = self.loop.time()
        """When the connection or the request began that is not whole yet; 0 between requests."""
        self._head = 0
        """Bytes of a head that is not whole yet; -1 after it."""
        self._held: Any = None
        self._stuck_since = 0.0
        self._idle_since = 0.0
        """When the last answer was complete and nothing else was asked yet; 0 while there is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        if len(self.connections) > self._room.connections:
            self._end(503, "Service Unavailable", "connections")

    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds of a head."""
        if self._head >= 0:
            self._head += len(data)
        super().data_received(data)
        if self._head > _HEAD:
            self._end(431, "Request Header Fields Too Large", "large_head")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Its head is whole. As in uvicorn, without what is never asked for here."""
        self._head = -1
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = cast("RequestResponseCycle | None", self.cycle)
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=Signal(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            # Sent before the answer to the one before had come: it waits for that.
            self.flow.pause_reading()
            self.pipeline.insert(0, (self.cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle is self.cycle and cycle.more_body and not self._answered_early(cycle):
            self._held = app
        else:
            self._hand_on(cycle, app)

    def _answered_early(self, cycle: RequestResponseCycle) -> bool:
        """Say whether a request is handed on before its body: it asks first, or is too long."""
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        return cycle.waiting_for_100_continue or max(lengths, default=0) > HIGH_WATER_LIMIT

    def on_body(self, body: bytes) -> None:
        """A piece of its body; one that is too long is not waited for, but refused inside."""
        super().on_body(body)
        if self._held is not None and len(self.cycle.body) > HIGH_WATER_LIMIT:
            self._hand_on(self.cycle, self._held)

    def on_message_complete(self) -> None:
        """All of it is there."""
        super().on_message_complete()
        self._since, self._head = 0.0, 0
        if self._held is not None:
            self._hand_on(self.cycle, self._held)

    def on_response_complete(self) -> None:
        """The answer is written; `end_if_slow` ends the connection if nothing more is asked."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = 0.0

    def _hand_on(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._held = None
        full = len(self.tasks) - self._waiting() >= self._room.requests
        if full:
            self._turned_away["requests"] += 1
        super()._start_asgi_task(cycle, _overloaded if full else app)

    def end_if_slow(self, now: float) -> None:
        """End the connection if its other side sends or reads too slowly."""
        if self._since and now - self._since > _RECEIVED_WITHIN:
            self._end(408, "Request Timeout", "slow_sender")
        elif not self.transport.get_write_buffer_size():
            self._stuck_since = 0.0
            if self._idle_since and now - self._idle_since > self.timeout_keep_alive:
                self.transport.close()
        elif not self._stuck_since:
            self._stuck_since = now
        elif now - self._stuck_since > _TAKEN_WITHIN:
            self._turned_away["slow_reader"] += 1
            self.transport.abort()

    def _end(self, status: int, reason: str, why: str) -> None:
        """End the connection, with an answer if something was begun and is not being answered."""
        self._turned_away[why] += 1
        cycle = cast("RequestResponseCycle | None", self.cycle)
        under_way = cycle is not None and not cycle.response_complete and self._held is None
        asked = status == 503 or self._head != 0
        self._since, self._head, self._held = 0.0, 0, None
        if under_way or not asked:
            self.transport.abort()
        elif not self.transport.is_closing():
            again = f"retry-after: {_RETRY_AFTER}\r\n" if status == 503 else ""
            rest = f"{again}content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(f"HTTP/1.1 {status} {reason}\r\n{rest}".encode())
            self.transport.close()


def protocol_for(
    room: Room, waiting: Callable[[], int], turned_away: MutableMapping[str, int]
) -> Any:
    """Give what uvicorn calls for each connection."""
    return partial(Protocol, room, waiting, turned_away)


def end_slow(connections: Collection[Any], now: float) -> None:
    """End every connection whose other side is too slow; `now` in the event loop's seconds."""
    for connection in list(connections):
        connection.end_if_slow(now)


async def _overloaded(scope: Any, receive: Any, send: Any) -> None:
    """Say that there is too much to do (RFC 9110 15.6.4)."""
    headers = [
        (b"content-type", b"application/json"),
        (b"retry-after", str(_RETRY_AFTER).encode()),
        (b"cache-control", b"no-store"),
    ]
    body = (
        b'{"error":"temporarily_unavailable","error_description":"Too much is asked at this moment.'
        b' Try again in a second."}'
    )
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
