"""A server around an application that only says what it got, to try the connections alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from endorse.server.protocol import end_slow
from endorse.server.room import Room, Shared
from endorse.server.run import Server, listen, server_for
from tests.flows import play
from tests.flows.listening import PATIENCE

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"


class App:
    """Answers with the body that it got; a GET waits until it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.answer = b""
        self.fields: list[tuple[bytes, bytes]] = []
        """Of the last request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.calls += 1
        self.fields = scope["headers"]
        body = (await receive())["body"] or self.answer
        if scope["method"] == "GET":
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Stage:
    """The application behind a server."""

    def __init__(self, app: App, server: Server, host: str, port: int) -> None:
        self.turned_away = server.shared.turned_away
        self.app = app
        self.server = server
        self.host = host
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that the server has taken."""
        connections = self.server.server_state.connections
        before = len(connections)
        pair = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        await play.until(lambda: len(connections) > before)
        return pair

    def taken(self) -> Any:
        """The only connection, as the server has it."""
        [connection] = self.server.server_state.connections
        return connection

    async def look(self, seconds: float) -> None:
        """Look for slow connections as if so many seconds had passed."""
        now = asyncio.get_running_loop().time()
        await end_slow(self.server.server_state.connections, now + seconds)


@contextlib.asynccontextmanager
async def staged(
    room: Room, waiting: int = 0, host: str = "127.0.0.1", **more: Any
) -> AsyncIterator[Stage]:
    """A server with so much room, of whose answers so many are known to wait."""
    app = App()
    sockets = listen([host], 0)
    server = server_for(app, None, Shared(room, lambda: waiting, **more))
    running = asyncio.create_task(server.serve(sockets))
    await server.ready.wait()
    try:
        yield Stage(app, server, host, sockets[0].getsockname()[1])
    finally:
        app.go.set()
        server.should_exit = True
        await running


async def seen(stage: Stage, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the server has read this, which is not whole."""
    reader, writer = await stage.connect()
    connection = stage.taken()
    writer.write(sent)
    await play.until(lambda: connection._size)
    return reader, writer


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server hangs up, however it does."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    return b""


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The status line of an answer with a chunked body, which is read too."""
    async with asyncio.timeout(PATIENCE):
        raw = await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"0\r\n\r\n")
    return raw.split(b"\r\n")[0]
