"""The server's keys in the store: each number once, the others' end beside a new one's begin."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core.change import AddSigningKey
from endorse.core.model import SigningKey
from endorse.store import Store
from endorse.store.signing_keys import signing_keys
from tests.store import looking
from tests.store.things import NOW, ODD

pytestmark = pytest.mark.anyio

FIRST = SigningKey("EC", 1, "kid-1", ODD, ODD, NOW, NOW)
SECOND = SigningKey("EC", 2, "kid-2", "{}", "handle", NOW + 1, NOW + 2)
OTHER = SigningKey("RSA", 1, "kid-3", "{}", "handle", NOW, NOW)


async def add(store: Store, key: SigningKey, others_until: int) -> bool:
    return await store.change([AddSigningKey(key, others_until)], NOW)


async def test_the_others_of_its_kind_leave(store: Store) -> None:
    assert await add(store, FIRST, NOW)
    assert await add(store, OTHER, NOW)
    assert await add(store, SECOND, NOW + 50)
    left = msgspec.structs.replace(FIRST, leaves_at=NOW + 50)
    assert await store.read(signing_keys) == (left, SECOND, OTHER)


async def test_two_servers_do_not_both_add_the_first(store: Store, other: Store) -> None:
    assert await add(store, FIRST, NOW)
    mine = msgspec.structs.replace(FIRST, kid="mine")
    assert not await add(other, mine, NOW)
    assert await other.read(signing_keys) == (FIRST,)


async def test_an_end_comes_nearer_and_never_moves_away(store: Store) -> None:
    assert await add(store, FIRST, NOW)
    assert await add(store, SECOND, NOW + 50)
    third = msgspec.structs.replace(SECOND, number=3, kid="kid-4")
    assert await add(store, third, NOW + 90)
    ends = [key.leaves_at for key in await store.read(signing_keys)]
    assert ends == [NOW + 50, NOW + 90, None]


async def test_a_key_that_left_is_forgotten_and_the_last_one_never(store: Store) -> None:
    await add(store, FIRST, NOW)
    await add(store, SECOND, NOW + 50)
    await looking.sweep(store, NOW + 49)
    assert len(await store.read(signing_keys)) == 2
    await looking.sweep(store, NOW + 50)
    assert await store.read(signing_keys) == (SECOND,)
