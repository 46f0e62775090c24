"""How fast a page hears of its phone while many pages wait."""

import asyncio
import random
import time
from dataclasses import dataclass

from bench.browser import Client, Tab
from bench.http import Broken, Connection, Stream
from bench.phone import SwiftPhone, enrol
from bench.server import Running

_PHONES = 32
_OPENING_AT_ONCE = 16
_SEED = 7
_FRAME_LIVES = 4.0
"""Seconds: twice as long as a page waits for its next frame; a phone takes one of up to 6 s."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """One measurement. Times are seconds; the shares are of a core."""

    claims: list[float]
    approvals: list[float]
    server_busy: float
    driver_busy: float
    memory_before: int
    """Resident memory of the server in bytes, before the first page."""
    memory_waiting: int
    """The same when all pages waited."""
    memory_most: int
    """The most it ever was."""
    longest_gap: float
    """The most seconds that any page waited for its next frame."""


class _Crowd:
    """Pages that wait with open streams; one that was approved is replaced by a new one."""

    def __init__(self, server: Running, pages: int) -> None:
        self._server = server
        self._size = pages
        self._tabs: asyncio.Queue[Tab] = asyncio.Queue()
        self._streams: list[Stream] = []

    async def gather(self) -> None:
        """Open all pages, some at a time."""
        turns = iter(range(self._size))

        async def open_some() -> None:
            for _ in turns:
                await self.join()

        async with asyncio.TaskGroup() as opening:
            for _ in range(_OPENING_AT_ONCE):
                opening.create_task(open_some())

    async def join(self) -> None:
        """Open one more page. It keeps its stream; what loaded it is hung up."""
        connection, stream = Connection(self._server.port), Stream(self._server.port)
        self._streams.append(stream)
        tab = Tab(self._server.facts, connection, stream)
        await tab.open()
        connection.close()
        self._tabs.put_nowait(tab)

    async def take(self) -> Tab:
        """Give the page that has waited longest."""
        return await self._tabs.get()

    def longest_gap(self) -> float:
        """Give the most seconds between two frames of a page that waits; each must be fresh."""
        now = time.perf_counter()
        waiting = [self._tabs.get_nowait() for _ in range(self._tabs.qsize())]
        stale = sum(now - tab.frame_at > _FRAME_LIVES for tab in waiting)
        if stale or len(waiting) != self._size:
            raise Broken(f"{len(waiting)} pages wait, {stale} of them with an old frame")
        return max(tab.longest_gap for tab in waiting)

    def close(self) -> None:
        """Hang up everywhere."""
        for stream in self._streams:
            stream.close()


async def measure(
    server: Running, pages: int, samples: int, every: float, phones_at: int = 0
) -> Latencies:
    """Approve `samples` of `pages` waiting pages, one each `every` seconds on average.

    Approvals come as people do, at moments of their own: none waits for the one before.
    Phones call the port `phones_at` of another server, if one is given.
    Raises Broken at the first wrong answer.
    """
    phones: asyncio.Queue[SwiftPhone] = asyncio.Queue()
    for phone in await enrol(server.facts.issuer, _PHONES, phones_at):
        phones.put_nowait(phone)
    before = server.memory()
    crowd = _Crowd(server, pages)
    await crowd.gather()
    waiting = server.memory()
    claims: list[float] = []
    approvals: list[float] = []
    draw = random.Random(_SEED)
    cpu = server.cpu_seconds(), time.process_time()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as people:
        for _ in range(samples):
            approval = _approve(server, crowd, phones, claims, approvals, phones_at > 0)
            people.create_task(approval)
            await asyncio.sleep(draw.expovariate(1 / every))
    seconds = time.perf_counter() - began
    server_busy = (server.cpu_seconds() - cpu[0]) / seconds
    driver_busy = (time.process_time() - cpu[1]) / seconds
    longest_gap, most = crowd.longest_gap(), server.memory().most
    crowd.close()
    return Latencies(
        claims,
        approvals,
        server_busy,
        driver_busy,
        memory_before=before.now,
        memory_waiting=waiting.now,
        memory_most=most,
        longest_gap=longest_gap,
    )


async def _approve(
    server: Running,
    crowd: _Crowd,
    phones: asyncio.Queue[SwiftPhone],
    claims: list[float],
    approvals: list[float],
    from_afar: bool,
) -> None:
    tab, phone = await crowd.take(), await phones.get()
    journey = await phone.claim(tab.frame)
    scanned = phone.connection.sent_at
    claims.append(await tab.until("claimed") - scanned)
    accounts = await phone.match(journey, tab.number)
    approval = phone.signed(journey, await phone.review(journey, accounts))
    answered = asyncio.create_task(phone.approve(approval))
    await tab.until("approved")
    # A browser's own connection has long been closed when the person has decided.
    fresh = Connection(server.port)
    code, came = await tab.resume(fresh)
    await answered
    approvals.append(came - phone.connection.sent_at)
    await Client(server.facts, fresh).redeem(code, tab.verifier)
    await tab.done(from_afar)
    fresh.close()
    phones.put_nowait(phone)
    await crowd.join()
