"""`python -m bench.parts`: what each request of a whole flow costs, without the network.

One flow after another runs against the application itself, in this process: so all time is the
server's own, and two runs differ little. What the HTTP server and the system cost comes on top.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
import uvloop

from bench.browser import Client, Tab
from bench.http import Answer, Connection, OnEvent, Stream
from bench.phone import SwiftPhone, swift
from bench.server import Facts
from endorse.cli.sandbox import keep_client
from endorse.core.policy import WIDE
from endorse.phone import Phone, sandbox_code
from endorse.sandbox import SandboxBank
from endorse.server.app import create_app
from endorse.server.run import open_desk
from endorse.server.settings import Settings

_PORT: Final = 8000
_ISSUER: Final = f"http://localhost:{_PORT}"
_CALLBACK: Final = "http://127.0.0.1:8001/callback"
_PHONES: Final = 32
"""Each of another person, as in the flows' own benchmark."""
_STREAM: Final = "the event stream begins"
_HANDLE: Final = re.compile(r"/[A-Za-z0-9_-]{16,}")

Times = dict[str, list[float]]
"""The processor seconds of each call of each part, without the commits' own thread."""


class Inside(Connection):
    """Takes raw HTTP requests to an application in this process, and notes what each costs."""

    def __init__(self, app: Any, times: Times) -> None:
        """Call this application."""
        super().__init__(_PORT)
        self._app = app
        self._times = times

    async def send(self, request: bytes) -> Answer:
        """Answer a whole request."""
        scope, body = _scope(request)
        head: list[bytes] = []
        said: list[bytes] = []
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                head.extend(name + b": " + value for name, value in message["headers"])
            else:
                said.append(message.get("body", b""))

        self.sent_at = time.perf_counter()
        part = f"{scope['method']} {_HANDLE.sub('/…', scope['path'])}"
        began = time.thread_time()
        await self._app(scope, receive, send)
        self._times.setdefault(part, []).append(time.thread_time() - began)
        head_bytes = b"HTTP/1.1\r\n" + b"\r\n".join(head)
        return Answer(status, head_bytes, b"".join(said), time.perf_counter())


class InsideStream(Stream):
    """The same for event streams: what is sent later counts to the request that caused it."""

    def __init__(self, app: Any, times: Times) -> None:
        """Call this application."""
        super().__init__(_PORT)
        self._app = app
        self._times = times
        self._task: asyncio.Task[None] | None = None

    async def begin(self, request: bytes, on_event: OnEvent) -> None:
        """Ask for a stream."""
        scope, _ = _scope(request)
        begun, over = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            for block in message.get("body", b"").decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
                if "event" in fields:
                    # Later, so that what the browser does with it is not on the server's bill.
                    asyncio.get_running_loop().call_soon(on_event, fields["event"], fields["data"])
                    begun.set()
            if message["type"] == "http.response.body" and not message.get("more_body"):
                over.set()

        began = time.thread_time()
        self._task = asyncio.create_task(self._app(scope, receive, send))
        await begun.wait()
        self._times.setdefault(_STREAM, []).append(time.thread_time() - began)

    async def end(self) -> None:
        """Wait until the stream ended."""
        if self._task is not None:
            await self._task


def _scope(request: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    path, _, query = target.partition(b"?")
    headers = [(name.lower(), value) for name, value in (line.split(b": ", 1) for line in lines)]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", _PORT),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "method": method.decode(),
        "path": path.decode(),
        "raw_path": path,
        "query_string": query,
        "headers": headers,
        "state": {},
    }, body


@contextlib.asynccontextmanager
async def _served(folder: str) -> AsyncIterator[tuple[Any, Facts]]:
    """Give an application of a sandbox with a new database, and what its client needs."""
    settings = Settings(
        issuer=_ISSUER,
        database=f"sqlite:///{folder}/parts.db",
        secret=None,
        policy=WIDE,
        sandbox=True,
    )
    bank = SandboxBank("endorse", lambda: datetime.now(UTC).date())
    desk = await open_desk(settings, bank, bank)
    await keep_client(desk, _CALLBACK)
    secret = desk.keys.sandbox_client.reveal()
    try:
        yield create_app(desk), Facts(_ISSUER, "budgetly", secret, _CALLBACK)
    finally:
        await desk.finish()
        await desk.store.close()


async def _phone(app: Any, times: Times) -> SwiftPhone:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http:
        phone = Phone(_ISSUER, http)
        await phone.enrol(await sandbox_code(_ISSUER, http, None))
    return swift(phone, _ISSUER, Inside(app, times))


async def measure(folder: str, flows: int, around: Callable[[bool], None]) -> Times:
    """Run flows, after a tenth as many to warm up; give what their requests cost.

    `around` is called before and after what is measured. Raises Broken.
    """
    times: Times = {}
    async with _served(folder) as (app, facts):
        phones = [await _phone(app, times) for _ in range(_PHONES)]
        client = Client(facts, Inside(app, times))
        for turn in range(flows + flows // 10):
            if turn == flows // 10:
                times.clear()
                around(True)
            phone = phones[turn % _PHONES]
            tab = Tab(facts, Inside(app, times), InsideStream(app, times))
            await tab.open()
            journey = await phone.claim(tab.frame)
            await tab.until("claimed")
            accounts = await phone.match(journey, tab.number)
            challenge = await phone.review(journey, accounts)
            await phone.approve(phone.signed(journey, challenge))
            await tab.until("approved")
            code, _ = await tab.resume()
            await client.redeem(code, tab.verifier)
            await tab.done()
        around(False)
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description=__doc__)
    parser.add_argument("--flows", type=int, default=500)
    parser.add_argument("--folder", default="/var/tmp", help="where the database is made")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="endorse-parts-", dir=options.folder) as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        times = runner.run(measure(folder, options.flows, lambda _: None))
    total, least = 0.0, 0.0
    for part, each in times.items():
        middle, tenth = statistics.median(each) * 1e6, statistics.quantiles(each, n=10)[0] * 1e6
        total, least = total + middle, least + tenth
        print(f"{part:<34} {middle:7.0f} us, a tenth in {tenth:7.0f} us")
    print(f"{'all of a flow':<34} {total:7.0f} us, a tenth in {least:7.0f} us")


if __name__ == "__main__":
    main()
