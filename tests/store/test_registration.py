"""Invitations and removals: each guard holds on both databases, and nothing else is touched."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core.change import (
    AddClient,
    AddInvitation,
    AddSecret,
    ChangeClient,
    MakeToken,
    RemoveClient,
    UseInvitation,
)
from endorse.core.invitation import Invitation
from endorse.core.model import ClientSecret
from endorse.core.notice import Kind
from endorse.store import Store, reads
from tests.store import looking, things
from tests.store.things import CLIENT, GRANT, NOW, TOKEN

pytestmark = pytest.mark.anyio

INVITATION = Invitation("invited", things.ODD, "fapi2", NOW, NOW + 10, 2)
GONE = RemoveClient("app", "client", NOW)


async def test_an_invitation_comes_back_equal_and_is_counted_down(store: Store) -> None:
    await things.put(store, AddInvitation(INVITATION))
    assert not await store.change([AddInvitation(INVITATION)], NOW)
    kept = await store.read(lambda db: reads.invitation(db, "invited"))
    assert kept == INVITATION
    used = [await store.change([UseInvitation("invited", NOW)], NOW) for _ in range(3)]
    assert used == [True, True, False]
    assert not await store.change([UseInvitation("unknown", NOW)], NOW)


async def test_an_invitation_that_is_over_is_not_used_and_then_forgotten(store: Store) -> None:
    await things.put(store, AddInvitation(INVITATION))
    assert not await store.change([UseInvitation("invited", NOW + 10)], NOW)
    await looking.sweep(store, NOW + 9)
    assert await looking.count(store, "invitations") == 1
    await looking.sweep(store, NOW + 10)
    assert await looking.count(store, "invitations") == 0


async def test_a_removed_client_acts_no_more_and_keeps_its_name(store: Store) -> None:
    await things.put(store, AddClient(CLIENT))
    assert await store.change([GONE], NOW)
    assert not await store.change([GONE], NOW)
    assert await store.read(lambda db: reads.client(db, "app")) is None
    seen = await store.registration("app")
    assert seen is not None
    assert (seen.name, seen.registration) == (CLIENT.name, ())
    assert await store.read(lambda db: reads.clients(db, 10)) == []
    assert not await store.change([ChangeClient(CLIENT)], NOW)
    assert not await store.change([AddSecret("app", ClientSecret("s", NOW), NOW)], NOW)
    assert not await store.change([AddClient(CLIENT)], NOW)
    assert await looking.count(store, "client_secrets") == 0


async def test_a_removal_ends_live_grants_and_own_tokens_of_this_client_alone(
    store: Store,
) -> None:
    others = msgspec.structs.replace(CLIENT, client_id="other", secrets=())
    await things.put(store, AddClient(CLIENT), AddClient(others))
    grants = {"live": "app", "over": "app", "theirs": "other"}
    for grant_id, client_id in grants.items():
        ends = NOW if grant_id == "over" else NOW + 1000
        grant = msgspec.structs.replace(
            GRANT, grant_id=grant_id, client_id=client_id, expires_at=ends, ended_at=None
        )
        await things.put(store, things.made(grant))
    for number, client_id in enumerate(("app", "other")):
        own = msgspec.structs.replace(
            TOKEN, token_hash=f"own-{number}", grant_id="", client_id=client_id
        )
        await things.put(store, MakeToken(own))
    assert await store.change([GONE], NOW)
    by = await looking.rows(store, "SELECT grant_id, ended_by FROM grants ORDER BY grant_id")
    assert by == [("live", "the client"), ("over", None), ("theirs", None)]
    told = await looking.rows(store, "SELECT kind, made_by, grant_id, client_id FROM notices")
    assert told == [(Kind.CONNECTION_ENDED.value, "client", "live", "app")]
    left = await looking.rows(store, "SELECT token_hash FROM access_tokens")
    assert left == [("own-1",)]
    [*_, line] = await looking.trail(store)
    assert line[1:6] == ("remove client", "the client", None, None, "app")
