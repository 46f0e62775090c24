"""A client that asks people on their phones: how it is registered, and its calls."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from endorse.core.change import AddClient, AddSecret, ChangeClient
from endorse.core.metadata import CIBA, Metadata
from endorse.core.policy import ASKABLE
from endorse.phone import Phone
from endorse.store import reads
from tests.flows import play
from tests.serving import CALLBACK, App, Served
from tests.signing import EC, jwks

ASKER = "asker"
MESSAGE = "Desk 4, order 1207"
Answer = httpx2.Response


def metadata(**changed: Any) -> Metadata:
    good = Metadata(
        grant_types=("authorization_code", "refresh_token", CIBA),
        backchannel_token_delivery_mode="poll",
        jwks=jwks(EC),
    )
    return msgspec.structs.replace(good, **changed)


async def register(
    served: Served, client_id: str = ASKER, redirect_uri: str = CALLBACK, **changed: Any
) -> App:
    """Let a client that may ask on phones be registered, with these changes to its metadata."""
    known = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    client = msgspec.structs.replace(
        known, client_id=client_id, scope=ASKABLE, metadata=metadata(**changed)
    )
    there = await served.desk.store.read(lambda db: reads.client(db, client_id))
    change = AddClient(client) if there is None else ChangeClient(client)
    await served.desk.store.change([change], served.clock())
    if there is None:
        share = AddSecret(client_id, client.secrets[0], served.clock())
        await served.desk.store.change([share], served.clock())
    return App(client_id, served.app.secret, redirect_uri)


async def connected(served: Served, phone: Phone, app: App) -> dict[str, Any]:
    """The tokens of a connection that the person made in a browser before."""
    changed = {"client_id": app.client_id, "redirect_uri": app.redirect_uri}
    code = await play.code_for(served, phone, **changed)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    answer = await served.http.post(served.url("/token"), data=form, auth=app.basic)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def known(served: Served, phone: Phone, app: App) -> str:
    """The login_hint_token of somebody who was there before, rested since."""
    hint: str = (await connected(served, phone, app))["login_hint_token"]
    served.clock.move(served.desk.law.prompts_in)
    await phone.sign_in()
    return hint


async def ask(served: Served, app: App, hint: str, **changed: str | None) -> Answer:
    """Ask the person; a parameter set to None is left out."""
    good: dict[str, str | None] = {
        "scope": "accounts balances",
        "login_hint_token": hint,
        "binding_message": MESSAGE,
        **changed,
    }
    form = {name: value for name, value in good.items() if value is not None}
    return await served.http.post(served.url("/bc-authorize"), data=form, auth=app.basic)


async def collect(served: Served, app: App, auth_req_id: str) -> Answer:
    """Poll, after the interval."""
    served.clock.move(5)
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id}
    return await served.http.post(served.url("/token"), data=form, auth=app.basic)
