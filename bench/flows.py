"""Whole flows a second: page, start, stream, claim, match, review, approve, resume, token."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.browser import Client, Tab, Tokens
from bench.http import Broken, Connection, Stream
from bench.phone import SwiftPhone, enrol
from bench.server import Running, cpu_seconds


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of many flows. Times are seconds, `cpu` of each side for one flow."""

    flows: int
    all_flows: int
    """With those that warmed up."""
    seconds: float
    server_cpu: float
    driver_cpu: float

    @property
    def rate(self) -> float:
        """Give flows a second."""
        return self.flows / self.seconds

    @property
    def server_busy(self) -> float:
        """Give the share of its core that the server used."""
        return self.server_cpu * self.rate

    @property
    def driver_busy(self) -> float:
        """Give the share of its core that the driver used."""
        return self.driver_cpu * self.rate


class App(Protocol):
    """A third-party app that goes its own way to tokens."""

    def tab(self, connection: Connection, stream: Stream) -> Tab:
        """Give the tab of one more flow."""
        ...

    def client(self, connection: Connection) -> Client:
        """Give the side that redeems."""
        ...


class Place:
    """Where one flow after another runs: a phone, and connections that stay open."""

    def __init__(self, server: Running, phone: SwiftPhone, app: App | None = None) -> None:
        """Run flows of this app, of the sandbox's own if none is given."""
        self._app = app
        self._facts = server.facts
        self._phone = phone
        self._page = Connection(server.port)
        self._stream = Stream(server.port)
        self._api = Connection(server.port)
        self._client = app.client(self._api) if app else Client(server.facts, self._api)

    async def flow(self) -> tuple[Tokens, int]:
        """Run one whole flow; give the tokens, and how many accounts they must open."""
        here = self._page, self._stream
        tab = self._app.tab(*here) if self._app else Tab(self._facts, *here)
        await tab.open()
        journey = await self._phone.claim(tab.frame)
        await tab.until("claimed")
        accounts = await self._phone.match(journey, tab.number)
        challenge = await self._phone.review(journey, accounts)
        await self._phone.approve(self._phone.signed(journey, challenge))
        await tab.until("approved")
        code, _ = await tab.resume()
        tokens = await self._client.redeem(code, tab.verifier)
        await tab.done()
        return tokens, len(accounts)

    async def check(self, tokens: Tokens, accounts: int) -> None:
        """Find that an access token opens exactly what was approved."""
        if await self._client.accounts(tokens.access_token) != accounts:
            raise Broken("the token does not open the accounts that were approved")

    async def keep_at_it(self, turns: Iterator[int], made: list[Tokens]) -> None:
        """Run flows while there are turns left; look behind the last token."""
        tokens, accounts = None, 0
        for _ in turns:
            tokens, accounts = await self.flow()
            made.append(tokens)
        if tokens is not None:
            await self.check(tokens, accounts)

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in (self._page, self._stream, self._api, self._phone.connection):
            connection.close()


async def measure(
    server: Running, driver: int, flows: int, at_once: int, app: App | None = None
) -> Round:
    """Run this many flows, `at_once` at a time, after a tenth as many to warm up.

    `driver` is the process id of the caller. Raises Broken at the first wrong answer.
    """
    places = [Place(server, phone, app) for phone in await enrol(server.facts.issuer, at_once)]
    warming = len(await _run(places, max(at_once, flows // 10)))
    cpu = server.cpu_seconds(), cpu_seconds(driver)
    began = time.perf_counter()
    made = await _run(places, flows)
    seconds = time.perf_counter() - began
    server_cpu = (server.cpu_seconds() - cpu[0]) / flows
    driver_cpu = (cpu_seconds(driver) - cpu[1]) / flows
    for place in places:
        place.close()
    if len(made) != flows or len({tokens.access_token for tokens in made}) != flows:
        raise Broken("two flows ended in the same access token")
    return Round(flows, warming + flows, seconds, server_cpu, driver_cpu)


def check_kept(file: str, round_: Round) -> None:
    """Find every flow's grant in a database that no server has open any more. Raises Broken."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        grants: int = database.execute("SELECT count(*) FROM grants").fetchone()[0]
    if grants != round_.all_flows:
        raise Broken(f"{round_.all_flows} flows left {grants} grants in the database")


async def _run(places: list[Place], flows: int) -> list[Tokens]:
    turns = iter(range(flows))
    made: list[Tokens] = []
    async with asyncio.TaskGroup() as all_places:
        for place in places:
            all_places.create_task(place.keep_at_it(turns, made))
    return made
