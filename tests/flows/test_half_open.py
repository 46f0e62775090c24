"""Pages that wait and whose reader never reads, or is gone without a word: they hold nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from endorse.server import run
from endorse.server.protocol import end_slow
from tests import serving as stage
from tests.flows import play
from tests.flows.apart import two_machines
from tests.flows.listening import PATIENCE
from tests.flows.play import QUICK
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


def events(tab: play.Tab) -> bytes:
    """The request for a page's event stream."""
    host = tab.served.desk.settings.issuer_host
    head = f"GET /connect/{tab.short}/events HTTP/1.1\r\nHost: {host}\r\nCookie: {tab.cookie}"
    return head.encode() + b"\r\n\r\n"


@contextlib.asynccontextmanager
async def unread(tab: play.Tab) -> AsyncIterator[socket.socket]:
    """A stream whose reader takes hardly anything, once the server has it waiting."""
    loop, waiting = asyncio.get_running_loop(), tab.served.desk.waiting
    before = waiting.count()
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.setblocking(False)
        port = int(tab.served.desk.settings.issuer_host.rsplit(":", 1)[1])
        await loop.sock_connect(lazy, ("127.0.0.1", port))
        await loop.sock_sendall(lazy, events(tab))
        await play.until(lambda: waiting.count() == before + 1)
        yield lazy


async def test_who_never_reads_its_stream_is_sent_away_and_forgotten(
    bank_server: Served,
) -> None:
    served = bank_server
    desk, loop = served.desk, asyncio.get_running_loop()
    tab = await play.begun(served)
    connections = served.connections
    before = set(connections)
    async with unread(tab):
        [connection] = [it for it in connections if it not in before and it.cycle is not None]
        journey = await play.journey_of(tab)
        while not connection.transport.get_write_buffer_size():
            desk.waiting.changed(journey)
            await asyncio.sleep(0)
        now = loop.time()
        for later in (0, 29):
            await end_slow(connections, now + later)
            assert desk.waiting.count() == 1
        await end_slow(connections, now + 31)
        await play.until(lambda: desk.waiting.count() == 0 and connection not in connections)
    assert desk.measures.turned_away == {"slow_reader": 1}


async def test_who_is_gone_without_a_word_is_noticed_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a minute otherwise. That the system counts it for each connection is in test_overload.
    monkeypatch.setattr(run, "_GONE_AFTER", 500)
    loop = asyncio.get_running_loop()
    with two_machines() as (here, there):

        def listen(hosts: Sequence[str], port: int) -> list[socket.socket]:
            sockets = run.listen(hosts, port)
            port = sockets[0].getsockname()[1]
            return sockets + here.do(lambda: run.listen([here.address], port))

        monkeypatch.setattr(stage, "listen", listen)
        async with serving(f"sqlite:///{tmp_path / 'gone.sqlite3'}", QUICK) as served:
            tab, waiting = await play.begun(served), served.desk.waiting
            port = int(served.desk.settings.issuer_host.rsplit(":", 1)[1])
            reader = there.do(lambda: socket.create_connection((here.address, port), 5))
            with reader:
                reader.setblocking(False)
                await loop.sock_sendall(reader, events(tab))
                async with asyncio.timeout(PATIENCE):
                    while b"event: frame" not in await loop.sock_recv(reader, 4096):
                        pass
                assert waiting.count() == 1
                there.ip("link", "set", "cable", "down")
                async with asyncio.timeout(PATIENCE):
                    while waiting.count():  # noqa: ASYNC110 - there is no event to wait for
                        await asyncio.sleep(0.02)
