"""What others notice of floods and slow senders, and what becomes of more than can be done."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bench.browser import Client, Tab
from bench.http import Connection, Stream
from bench.phone import SwiftPhone, enrol
from bench.server import Memory, Running

_PEOPLE: Final = 64
_SEED: Final = 13
_SETTLES: Final = 3.0
"""Seconds after which an address has used up the calls that it may make at once."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """What people noticed while somebody attacked, or nobody did. Times are seconds."""

    flows: list[float]
    """From the request of the page to the tokens."""
    approvals: list[float]
    """From the approval to its 303."""
    came: float
    """Flows a second that came."""
    server_busy: float
    memory: Memory
    told: Counter[str] = field(default_factory=Counter)
    """What the attacker was told how often."""


class _Person:
    """One who comes from an address of their own, with connections that stay open."""

    def __init__(self, server: Running, phone: SwiftPhone, address: str) -> None:
        self.phone = phone
        self.page = Connection(server.port, address)
        self.stream = Stream(server.port, address)
        phone.connection = Connection(server.port, address)

    def close(self) -> None:
        for connection in (self.page, self.stream, self.phone.connection):
            connection.close()


class People:
    """Those who go whole ways at moments of their own, so many a second."""

    def __init__(self, server: Running, phones: list[SwiftPhone]) -> None:
        """Give each an address of their own."""
        self._server = server
        self._free: asyncio.Queue[_Person] = asyncio.Queue()
        self._draw = random.Random(_SEED)
        for number, phone in enumerate(phones):
            self._free.put_nowait(_Person(server, phone, f"127.0.1.{number + 1}"))

    async def come(self, seconds: float, rate: float) -> Noticed:
        """Let people come for so long."""
        flows: list[float] = []
        approvals: list[float] = []
        cpu, began = self._server.cpu_seconds(), time.perf_counter()
        due = began
        async with asyncio.TaskGroup() as people:
            while due < began + seconds:
                people.create_task(self._go(flows, approvals))
                due += self._draw.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        took = time.perf_counter() - began
        busy = (self._server.cpu_seconds() - cpu) / took
        return Noticed(flows, approvals, len(flows) / took, busy, self._server.memory())

    async def _go(self, flows: list[float], approvals: list[float]) -> None:
        # Who finds all phones busy waits, and that counts.
        began = time.perf_counter()
        person = await self._free.get()
        tab = Tab(self._server.facts, person.page, person.stream)
        await tab.open()
        journey = await person.phone.claim(tab.frame)
        await tab.until("claimed")
        accounts = await person.phone.match(journey, tab.number)
        approval = person.phone.signed(journey, await person.phone.review(journey, accounts))
        answered = asyncio.create_task(person.phone.approve(approval))
        sent = time.perf_counter()
        await tab.until("approved")
        code, came = await tab.resume()
        await answered
        approvals.append(came - sent)
        await Client(self._server.facts, person.page).redeem(code, tab.verifier)
        flows.append(time.perf_counter() - began)
        await tab.done()
        self._free.put_nowait(person)

    def close(self) -> None:
        """Hang up everywhere."""
        while not self._free.empty():
            self._free.get_nowait().close()


async def notice(
    server: Running, how: str, connections: int, seconds: float, rate: float
) -> tuple[Noticed, Noticed]:
    """Let people come twice as long: first alone, then while one address attacks."""
    people = People(server, await enrol(server.facts.issuer, _PEOPLE))
    await people.come(seconds / 5, rate)
    alone = await people.come(seconds, rate)
    with _attacking(how, server.port, seconds + _SETTLES + 1, connections) as attack:
        await asyncio.sleep(_SETTLES)
        attacked = await people.come(seconds, rate)
        said, _ = await asyncio.to_thread(attack.communicate)
    people.close()
    attacked.told.update(msgspec.json.decode(said, type=dict[str, int]))
    return alone, attacked


@contextmanager
def _attacking(
    how: str, port: int, seconds: float, connections: int
) -> Iterator["subprocess.Popen[bytes]"]:
    line = [sys.executable, "-m", "bench.attack", how, str(port), str(seconds), str(connections)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
