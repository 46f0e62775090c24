"""What is asked of a token, and how often in a second one core answers: by introspection, and by
the bank's API with a proof of possession."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from bench.browser import Tokens, expect
from bench.flows import Place
from bench.http import Answer, Broken, Connection
from bench.phone import enrol
from bench.server import Running, cpu_seconds
from bench.strict import StrictApp, StrictClient


@dataclass(frozen=True, slots=True)
class Asked:
    """One measurement of many equal calls; times are seconds."""

    calls: int
    seconds: float
    server_cpu: float
    driver_cpu: float

    @property
    def rate(self) -> float:
        """Give calls a second."""
        return self.calls / self.seconds

    @property
    def on_one_core(self) -> float:
        """Give calls a second of the server's processor time: what one core would answer."""
        return self.calls / self.server_cpu


async def introspection(server: Running, driver: int, calls: int, at_once: int) -> Asked:
    """Ask what a live token is, as the client that it was given to."""
    tokens = await _approved(server, None)
    facts = server.facts
    credentials = f"{quote(facts.client_id)}:{quote(facts.client_secret)}".encode()
    body = urlencode({"token": tokens.access_token}).encode()
    request = (
        f"POST /introspect HTTP/1.1\r\nHost: {facts.issuer.removeprefix('http://')}\r\n"
        f"Authorization: Basic {base64.b64encode(credentials).decode()}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def ask(connection: Connection) -> None:
        _right(await connection.send(request), b'"active":true')

    return await _measured(server, driver, calls, at_once, ask)


async def proven(server: Running, driver: int, calls: int, at_once: int, app: StrictApp) -> Asked:
    """Call the bank's API with a token that is bound by DPoP, each time with a new proof."""
    tokens = await _approved(server, app)
    client = StrictClient(app, Connection(server.port))
    await client.accounts(tokens.access_token)

    async def ask(connection: Connection) -> None:
        answer = await connection.send(client.call(tokens.access_token))
        if app.heard(answer):
            answer = await connection.send(client.call(tokens.access_token))
        _right(answer, b'"accounts"')

    return await _measured(server, driver, calls, at_once, ask)


async def _approved(server: Running, app: StrictApp | None) -> Tokens:
    [phone] = await enrol(server.facts.issuer, 1)
    place = Place(server, phone, app)
    tokens, _ = await place.flow()
    place.close()
    return tokens


async def _measured(
    server: Running,
    driver: int,
    calls: int,
    at_once: int,
    ask: Callable[[Connection], Awaitable[None]],
) -> Asked:
    connections = [Connection(server.port) for _ in range(at_once)]

    async def keep_at_it(turns: Iterator[int], connection: Connection) -> None:
        for _ in turns:
            await ask(connection)

    async def all_of(count: int) -> None:
        turns = iter(range(count))
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(keep_at_it(turns, connection))

    await all_of(max(at_once, calls // 10))
    cpu = server.cpu_seconds(), cpu_seconds(driver)
    began = time.perf_counter()
    await all_of(calls)
    seconds = time.perf_counter() - began
    used = server.cpu_seconds() - cpu[0], cpu_seconds(driver) - cpu[1]
    for connection in connections:
        connection.close()
    return Asked(calls, seconds, *used)


def _right(answer: Answer, holds: bytes) -> None:
    expect(answer, 200, "the call")
    if holds not in answer.body:
        raise Broken(f"the answer is {answer.body[:200].decode()}")
