"""Whole flows a second: page, start, stream, claim, match, review, approve, resume, token."""

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Protocol

from bench import load
from bench.browser import Client, Tab, Tokens
from bench.http import Broken, Connection, Stream
from bench.load import Done, Lane, warming
from bench.phone import SwiftPhone, enrol
from bench.server import Running


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

    async def approved(self) -> tuple[Tab, int]:
        """Go from the page to the approval; give the tab, and how many accounts were approved."""
        here = self._page, self._stream
        tab = self._app.tab(*here) if self._app else Tab(self._facts, *here)
        await tab.open()
        journey = await self._phone.claim(tab.frame)
        await tab.until("claimed")
        accounts = await self._phone.match(journey, tab.number)
        challenge = await self._phone.review(journey, accounts)
        await self._phone.approve(self._phone.signed(journey, challenge))
        await tab.until("approved")
        return tab, len(accounts)

    async def flow(self) -> tuple[Tokens, int]:
        """Run one whole flow; give the tokens, and how many accounts they must open."""
        tab, accounts = await self.approved()
        code, _ = await tab.resume()
        tokens = await self._client.redeem(code, tab.verifier)
        await tab.done()
        return tokens, accounts

    async def check(self, tokens: Tokens, accounts: int) -> None:
        """Find that an access token opens exactly what was approved."""
        if await self._client.accounts(tokens.access_token) != accounts:
            raise Broken("the token does not open the accounts that were approved")

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in (self._page, self._stream, self._api, self._phone.connection):
            connection.close()


class Flows:
    """Lanes of whole flows, and what they must have made in the end."""

    def __init__(self, places: Sequence[Place]) -> None:
        """Run one flow after another at each of these places."""
        self._places = places
        self._seen: set[str] = set()
        self._last: dict[Place, tuple[Tokens, int]] = {}
        self.lanes = [self._lane(place) for place in places]

    def _lane(self, place: Place) -> Lane:
        async def turn() -> None:
            tokens, accounts = await place.flow()
            self._seen.add(tokens.access_token)
            self._last[place] = tokens, accounts

        return Lane(turn, place.close)

    async def check(self, flows: int) -> None:
        """Find an access token for each flow, and that the last of each place opens its accounts.

        Raises Broken.
        """
        if len(self._seen) != flows:
            raise Broken("two flows ended in the same access token")
        for place, last in self._last.items():
            await place.check(*last)


async def measure(server: Running, flows: int, at_once: int, app: App | None = None) -> Done:
    """Run this many flows, `at_once` at a time, after a tenth as many to warm up.

    Raises Broken at the first wrong answer.
    """
    phones = await enrol(server.facts.issuer, at_once)
    work = Flows([Place(server, phone, app) for phone in phones])
    done = await load.counted(server, work.lanes, flows)
    await work.check(warming(flows, at_once) + flows)
    for lane in work.lanes:
        lane.close()
    return done


def check_kept(file: str, flows: int) -> None:
    """Find every flow's grant in a database that no server has open any more. Raises Broken."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        grants: int = database.execute("SELECT count(*) FROM grants").fetchone()[0]
    if grants != flows:
        raise Broken(f"{flows} flows left {grants} grants in the database")
