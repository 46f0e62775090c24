"""Clients come from memory, and never from before they changed. Takes about three seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from endorse.core.change import AddClient, AddSecret, ChangeClient, Decision, MakeToken
from endorse.core.change import RemoveClient as Remove
from endorse.core.model import Client, ClientSecret
from endorse.store import Store, open_store, reads
from endorse.store.connection import Connection, StoreAway
from endorse.store.postgres import PostgresEngine
from tests.store import looking, things
from tests.store.looking import nothing
from tests.store.things import CLIENT, NOW, TOKEN

pytestmark = pytest.mark.anyio

RENAMED = msgspec.structs.replace(CLIENT, name="Renamed")
NEW = ClientSecret("new", NOW)
GONE = Remove("app", "bank", NOW)


@pytest.fixture
async def reading(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by each statement that the store reads with; the client is there."""
    await things.put(store, AddClient(CLIENT))
    return looking.statements(store, monkeypatch).read


async def test_a_client_is_read_once_with_its_secrets(store: Store, reading: list[str]) -> None:
    for _ in range(5):
        assert await store.client("app") == CLIENT
        assert await store.registration("app") == CLIENT
    assert len(reading) == 2


async def test_nobody_is_remembered_who_is_not_there(store: Store, reading: list[str]) -> None:
    for _ in range(3):
        assert await store.client("nobody") is None
    assert len(reading) == 3
    await things.put(store, AddClient(msgspec.structs.replace(CLIENT, client_id="nobody")))
    assert await store.client("nobody") is not None


async def test_more_clients_than_are_kept_are_all_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("endorse.store.hot._AT_MOST", 2)
    for number in range(4):
        await things.put(store, AddClient(msgspec.structs.replace(CLIENT, client_id=f"c{number}")))
    for _ in range(2):
        for number in range(4):
            client = await store.client(f"c{number}")
            assert client is not None
            assert client.client_id == f"c{number}"
    assert len(store._hot._known) == 2


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (ChangeClient(RENAMED), RENAMED),
        (
            AddSecret("app", NEW, NOW),
            msgspec.structs.replace(CLIENT, secrets=(ClientSecret("hash-1", NOW, NOW), NEW)),
        ),
        (GONE, None),
    ],
    ids=["changed", "new secret", "removed"],
)
async def test_what_this_server_changes_it_knows_at_once(
    store: Store, change: ChangeClient | AddSecret | Remove, then: Client | None
) -> None:
    await things.put(store, AddClient(CLIENT))
    assert await store.client("app") == CLIENT
    assert await store.change([change], NOW)
    assert await store.client("app") == then


async def test_a_client_that_was_removed_is_known_by_name_and_may_not_act(store: Store) -> None:
    await things.put(store, AddClient(CLIENT), GONE)
    for _ in range(2):
        gone = await store.registration("app")
        assert gone is not None
        assert (gone.name, gone.secrets) == (CLIENT.name, ())
        assert await store.client("app") is None


async def test_what_another_process_changes_is_known_within_a_second(
    store: Store, other: Store
) -> None:
    await things.put(store, AddClient(CLIENT))
    for change, then in ((ChangeClient(RENAMED), RENAMED), (GONE, None)):
        await store.client("app")
        assert await other.change([change], NOW)
        looking.a_second_later(store)
        assert await store.client("app") == then


async def test_on_sqlite_another_process_is_seen_at_the_next_look_however_busy_the_writer_is(
    tmp_path: object,
) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    store, other = await open_store(url), await open_store(url)
    await things.put(store, AddClient(CLIENT))
    await things.put_grant(store)
    for change, then in ((ChangeClient(RENAMED), RENAMED), (GONE, None)):
        assert await store.client("app") is not None
        assert await other.change([change], NOW)
        # While its own transaction has the writing connection, SQLite is not asked.
        async with store._engine.writing():
            assert await store.client("app") == then
    await store.close()
    await other.close()


async def test_a_client_read_before_it_changed_is_not_kept_after(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read is overtaken by the change, which is forgotten before the read is done."""
    await things.put(store, AddClient(CLIENT))
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = store._engine.read

    async def slow(query: Callable[[Connection], Awaitable[object]]) -> object:
        found = await read(query)
        reading.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(store._engine, "read", slow)
    asked = asyncio.create_task(store.client("app"))
    await reading.wait()
    assert await store.change([ChangeClient(RENAMED)], NOW)
    go_on.set()
    assert await asked == CLIENT
    assert await store.client("app") == RENAMED
    assert other is not store


async def test_a_client_never_outlives_a_rollback(store: Store) -> None:
    await things.put(store, AddClient(CLIENT))

    async def rename(db: Connection) -> Client | None:
        await db.run("UPDATE clients SET name = 'Never' WHERE client_id = 'app'")
        return await store.client("app")

    seen: list[Client | None] = []

    def broken(found: Client | None) -> Decision[str]:
        seen.append(found)
        raise LookupError("after it was written")

    with pytest.raises(LookupError):
        await store.settle(rename, broken, NOW)
    assert set(seen) == {CLIENT}
    assert await store.client("app") == CLIENT


async def test_a_change_whose_commit_failed_is_read_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether such a commit was done: what was kept from before counts no more."""
    await things.put(store, AddClient(CLIENT))
    assert await store.client("app") == CLIENT
    writing = store._engine.writing

    @asynccontextmanager
    async def losing() -> AsyncIterator[Connection]:
        async with writing() as db:
            yield db
        raise StoreAway("the answer to the commit was lost")

    monkeypatch.setattr(store._engine, "writing", losing)
    with pytest.raises(StoreAway):
        await store.change([GONE], NOW)
    assert await store.client("app") is None


@pytest.mark.postgres
async def test_without_a_listener_postgresql_is_asked_again_after_a_second(
    emptied_url: str,
) -> None:
    now = 100.0
    engine = await PostgresEngine.connect(emptied_url, seconds=lambda: now)
    store = Store(engine)
    assert not engine.written_elsewhere()
    now += 0.99
    assert not engine.written_elsewhere()
    now += 0.01
    assert engine.written_elsewhere()
    assert not engine.written_elsewhere()
    engine._ear._heard_at = time.monotonic()
    now += 3600
    assert not engine.written_elsewhere()
    await store.close()


async def test_what_a_client_got_at_the_moment_of_its_removal_opens_nothing(store: Store) -> None:
    await things.put(store, AddClient(CLIENT), GONE)
    own = msgspec.structs.replace(TOKEN, grant_id="", client_id="app")
    await store.settle(nothing, lambda _: Decision(True, (MakeToken(own),)), NOW)
    assert await store.read(lambda db: reads.access(db, own.token_hash, NOW)) is None
