"""How soon an approval brings the browser back while people come and approve all the time."""

import asyncio
import random
import time
from dataclasses import dataclass

from bench import load
from bench.browser import Client, Tab
from bench.flows import Flows, Place
from bench.http import Connection, Stream
from bench.load import Work
from bench.phone import SwiftPhone, enrol
from bench.server import Memory, Running

_AT_ONCE = 32
_PHONES = 96
_FULL_SECONDS = 4.0
_SEED = 11
_QUIET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Busy:
    """One measurement."""

    full: float
    """Flows a second, if each comes as soon as another is through."""
    came: float
    """Flows a second that came, at moments of their own, about half of those."""
    approvals: list[float]
    """Seconds from each approval to its 303."""
    at_rest: Memory
    """Before that, and after the flows that warmed up: nothing going on."""


class _Spot:
    """Connections of a person who comes, which others used before."""

    def __init__(self, server: Running, phone: SwiftPhone) -> None:
        self.phone = phone
        self.page = Connection(server.port)
        self.stream = Stream(server.port)

    def close(self) -> None:
        for connection in (self.page, self.stream, self.phone.connection):
            connection.close()


async def measure(server: Running, seconds: float) -> Busy:
    """Find the most flows that the server can do, let it rest, then let half as many come."""
    phones = await enrol(server.facts.issuer, _PHONES)
    flows = Flows([Place(server, phone) for phone in phones[:_AT_ONCE]])
    full = (await load.measure(server, Work(flows.lanes), _FULL_SECONDS)).rate
    await asyncio.sleep(_QUIET_SECONDS)
    at_rest = server.memory()
    spots: asyncio.Queue[_Spot] = asyncio.Queue()
    for phone in phones:
        spots.put_nowait(_Spot(server, phone))
    draw = random.Random(_SEED)
    approvals: list[float] = []
    coming = 0
    began = time.perf_counter()
    due = began
    async with asyncio.TaskGroup() as people:
        while due < began + seconds:
            people.create_task(_come(server, spots, approvals))
            coming += 1
            due += draw.expovariate(full / 2)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
    took = time.perf_counter() - began
    while not spots.empty():
        spots.get_nowait().close()
    return Busy(full, coming / took, approvals, at_rest)


async def _come(server: Running, spots: asyncio.Queue[_Spot], approvals: list[float]) -> None:
    """Go the whole way. Who finds all phones busy waits: so `came` tells what load it was."""
    spot = await spots.get()
    phone = spot.phone
    tab = Tab(server.facts, spot.page, spot.stream)
    await tab.open()
    journey = await phone.claim(tab.frame)
    await tab.until("claimed")
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
    await tab.done()
    fresh.close()
    spots.put_nowait(spot)
