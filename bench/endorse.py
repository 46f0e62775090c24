"""Endorse at the works that every server is measured at, and one call that only checks a token."""

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from bench import calls, works
from bench.browser import SCOPE, TOKENS, Client, Tokens
from bench.calls import basic, good, same
from bench.flows import Flows, Place
from bench.http import Connection
from bench.load import Lane, Work
from bench.phone import enrol
from bench.server import Running

_SCOPE = f'"scope":"{SCOPE}"'.encode()
_OWN = b'"scope":"directory"'


class _Machine(msgspec.Struct, frozen=True):
    """A client that asks for itself alone."""

    client_id: str
    client_secret: str


class Endorse:
    """A running server, and what it takes to ask it for each work."""

    def __init__(self, server: Running, database: str) -> None:
        """Register a client that asks for itself, beside the running server."""
        self._server = server
        self._host = server.facts.issuer.removeprefix("http://")
        facts = server.facts
        self._app = basic(facts.client_id, facts.client_secret)
        machine = _register(database)
        self._machine = basic(machine.client_id, machine.client_secret)
        self.works: Mapping[str, works.Prepare] = {
            works.FLOW: self._flow,
            works.CODE: self._code,
            works.REFRESH: self._refresh,
            works.CREDENTIALS: self._credentials,
            works.INTROSPECTION: self._introspection,
            works.API: self._api,
            works.CHECK: self._directory,
        }

    async def _flow(self, at_once: int) -> Work:
        return Work(Flows(await self._places(at_once)).lanes)

    async def _code(self, at_once: int) -> Work:
        codes = deque(await self._codes(at_once))
        units = len(codes)

        def lane() -> Lane:
            connection = Connection(self._server.port)
            client = Client(self._server.facts, connection)

            async def turn() -> None:
                await client.redeem(*codes.popleft())

            return Lane(turn, connection.close)

        return Work([lane() for _ in range(at_once)], units)

    async def _refresh(self, at_once: int) -> Work:
        places = await self._places(at_once)
        held = deque(tokens for tokens, _ in await works.made([place.flow for place in places]))

        def lane(place: Place) -> Lane:
            connection = Connection(self._server.port)

            async def turn() -> None:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": held.popleft().refresh_token,
                }
                request = calls.post(self._host, "/token", form, self._app)
                answer = good(await connection.send(request), _SCOPE)
                held.append(TOKENS.decode(answer.body))

            def close() -> None:
                connection.close()
                place.close()

            return Lane(turn, close)

        return Work([lane(place) for place in places])

    async def _credentials(self, at_once: int) -> Work:
        form = {"grant_type": "client_credentials", "scope": "directory"}
        request = calls.post(self._host, "/token", form, self._machine)
        return Work([same(self._server.port, request, _OWN) for _ in range(at_once)])

    async def _introspection(self, at_once: int) -> Work:
        def lane(tokens: Tokens) -> Lane:
            form = {"token": tokens.access_token}
            request = calls.post(self._host, "/introspect", form, self._app)
            return same(self._server.port, request, b'"active":true')

        return Work([lane(tokens) for tokens in await self._tokens(at_once)])

    async def _api(self, at_once: int) -> Work:
        def lane(tokens: Tokens) -> Lane:
            request = calls.get(self._host, "/v1/accounts", f"Bearer {tokens.access_token}")
            return same(self._server.port, request, b'"accounts":[{')

        return Work([lane(tokens) for tokens in await self._tokens(at_once)])

    async def _directory(self, at_once: int) -> Work:
        form = {"grant_type": "client_credentials", "scope": "directory"}
        asking = calls.post(self._host, "/token", form, self._machine)
        connection = Connection(self._server.port)
        lanes = []
        for _ in range(at_once):
            answer = good(await connection.send(asking), _OWN)
            token: str = msgspec.json.decode(answer.body)["access_token"]
            request = calls.get(self._host, "/v1/directory", f"Bearer {token}")
            lanes.append(same(self._server.port, request, b'"longestConnectionDays"'))
        connection.close()
        return Work(lanes)

    async def _places(self, count: int) -> list[Place]:
        phones = await enrol(self._server.facts.issuer, count)
        return [Place(self._server, phone) for phone in phones]

    async def _tokens(self, count: int) -> list[Tokens]:
        """Give the tokens of as many grants of as many people."""
        places = await self._places(count)
        made = await asyncio.gather(*(place.flow() for place in places))
        for place in places:
            place.close()
        return [tokens for tokens, _ in made]

    async def _codes(self, at_once: int) -> list[tuple[str, str]]:
        """Give codes that wait to be redeemed, with what proves whose they are."""

        async def make(place: Place) -> tuple[str, str]:
            tab, _ = await place.approved()
            code, _ = await tab.resume()
            await tab.done()
            return code, tab.verifier

        places = await self._places(at_once)
        codes = await works.made([partial(make, place) for place in places])
        for place in places:
            place.close()
        return codes


def _register(database: str) -> _Machine:
    line = [str(Path(sys.executable).parent / "endorse"), "client", "--database", database]
    line += ["add", "Clearing", "--grant-type", "client_credentials", "--json"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=_Machine)
