"""The version before and this one, side by side on one PostgreSQL, while connections go on.

The version before is taken out of the repository's own history and run with the same packages.
About ten seconds, most of it for the starts of the servers.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from endorse.core.policy import WIDE
from endorse.phone import Phone
from endorse.sandbox import SandboxBank
from endorse.server.run import open_desk, opened
from endorse.server.settings import Settings
from endorse.store.opening import look
from tests import parts
from tests.flows import play
from tests.flows.nodes import Balanced
from tests.flows.processes import RealClock
from tests.serving import CALLBACK, App, Served, sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.xdist_group("processes")]

ISSUER = "http://localhost:7"
AT_ONCE = 3
FLOWS = 200 if parts.SOAK else 4
"""Connections at least in each part of the upgrade."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the environment needs so that `python -m endorse` is the version before."""
    folder = tmp_path_factory.mktemp("before")
    parts.version_before(folder)
    return {"PYTHONPATH": str(folder / "src")}


class Load:
    """Connections from beginning to end, each used, refreshed and ended, without any pause."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.done = 0
        self._more = asyncio.Event()

    async def one_after_another(self, phone: Phone) -> None:
        """Connect and disconnect until cancelled; whatever goes wrong is raised."""
        served = self.served
        while True:
            got = await play.tokens(served, phone)
            assert await play.opens(served, got["access_token"])
            again = await play.refresh(served, got["refresh_token"])
            assert again.status_code == 200, again.text
            token = again.json()["access_token"]
            asked = await play.token(served, "/introspect", token=token)
            assert asked.json()["active"], asked.text
            # The old code is worth nothing at any server, nor is what was revoked.
            ended = await play.token(served, "/revoke", token=again.json()["refresh_token"])
            assert ended.status_code == 200
            assert not await play.opens(served, token)
            self.done += 1
            self._more.set()

    async def go_on(self, flows: int = FLOWS) -> None:
        """Wait until so many more are through."""
        until = self.done + flows
        async with asyncio.timeout(60):
            while self.done < until:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def loaded(served: Served) -> AsyncIterator[Load]:
    """Put load on the servers until the end; fail with what went wrong there."""
    load = Load(served)
    phones = [await play.somebody(served) for _ in range(AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(load.one_after_another(phone)) for phone in phones]
        yield load
        for task in tasks:
            task.cancel()


@contextmanager
def server(
    url: str, port: int, folder: Path, env: Mapping[str, str] = MappingProxyType({})
) -> Iterator[None]:
    """Run a server of one version or the other on this port; all have one name."""
    options = (f"--port={port}", f"--issuer={ISSUER}", f"--database={url}")
    with sandbox_process(folder, *options, env=env):
        yield


def registered(url: str, env: dict[str, str]) -> App:
    """A client, registered by the version before."""
    line = ["client", "--database", url, "add", "Old & Co", "--verified", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "endorse", *line, f"--redirect-uri={CALLBACK}"],
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    return App(told["client_id"], told["client_secret"])


@asynccontextmanager
async def speaking(app: App, to: Balanced, folder: Path) -> AsyncIterator[Served]:
    """What connections need of a server; the desk in it is no part of the servers here."""
    database = f"sqlite:///{folder / 'aside.sqlite3'}"
    bank = SandboxBank("endorse", lambda: datetime.now(UTC).date())
    settings = Settings(issuer=ISSUER, database=database, secret=None, policy=WIDE, sandbox=True)
    async with opened(await open_desk(settings, bank, bank)) as desk, play.quiet_client(to) as http:
        yield Served(desk, RealClock(), http, app, app)


async def test_this_version_takes_over_from_the_one_before_and_no_request_notices(
    postgres_url: str, tmp_path: Path, before: dict[str, str]
) -> None:
    first, second, third = (parts.free_port() for _ in range(3))
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(ExitStack())
        servers.enter_context(server(postgres_url, first, tmp_path, before))
        app = registered(postgres_url, before)
        assert "0014_expiry" in [step.name for step in (await look(postgres_url)).pending]
        to = Balanced([first])
        served = await stack.enter_async_context(speaking(app, to, tmp_path))
        load = await stack.enter_async_context(loaded(served))
        await load.go_on()

        # The new version brings the database up to date while the old one works on it.
        starting = server(postgres_url, second, tmp_path)
        await asyncio.to_thread(servers.enter_context, starting)
        assert (await look(postgres_url)).pending == ()
        to._ports = itertools.cycle([first, second])
        await load.go_on()

        # The old one can also start again: it finds a schema that has grown.
        starting = server(postgres_url, third, tmp_path, before)
        await asyncio.to_thread(servers.enter_context, starting)
        to._ports = itertools.cycle([third, second, first])
        await load.go_on()
        to._ports = itertools.cycle([second])
        await load.go_on()
