"""A sandbox server as a process that a test can kill, and that is back at once.

Each is forked from a process that has loaded everything: to start Python anew takes ten times as
long, and nothing of a killed server is in the next one either way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import uvloop

from endorse.core.client import new_secret
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES
from endorse.sandbox import SandboxBank
from endorse.server.app import create_app
from endorse.server.run import listen, open_desk, server_for
from endorse.server.settings import Settings
from tests.flows.play import QUICK
from tests.serving import CALLBACK, App

START_SECONDS = 30
LAW = msgspec.structs.replace(QUICK, approvals=1000, starts_a_minute=10_000, refresh_retry=300)
"""One person connects again and again, and a lost answer is asked for again by a slow machine."""

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload([__name__])


def an_app(now: int) -> tuple[App, Client]:
    """A third-party app with a secret, and how it is registered."""
    secret, stored = new_secret(lambda length: b"s" * length, now)
    client = Client(
        client_id="app",
        name="Budget & Co",
        legal_name="Budget & Co B.V.",
        redirect_uris=(CALLBACK,),
        scope=SCOPES,
        public=False,
        verified=True,
        duration=90 * DAY,
        created_at=now,
        secrets=(stored,),
    )
    return App(client.client_id, secret.reveal()), client


@contextlib.asynccontextmanager
async def forked(database: str, port: int, log: Path) -> AsyncIterator[Killable]:
    """Run a server on this database and port; kill it at the end, if it still runs."""
    told, telling = _fork.Pipe(duplex=False)
    process = _fork.Process(target=_run, args=(database, port, str(log), telling))
    process.start()
    telling.close()
    server = Killable(process)
    try:
        await asyncio.to_thread(_wait_until_ready, told, log)
        yield server
    finally:
        server.kill()
        told.close()
        process.close()


class Killable:
    """A process that can be ended like by a cut of its power."""

    def __init__(self, process: multiprocessing.context.ForkServerProcess) -> None:
        """Take a process that was started."""
        self._process = process

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.join()


def _wait_until_ready(told: Connection, log: Path) -> None:
    with contextlib.suppress(EOFError):
        if told.poll(START_SECONDS) and told.recv() == "ready":
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


def _run(database: str, port: int, log: str, telling: Connection) -> None:
    logging.basicConfig(filename=log, format="%(levelname)s %(message)s")
    uvloop.run(_serve(database, port, telling))


async def _serve(database: str, port: int, telling: Connection) -> None:
    settings = Settings(
        issuer=f"http://localhost:{port}",
        database=database,
        secret=None,
        policy=LAW,
        sandbox=True,
    )
    bank = SandboxBank("tests", lambda: datetime.now(UTC).date())
    desk = await open_desk(settings, bank, bank)
    server = server_for(create_app(desk), desk)
    running = asyncio.create_task(server.serve(listen(["127.0.0.1"], port)))
    await server.ready.wait()
    telling.send("ready")
    await running
