"""What the person sees of their connections, and how they end them."""

from __future__ import annotations

import pytest

from endorse.core.policy import SCOPES
from endorse.phone import NotFound, Phone, sandbox_code
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_connection_says_who_sees_what_until_when(served: Served) -> None:
    phone = await play.somebody(served)
    assert await phone.connections() == ()
    got = await play.tokens(served, phone)
    [connection] = await phone.connections()
    assert connection.client.name == "Budget & Co"
    assert connection.scope == SCOPES
    assert connection.created_at.timestamp() == served.clock()
    assert (connection.valid_until - connection.created_at).days == 90
    assert (connection.last_used_at, connection.ended_at) == (None, None)
    listed = (await play.bank(served, "/v1/accounts", got["access_token"])).json()["accounts"]
    ids = [account.resource_id for account in connection.accounts]
    assert ids == [account["resourceId"] for account in listed]


@pytest.mark.usefixtures("one_server")
async def test_the_last_use_is_noted(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone)
    served.clock.move(30)
    assert await play.opens(served, got["access_token"])
    await served.desk.finish()
    [connection] = await phone.connections()
    assert connection.last_used_at is not None
    assert connection.last_used_at.timestamp() == served.clock()


async def test_ending_a_connection_kills_its_tokens_at_once(served: Served) -> None:
    phone = await play.somebody(served)
    ended = await play.tokens(served, phone)
    served.clock.move(1)
    kept = await play.tokens(served, phone)
    newest, oldest = await phone.connections()
    assert newest.created_at > oldest.created_at
    await phone.end(oldest.grant_id)
    assert not await play.opens(served, ended["access_token"])
    dead = await play.refresh(served, ended["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert await play.opens(served, kept["access_token"])
    assert (await play.refresh(served, kept["refresh_token"])).status_code == 200
    assert [one.ended_at is None for one in await phone.connections()] == [True, False]


async def test_ending_twice_tells_when_it_ended_the_first_time(served: Served) -> None:
    phone = await play.somebody(served)
    await play.tokens(served, phone)
    [connection] = await phone.connections()
    first = await phone.end(connection.grant_id)
    served.clock.move(5)
    assert await phone.end(connection.grant_id) == first


async def test_another_persons_connection_does_not_exist(served: Served) -> None:
    phone, other = await play.somebody(served), await play.somebody(served)
    got = await play.tokens(served, phone)
    [connection] = await phone.connections()
    assert await other.connections() == ()
    for grant_id in (connection.grant_id, "unknown"):
        with pytest.raises(NotFound):
            await other.end(grant_id)
    assert await play.opens(served, got["access_token"])


async def test_a_second_phone_of_the_person_sees_and_ends_the_same_connections(
    served: Served,
) -> None:
    first = await play.somebody(served)
    assert first.person is not None
    second = Phone(served.issuer, served.http, clock=served.clock)
    await second.enrol(await sandbox_code(served.issuer, served.http, first.person.id))
    got = await play.tokens(served, first)
    [connection] = await second.connections()
    await second.end(connection.grant_id)
    assert not await play.opens(served, got["access_token"])


async def test_a_connection_that_nobody_redeemed_is_not_listed(served: Served) -> None:
    phone = await play.somebody(served)
    await play.code_for(served, phone)
    await play.approved(served, phone)
    assert await phone.connections() == ()
