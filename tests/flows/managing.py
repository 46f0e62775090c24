"""What the stories of grant management are told with: a client that names its connections."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from endorse.core import evidence
from endorse.core.change import AddClient, ChangeClient
from endorse.core.metadata import CLIENT_CREDENTIALS as OWN
from endorse.core.metadata import CODE, REFRESH
from endorse.phone import Connection, Phone
from endorse.store import reads
from tests.flows import play
from tests.serving import App, Served

SOME = "accounts offline_access"
"""What the connections here begin with."""


async def connected(
    served: Served, scope: str = SOME
) -> tuple[Phone, dict[str, Any], tuple[str, ...]]:
    """A connection of one account: the phone, the client's tokens, the ids of all accounts."""
    phone = await play.somebody(served)
    tab = await play.begun(served, scope=scope, grant_management_action="create")
    journey = (await play.claimed(tab, phone)).journey
    asked = await play.matched(tab, phone, journey)
    ids = tuple(account.resource_id for account in asked.accounts)
    await phone.approve(await phone.review(journey, ids[:1]))
    return phone, await redeemed(served, tab), ids


async def redeemed(served: Served, tab: play.Tab) -> dict[str, Any]:
    """The tokens of a journey that was approved."""
    answer = await play.redeem(served, play.answered(await tab.resume())["code"])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def changed(
    served: Served, phone: Phone, grant_id: str, how: str, *accounts: str, scope: str = SOME
) -> dict[str, Any]:
    """The tokens after a merge or a replacement."""
    asked = {"grant_management_action": how, "grant_id": grant_id, "scope": scope}
    return await redeemed(served, await play.approved(served, phone, accounts, **asked))


async def own_token(served: Served, scope: str) -> httpx2.Response:
    """A token of the client for itself, for which it is registered first."""
    known = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    metadata = msgspec.structs.replace(known.metadata, grant_types=(CODE, REFRESH, OWN))
    change = ChangeClient(msgspec.structs.replace(known, metadata=metadata))
    assert await served.desk.store.change([change], served.clock())
    return await play.token(served, grant_type="client_credentials", scope=scope)


async def managed(
    served: Served, method: str, grant_id: str, scope: str = "", token: str = ""
) -> httpx2.Response:
    """Call the grant management endpoint, with a fresh token of this scope unless one is named."""
    bearer = token or (await own_token(served, scope)).json()["access_token"]
    headers = {"Authorization": f"Bearer {bearer}"}
    return await served.http.request(method, served.url(f"/grants/{grant_id}"), headers=headers)


async def the_connection(phone: Phone) -> Connection:
    """The one connection of a person."""
    [only] = await phone.connections()
    return only


def ids_of(connection: Connection) -> tuple[str, ...]:
    """The accounts that a connection gives."""
    return tuple(account.resource_id for account in connection.accounts)


async def listed(served: Served, token: str) -> set[str]:
    """The accounts that the API lists for a token."""
    answer = await play.bank(served, "/v1/accounts", token)
    return {account["resourceId"] for account in answer.json()["accounts"]}


async def sent_back(served: Served, **asked: str) -> dict[str, str]:
    """What the authorization endpoint sends back at once."""
    return play.answered(await served.http.get(served.authorize_url(**asked)))


async def another_client(served: Served) -> App:
    """A second client with a secret."""
    known = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    other = msgspec.structs.replace(known, client_id="app-other")
    assert await served.desk.store.change([AddClient(other)], served.clock())
    # The secrets that are stored are those of the first, so that it has the same one.
    return App(other.client_id, served.app.secret)


async def evidence_holds(served: Served, phone: Phone, grant_id: str) -> int:
    """How many things were signed for a connection, which all must hold."""
    whole = evidence.read(await phone.evidence(grant_id))
    assert isinstance(whole, evidence.Bundle), whole
    assert [it for it in evidence.verify(whole, served.issuer) if it.wrong] == []
    return len(whole.items)
