"""What one connection may take: uvicorn's HTTP protocol with bounds on size, time and number.

uvicorn has no limit on how long a request may take to come, nor on the size of its head. Here a
request is handed on when all of it is there, so that a slow sender occupies nothing but its
connection, and a connection only for a time.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from functools import partial
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from endorse.server.exchange import EXTENSIONS, Exchange, Flow
from endorse.server.limit import network_of
from endorse.server.room import Shared

_RECEIVED_WITHIN: Final = 15.0
"""Seconds for a whole request: the largest, 64 KiB, then comes at 4 kB a second."""
_TAKEN_WITHIN: Final = 30.0
"""Seconds in which a reader must take something of what waits for it."""
_HEAD: Final = 64 * 1024
"""Bytes. The longest parameters in an address and a phone's proof are a quarter of it."""
_FIELDS: Final = 128
"""Header fields. A browser behind two proxies sends thirty; each is looked at several times."""
_REST: Final = 256 * 1024
"""Bytes after a head until its request is whole: four times the body, for chunks that are small."""
_LINGERS: Final = 2.0
"""Seconds, and bytes, in which a connection that was ended still reads: the system would otherwise
take back the answer to whoever is still sending (RFC 9112 9.6)."""
_LINGERS_FOR: Final = 1024 * 1024
_PIPELINED: Final = 8
"""Requests that wait behind another on one connection. Of the smallest, 14,000 come in one read."""
_LOOKS_AT_ONCE: Final = 100
"""Connections. To end them all takes a few milliseconds."""
_RETRY_AFTER: Final = 1

_OVERLOADED: Final = (
    b'{"error":"temporarily_unavailable","error_description":"Too much is asked at this moment.'
    b' Try again in a second."}'
)
_NOWHERE: Final[Any] = deque(maxlen=0)
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Protocol(HttpToolsProtocol):
    """One connection."""

    # Beside uvicorn's own: with more than thirty an object has a table of names of its own.
    __slots__ = (
        "_address",
        "_drains",
        "_ended",
        "_held",
        "_idle_since",
        "_in_head",
        "_of_proxy",
        "_refusing",
        "_shared",
        "_since",
        "_size",
        "_stuck_since",
        "_unread",
        "_unseen",
    )

    cycle: Exchange

    def __init__(self, shared: Shared, **parts: Any) -> None:
        """Take a connection into what all of the server share."""
        super().__init__(**parts)
        self._shared = shared
        # A list: an empty queue has 700 bytes, and hardly anybody asks before the answer has come.
        self.pipeline = []  # type: ignore[assignment]
        self._address = ""
        self._of_proxy = False
        self._since = self.loop.time()
        """When the connection or the request began that is not whole yet; 0 between requests."""
        self._size = 0
        """Bytes of a request that is not whole yet."""
        self._unread = 0
        """Those of them that are counted with the other connections'."""
        self._in_head = True
        self._held: Any = None
        """What will answer the request whose body is still coming."""
        self._unseen = False
        """Whether it is still to be looked at what its head says of that body."""
        self._drains = False
        """Whether the rest of a request that was answered is read, to be thrown away."""
        self._refusing: asyncio.TimerHandle | None = None
        self._ended = False
        self._stuck_since = 0.0
        self._idle_since = 0.0
        """When the last answer was complete and nothing else was asked yet; 0 while there is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        peer = self.client[0] if self.client else ""
        self._of_proxy = peer in self._shared.trusted_proxies
        self._address = peer if self._of_proxy else network_of(peer)
        if self._shared.enter(self._address, self._of_proxy):
            self._shared.turned_away["connections_of_address"] += 1
            transport.abort()
        elif len(self.connections) > self._shared.room.connections:
            self._end(503, "Service Unavailable", "connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all that was counted for it."""
        super().connection_lost(exc)
        self._shared.leave(self._address)
        self._count(0)
        self._held = None
        if self._refusing is not None:
            self._refusing.cancel()

    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds of a head, a body and all that is unread."""
        self._size += len(data)
        if self._ended:
            if self._size > _LINGERS_FOR:
                self.transport.abort()
            return
        self._idle_since = 0.0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # a wish, which is not granted: the request is answered as any other
        except httptools.HttpParserError as broken:
            self.send_400_response(str(broken))
        if self._unseen:
            self._unseen = False
            if self._held is not None:
                self._look_at_rest()
        if self._since:
            self._bound()
        elif self.cycle.response_complete:
            # Empty lines before a request begin nothing, and put off that uvicorn hangs up.
            self._since = self.loop.time()

    def _bound(self) -> None:
        """Hold what is not whole to its bounds."""
        if self._in_head and self._size > _HEAD:
            self._end(431, "Request Header Fields Too Large", "large_head")
        elif self._size > _HEAD + _REST and not self._drains:
            self._end(413, "Content Too Large", "large_rest")
        elif self._count(self._size if self._in_head or self._held else 0):
            self._end(503, "Service Unavailable", "unread")

    def _count(self, unread: int) -> bool:
        """Count so many bytes as unread; say whether all together are too many."""
        more, self._unread = unread - self._unread, unread
        return more != 0 and self._shared.hold(self._address, self._of_proxy, more)

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Its head is whole. An exception stops the parser, which then says `send_400_response`."""
        if len(self.headers) > _FIELDS or len(self.pipeline) >= _PIPELINED:
            raise ValueError("more than one connection may take")
        if self._size > _HEAD and self._head_too_large():
            raise ValueError("more than one connection may take")
        self._begin_exchange()
        self._in_head = False
        # Fields after a body would otherwise join those that were looked at, and come last.
        self.headers = _NOWHERE

    def _begin_exchange(self) -> None:
        """Do as uvicorn does, without what is never asked for here."""
        parser = self.parser
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "extensions": EXTENSIONS,
        }
        before: Any = self.cycle
        self.cycle = Exchange(
            scope,
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.expect_100_continue,
            version != "1.0" and parser.should_keep_alive(),
            self.on_response_complete,
        )
        if before is None or before.response_complete:
            # Mostly all of it came in one piece, and then the rest is here already.
            self._held, self._unseen = self.app, True
        else:
            # Sent before the answer to the one before had come: it waits for that.
            self.flow.pause_reading()
            self.pipeline.insert(0, (self.cycle, self.app))

    def _head_too_large(self) -> bool:
        if len(self.headers) > _FIELDS:
            return True
        # Most of what came may be a body that was sent along.
        return self._size > _HEAD and sum(len(n) + len(v) for n, v in self.headers) > _HEAD

    def send_400_response(self, msg: str) -> None:
        """End what is no HTTP, or more of it than is taken."""
        if self._in_head and self.headers and self._head_too_large():
            self._end(431, "Request Header Fields Too Large", "large_head")
        else:
            self._end(400, "Bad Request", "broken")

    def _look_at_rest(self) -> None:
        """Ask for a body that is not there yet; or have it refused, if its head says enough."""
        cycle = self.cycle
        self._drains = _declared(cycle) > HIGH_WATER_LIMIT
        if self._drains:
            self._hand_on(cycle, self._held)
        elif cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of its body; one that is too long is not waited for, but refused inside."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
            if self._held is not None:
                self._drains = _declared(cycle) > HIGH_WATER_LIMIT
                self._hand_on(cycle, self._held)
        if self._held is None:
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """All of it is there."""
        cycle = self.cycle
        cycle.more_body = False
        self._since, self._size, self._in_head, self._drains = 0.0, 0, True, False
        if self._unread:
            self._count(0)
        if self._held is not None:
            self._hand_on(cycle, self._held)
        else:
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """The answer is written; `end_if_slow` ends the connection if nothing more is asked."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if not self.pipeline:
            self._idle_since = self.loop.time()
            return
        cycle, app = cast("tuple[Exchange, Any]", self.pipeline.pop())
        if cycle is not self.cycle or not cycle.more_body:
            self._hand_on(cycle, app)
        else:
            self._held = app
            self._look_at_rest()

    def _hand_on(self, cycle: Exchange, app: Any) -> None:
        """Let a request be answered: by the application, if there is room and it may be asked."""
        self._held = None
        shared = self._shared
        refused = shared.refuses(cycle.scope)
        if refused is not None:
            app = refused
            # A proxy's connection is for others too.
            if shared.refused_after and not self._of_proxy:
                start = self._start_asgi_task
                self._refusing = self.loop.call_later(shared.refused_after, start, cycle, app)
                return
        elif (
            len(self.tasks) >= shared.room.requests
            and len(self.tasks) - shared.waiting() >= shared.room.requests
        ):
            shared.turned_away["requests"] += 1
            app = _overloaded
        self._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # As uvicorn does it, but with a name: asyncio would write one for each.
        task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, name="request")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def end_if_slow(self, now: float) -> None:
        """End the connection if its other side sends or reads too slowly."""
        if self._ended and now - self._since > _LINGERS:
            self.transport.abort()
        elif self._since and not self._ended and now - self._since > _RECEIVED_WITHIN:
            self._end(408, "Request Timeout", "slow_sender")
        elif not self.transport.get_write_buffer_size():
            self._stuck_since = 0.0
            if self._idle_since and now - self._idle_since > self.timeout_keep_alive:
                self.transport.close()
        elif not self._stuck_since:
            self._stuck_since = now
        elif now - self._stuck_since > _TAKEN_WITHIN:
            self._shared.turned_away["slow_reader"] += 1
            self.transport.abort()

    def _end(self, status: int, reason: str, why: str) -> None:
        """End the connection, with an answer if something was begun and is not being answered."""
        self._shared.turned_away[why] += 1
        last = cast("Exchange | None", self.cycle)
        idle = last is None or last.response_complete
        under_way = not idle if self._in_head else self._held is None
        asked = status == 503 or self._size > 0
        self._count(0)
        if self._held is not None:
            self._held, self.cycle.response_complete = None, True
        if under_way or not asked or len(self.connections) > self._shared.room.connections * 5 // 4:
            self.transport.abort()
        elif not self.transport.is_closing():
            again = f"retry-after: {_RETRY_AFTER}\r\n" if status == 503 else ""
            rest = f"{again}content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(f"HTTP/1.1 {status} {reason}\r\n{rest}".encode())
            self.transport.write_eof()
            self._ended, self._size, self._since = True, 0, self.loop.time()


def _declared(cycle: Exchange) -> int:
    """Give how long a body its head says to come."""
    fields = cycle.scope["headers"]
    return max((int(value) for name, value in fields if name == b"content-length"), default=0)


def protocol_for(shared: Shared) -> Any:
    """Give what uvicorn calls for each connection."""
    return partial(Protocol, shared)


async def end_slow(connections: Collection[Any], now: float) -> None:
    """End every connection whose other side is too slow; `now` in the event loop's seconds.

    Others are served in between: of those who send slowly many are over in the same second.
    """
    for number, connection in enumerate(list(connections)):
        if number % _LOOKS_AT_ONCE == 0:
            await asyncio.sleep(0)
        if connection in connections:
            connection.end_if_slow(now)


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that there is too much to do (RFC 9110 15.6.4)."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_OVERLOADED)).encode()),
        (b"retry-after", str(_RETRY_AFTER).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _OVERLOADED})
