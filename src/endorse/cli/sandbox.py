"""`endorse sandbox`: the bank with invented people, and the demo's third-party app beside it."""

import asyncio
import logging
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from endorse.cli.port import listen_or_say
from endorse.core.change import AddClient, AddSecret, ChangeClient
from endorse.core.coding import fingerprint
from endorse.core.details import TYPES
from endorse.core.metadata import CIBA, DEVICE, Metadata
from endorse.core.model import Client, ClientSecret
from endorse.core.policy import ASKABLE, DAY, WIDE
from endorse.core.ways import ways_problem
from endorse.sandbox import SandboxBank
from endorse.server import logbook
from endorse.server.app import create_app
from endorse.server.desk import Desk
from endorse.server.run import open_desk, serve_all, server_for
from endorse.server.settings import Settings, issuer_problem
from endorse.store import reads

if TYPE_CHECKING:
    from endorse.cli.stand_in import StandIn

_CLIENT_ID: Final = "budgetly"
_SEED: Final = "endorse"


class Wanted(msgspec.Struct, frozen=True):
    """The command's options."""

    port: int
    app_port: int
    database: str | None
    issuer: str | None
    ways: tuple[str, ...]
    approve_as: str | None
    refuse_client: tuple[str, ...]
    as_json: bool
    verbose: bool


async def run_sandbox(wanted: Wanted) -> None:
    """Serve bank and app until told to stop. Raises ValueError, StoreAway."""
    logbook.set_up(logbook.TEXT, logging.INFO if wanted.verbose else logging.ERROR)
    with _database(wanted.database) as database:
        bank_sockets = listen_or_say(["127.0.0.1", "::1"], wanted.port, "--port")
        app_sockets = listen_or_say(["127.0.0.1"], wanted.app_port, "--app-port")
        issuer = wanted.issuer or f"http://localhost:{bank_sockets[0].getsockname()[1]}"
        if issuer_problem(issuer, sandbox=True):
            raise ValueError(f"--issuer {issuer_problem(issuer, sandbox=True)}.")
        if wanted.ways and ways_problem(wanted.ways):
            raise ValueError(f"--way {ways_problem(wanted.ways)}.")
        policy = msgspec.structs.replace(WIDE, ways=wanted.ways or WIDE.ways)
        settings = Settings(
            issuer=issuer, database=database, secret=None, policy=policy, sandbox=True
        )
        bank = SandboxBank(_SEED, lambda: datetime.now(UTC).date())  # noqa: TID251 - its clock
        stand_in = _stand_in(wanted, bank, settings.issuer, bank_sockets[0].getsockname()[1])
        desk = await open_desk(settings, bank, bank, stand_in=stand_in)
        app_url = f"http://127.0.0.1:{app_sockets[0].getsockname()[1]}"
        await keep_client(desk, f"{app_url}/callback")
        server = server_for(create_app(desk), desk)
        app = server_for(_Budgetly(desk, f"{app_url}/callback"), None)
        ready = asyncio.Event()
        printing = asyncio.create_task(_say_ready(ready, wanted, desk, app_url))
        await serve_all(ready, (server, bank_sockets), (app, app_sockets))
        await printing


def _stand_in(wanted: Wanted, bank: SandboxBank, issuer: str, port: int) -> "StandIn | None":
    """Make who decides in place of people, if anybody does. Raises ValueError."""
    if wanted.approve_as is None:
        if wanted.refuse_client:
            raise ValueError("--refuse-client needs --approve-as: whose phone refuses?")
        return None
    known = [name for person in bank.people() for name in (person.id, person.name)]
    if wanted.approve_as not in known:
        people = ", ".join(person.id for person in bank.people())
        raise ValueError(f"--approve-as: there is no {wanted.approve_as}. There are: {people}.")
    from endorse.cli.stand_in import (
        StandIn,
    )  # with a phone and an HTTP client: a tenth of the start

    return StandIn(issuer, port, wanted.approve_as, wanted.refuse_client)


class _Budgetly:
    """The third-party app, imported at its first request: the bank starts without waiting."""

    def __init__(self, desk: Desk, redirect_uri: str) -> None:
        self._desk = desk
        self._redirect_uri = redirect_uri
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            from endorse.sandbox.budgetly import create_app as create_budgetly

            self._app = create_budgetly(
                self._desk.issuer,
                _CLIENT_ID,
                self._desk.keys.sandbox_client.reveal(),
                self._redirect_uri,
                secrets.token_urlsafe(32),
            )
        await self._app(scope, receive, send)


async def keep_client(desk: Desk, redirect_uri: str) -> None:
    """Register the ready-made client, or bring a kept one up to date."""
    now = desk.clock()
    secret = ClientSecret(fingerprint(desk.keys.sandbox_client.reveal()), now)
    client = Client(
        client_id=_CLIENT_ID,
        name="Budgetly",
        legal_name="Budgetly B.V.",
        redirect_uris=(redirect_uri,),
        scope=ASKABLE,
        public=False,
        verified=True,
        duration=90 * DAY,
        created_at=now,
        secrets=(secret,),
        metadata=Metadata(
            authorization_details_types=TYPES,
            grant_types=(*Metadata().grant_types, DEVICE, CIBA),
            backchannel_token_delivery_mode="poll",
        ),
    )
    known = await desk.store.read(lambda db: reads.client(db, _CLIENT_ID))
    if known is None:
        await desk.store.change([AddClient(client)], now)
        return
    await desk.store.change([ChangeClient(client)], now)
    if secret.secret_hash not in {one.secret_hash for one in known.secrets}:
        await desk.store.change([AddSecret(_CLIENT_ID, secret, now)], now)


async def _say_ready(ready: asyncio.Event, wanted: Wanted, desk: Desk, app_url: str) -> None:
    await ready.wait()
    people = desk.invented.people() if desk.invented else ()
    if wanted.as_json:
        facts = {
            "issuer": desk.issuer,
            "app": app_url,
            "client_id": _CLIENT_ID,
            "client_secret": desk.keys.sandbox_client.reveal(),
            "redirect_uri": f"{app_url}/callback",
            "people": [person.id for person in people],
        }
        click.echo(msgspec.json.encode(facts))
        return
    click.echo(
        f"""The Endorse sandbox is ready.

  1. Open the third-party app    {app_url}
     and click "Connect your bank".
  2. Open the bank's phone app   {desk.issuer}/phone
     be one of its people, and scan the code: "Scan this computer's screen".

  For your own app
     client_id      {_CLIENT_ID}
     client_secret  {desk.keys.sandbox_client.reveal()}
     redirect_uri   {app_url}/callback
     metadata       {desk.issuer}/.well-known/oauth-authorization-server
     people         {", ".join(person.id for person in people)}

Ctrl-C ends it."""
    )


@contextmanager
def _database(wanted: str | None) -> Iterator[str]:
    """Give the database's URL: the wanted one, or a file that is gone at the end."""
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="endorse-") as folder:
        yield f"sqlite:///{Path(folder) / 'sandbox.db'}"
