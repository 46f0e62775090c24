"""Four times as much as a server can do: what it answers, how late, and what is left afterwards."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final, cast

from bench import load
from bench.browser import Tab
from bench.calls import same
from bench.http import ADDRESS, Broken, Connection, Stream
from bench.load import Work
from bench.server import Running

_TIMES: Final = 4
_CONNECTIONS: Final = 4096
_OPENING_AT_ONCE: Final = 64
_AT_ONCE: Final = 32
_PAGE: Final = b"Budgetly"
_TICK: Final = 0.001


@dataclass(slots=True)
class Shed:
    """One measurement. Times are seconds, rates are pages a second."""

    able: float = 0.0
    """What the server can do, when each page comes as soon as another is there."""
    offered: float = 0.0
    driver_busy: float = 0.0
    served: list[float] = field(default_factory=list)
    """How long each page took that was answered."""
    shed: list[float] = field(default_factory=list)
    """How long each took that was told 503 with Retry-After."""
    wrong: int = 0
    """How many were answered otherwise."""
    seconds: float = 0.0
    resting: int = 0
    """Resident memory before, in bytes, and the most there ever was."""
    most: int = 0
    again: float = 0.0
    """What the server can do afterwards."""


async def measure(server: Running, seconds: float) -> Shed:
    """Ask for pages four times as fast as they can come, whatever becomes of those before."""
    done = Shed()
    tab = Tab(server.facts, Connection(server.port), Stream(server.port))
    host = server.facts.issuer.removeprefix("http://")
    request = f"GET /auth?{await tab.query()} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    done.able = await _able(server, request)
    done.resting = server.memory().now
    crowd = _Crowd(server.port, request, done)
    await crowd.gather()
    own = time.process_time()
    await crowd.ask(done.able * _TIMES, seconds)
    done.driver_busy = (time.process_time() - own) / done.seconds
    done.most = server.memory().most
    crowd.close()
    done.again = await _able(server, request)
    return done


async def _able(server: Running, request: bytes) -> float:
    lanes = [same(server.port, request, _PAGE) for _ in range(_AT_ONCE)]
    return (await load.measure(server, Work(lanes), 3.0)).rate


class _Crowd:
    """Connections that ask when they are told to, of which each waits for one answer at a time."""

    def __init__(self, port: int, request: bytes, done: Shed) -> None:
        self._port = port
        self._request = request
        self._done = done
        self._free: deque[_Asking] = deque()
        self._all: list[_Asking] = []

    async def gather(self) -> None:
        """Connect them all."""
        turns = iter(range(_CONNECTIONS))

        async def connect() -> None:
            for _ in turns:
                loop = asyncio.get_running_loop()
                _, asking = await loop.create_connection(self._new, ADDRESS, self._port)
                self._all.append(asking)
                self._free.append(asking)

        await asyncio.gather(*(connect() for _ in range(_OPENING_AT_ONCE)))

    def _new(self) -> "_Asking":
        return _Asking(self._free, self._done)

    async def ask(self, rate: float, seconds: float) -> None:
        """Ask at this rate, as often as there is a connection that is free."""
        began = time.perf_counter()
        asked = 0
        while (now := time.perf_counter()) < began + seconds:
            for _ in range(min(int((now - began) * rate) - asked, len(self._free))):
                self._free.popleft().ask(self._request, time.perf_counter())
                asked += 1
            await asyncio.sleep(_TICK)
        self._done.seconds = time.perf_counter() - began
        self._done.offered = asked / self._done.seconds
        async with asyncio.timeout(30):
            while len(self._free) < len(self._all):  # noqa: ASYNC110 - thousands of small events
                await asyncio.sleep(_TICK)

    def close(self) -> None:
        """Hang up everywhere."""
        for asking in self._all:
            asking.close()


class _Asking(asyncio.Protocol):
    """One connection."""

    def __init__(self, free: "deque[_Asking]", done: Shed) -> None:
        self._free = free
        self._done = done
        self._asked_at = 0.0
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, now: float) -> None:
        """Send the request. Raises Broken if the server hung up."""
        if self._transport is None:
            raise Broken("the server hung up")
        self._asked_at = now
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        took = time.perf_counter() - self._asked_at
        if head[9:12] == b"200" and _PAGE in body:
            self._done.served.append(took)
        elif head[9:12] == b"503" and b"retry-after: " in head:
            self._done.shed.append(took)
        else:
            self._done.wrong += 1
        self._heard = b""
        self._free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
