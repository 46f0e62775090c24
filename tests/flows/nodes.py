"""Two servers on one database, behind one address: what is guarded only in one process shows."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import httpx2

from endorse.sandbox import SandboxBank
from endorse.server.app import create_app
from endorse.server.run import listen, open_desk, server_for
from tests.flows.play import quiet_client
from tests.serving import Served


class Balanced(httpx2.AsyncBaseTransport):
    """Sends requests to the ports in turn, under the issuer's own name."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = itertools.cycle(ports)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
        self._inner = httpx2.AsyncHTTPTransport(limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextlib.asynccontextmanager
async def doubled(served: Served) -> AsyncIterator[Served]:
    """Run a second server beside `served`, whose client then speaks to both in turn.

    Gives the second, whose client speaks to it alone.
    """
    settings, clock = served.desk.settings, served.clock
    bank = served.desk.bank
    assert isinstance(bank, SandboxBank)
    sockets = listen(["127.0.0.1", "::1"], 0)
    desk = await open_desk(settings, bank, bank, clock)
    server = server_for(create_app(desk), desk)
    running = asyncio.create_task(server.serve(sockets))
    await server.ready.wait()
    ports = [int(settings.issuer.rsplit(":", 1)[1]), sockets[0].getsockname()[1]]
    alone = served.http
    try:
        async with (
            quiet_client(Balanced(ports)) as served.http,
            quiet_client(Balanced(ports[1:])) as second,
        ):
            yield Served(desk, clock, second, served.app, served.public_app)
    finally:
        served.http = alone
        server.should_exit = True
        await running
