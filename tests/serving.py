"""A real server for tests: in this process with a clock that moves, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import httpx2
import msgspec

from endorse.core import client as rules
from endorse.core import device
from endorse.core.change import AddClient
from endorse.core.metadata import Metadata
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES, WIDE, Policy
from endorse.phone import Phone, sandbox_code
from endorse.sandbox import SandboxBank
from endorse.server.app import create_app
from endorse.server.desk import Desk
from endorse.server.run import listen, open_desk, server_for
from endorse.server.settings import Settings
from endorse.server.traces import Traces
from tests.overheard import OVERHEARD

CALLBACK = "https://app.example/callback"


class MovableClock:
    """The server's time, which a test can move forward (or, to try it, back)."""

    def __init__(self) -> None:
        self.now = int(datetime.now(UTC).timestamp())

    def __call__(self) -> int:
        return self.now

    def move(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(frozen=True)
class App:
    """A registered third-party app, with the secret that was shown once."""

    client_id: str
    secret: str
    redirect_uri: str = CALLBACK

    @property
    def basic(self) -> httpx2.BasicAuth:
        """Its credentials for client_secret_basic."""
        return httpx2.BasicAuth(self.client_id, self.secret)


@dataclass
class Served:
    """A running server and what a test needs to speak to it."""

    desk: Desk
    clock: MovableClock
    http: httpx2.AsyncClient
    app: App
    public_app: App
    connections: Collection[Any] = ()
    """All that are open, as the server has them."""
    phones: dict[str, Phone] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The server's address."""
        return self.desk.issuer

    def url(self, path: str) -> str:
        """An address of the server."""
        return self.issuer + path

    def authorize_url(self, **changed: str | None) -> str:
        """A good authorization URL of `app`; a parameter set to None is left out."""
        params: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "state": "a state",
            "scope": " ".join(SCOPES),
            **changed,
        }
        sent = {name: value for name, value in params.items() if value is not None}
        return str(httpx2.URL(self.url("/auth"), params=sent))

    async def phone(self, person: str = "anna") -> Phone:
        """An enrolled phone of this person, signed in; the same one at each call.

        Its clock is the server's, so that it still works after `clock.move` (until its session
        ends).
        """
        if person not in self.phones:
            phone = Phone(self.issuer, self.http, clock=self.clock)
            await phone.enrol(await sandbox_code(self.issuer, self.http, person))
            self.phones[person] = phone
        return self.phones[person]


@contextlib.asynccontextmanager
async def serving(
    database: str,
    policy: Policy = WIDE,
    sandbox: bool = True,
    registered: tuple[str, ...] = (CALLBACK,),
    traces: Traces | None = None,
    **changed: Any,
) -> AsyncIterator[Served]:
    """Serve in this process and event loop, on real sockets, with a clock that stands still.

    Two apps are registered: one with a secret, one public. `changed` are further settings.
    """
    sockets = listen(["127.0.0.1", "::1"], 0)
    issuer = f"http://localhost:{sockets[0].getsockname()[1]}"
    settings = Settings(
        issuer=issuer,
        database=database,
        secret=None,
        policy=policy,
        sandbox=sandbox,
        **changed,
    )
    clock = MovableClock()
    bank = SandboxBank("tests", lambda: datetime.fromtimestamp(clock(), UTC).date())
    desk = await open_desk(settings, bank, bank, clock, traces=traces)
    app, public_app = [await register(desk, public, registered) for public in (False, True)]
    server = server_for(create_app(desk), desk)
    running = asyncio.create_task(server.serve(sockets))
    await server.ready.wait()
    try:
        async with httpx2.AsyncClient(timeout=30) as http:
            open_here = server.server_state.connections
            yield Served(desk, clock, http, app, public_app, open_here)
    finally:
        server.should_exit = True
        await running


async def register(desk: Desk, public: bool, redirect_uris: tuple[str, ...] = (CALLBACK,)) -> App:
    """Register an app of these addresses, with a secret or a public one."""
    secret, stored = rules.new_secret(secrets.token_bytes, desk.clock())
    name = "public" if public else "confidential"
    client = Client(
        client_id=f"app-{name}",
        name="Budget & Co",
        legal_name="Budget & Co B.V.",
        redirect_uris=redirect_uris,
        scope=SCOPES,
        public=public,
        verified=True,
        duration=90 * DAY,
        created_at=desk.clock(),
        secrets=() if public else (stored,),
        metadata=Metadata(
            token_endpoint_auth_method="none" if public else "client_secret_basic",
            grant_types=(*Metadata().grant_types, device.GRANT_TYPE),
        ),
    )
    await desk.store.change([AddClient(client)], desk.clock())
    return App(client.client_id, "" if public else secret.reveal(), redirect_uris[0])


class Sandbox(msgspec.Struct, frozen=True):
    """What `endorse sandbox --json` printed when it was ready."""

    issuer: str
    app: str
    client_id: str
    client_secret: str
    redirect_uri: str
    people: list[str]


@dataclass(frozen=True)
class SandboxProcess:
    """A running `endorse sandbox`."""

    facts: Sandbox
    line: str
    process: subprocess.Popen[str]
    errors: Path


@contextlib.contextmanager
def sandbox_process(
    folder: Path, *options: str, env: Mapping[str, str] = MappingProxyType({})
) -> Iterator[SandboxProcess]:
    """Run `endorse sandbox` on free ports, with these further options; stop it at the end.

    `folder` takes its log (`errors`), `env` is added to the environment.
    """
    errors = folder / f"sandbox-{secrets.token_hex(4)}.log"
    ports = () if any(option.startswith("--port") for option in options) else ("--port=0",)
    apps = () if any(option.startswith("--app-port") for option in options) else ("--app-port=0",)
    with errors.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "endorse", "sandbox", *ports, *apps, "--json", *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "default", **env},
        )
    try:
        line = _first_line(process.stdout)
        if not line:
            raise RuntimeError(f"endorse sandbox did not start:\n{errors.read_text()}")
        yield SandboxProcess(msgspec.json.decode(line, type=Sandbox), line, process, errors)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
        OVERHEARD.log(errors.read_text())


def _first_line(output: IO[str] | None) -> str:
    return output.readline() if output is not None else ""
