"""A bank and Budgetly in this process, on real sockets, with a clock that a test moves."""

from __future__ import annotations

import asyncio
import secrets
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from endorse.core.change import ChangeClient
from endorse.core.policy import ASKABLE, Policy
from endorse.sandbox import budgetly
from endorse.server.run import listen, server_for
from endorse.store import reads
from tests.serving import Served, serving

# The app imports it late; it prefers httpx2, and says so when it is first imported.
with warnings.catch_warnings(record=True, action="ignore"):
    import authlib.integrations.httpx_client  # noqa: F401


@dataclass(frozen=True)
class Town:
    """A running bank, and the address of the app that its people connect."""

    bank: Served
    app: str

    def authorize_url(self) -> str:
        """What Budgetly opens, here without Budgetly."""
        return self.bank.authorize_url(redirect_uri=self.bank.app.redirect_uri)

    def lapse(self) -> None:
        """Let the time of the code on the screen pass."""
        self.bank.clock.move(self.bank.desk.law.code_shown)


@asynccontextmanager
async def town(database: str, policy: Policy, *, sandbox: bool = True) -> AsyncIterator[Town]:
    """Open both until the end; without `sandbox` the bank's people need its codes."""
    sockets = listen(["127.0.0.1"], 0)
    here = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    registered = (f"{here}/callback",)
    async with serving(database, policy, sandbox=sandbox, registered=registered) as bank:
        await _name_the_app(bank)
        app = budgetly.create_app(
            bank.issuer,
            bank.app.client_id,
            bank.app.secret,
            bank.app.redirect_uri,
            secrets.token_urlsafe(32),
        )
        server = server_for(app, None)
        running = asyncio.create_task(server.serve(sockets))
        await server.ready.wait()
        try:
            yield Town(bank, here)
        finally:
            server.should_exit = True
            await running


async def _name_the_app(bank: Served) -> None:
    desk, client_id = bank.desk, bank.app.client_id
    client = await desk.store.read(lambda db: reads.client(db, client_id))
    assert client is not None
    named = msgspec.structs.replace(
        client, name="Budgetly", legal_name="Budgetly B.V.", scope=ASKABLE
    )
    await desk.store.change([ChangeClient(named)], desk.clock())
