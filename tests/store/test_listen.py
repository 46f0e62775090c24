"""What one server tells the others on its PostgreSQL, and that nothing of it is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from endorse.core.change import AddClient, Begin, ChangeClient, Decision, Move
from endorse.core.journey import Event, State
from endorse.store import Store, listen, open_store, postgres
from endorse.store.connection import StoreAway
from endorse.store.listen import NAME
from endorse.store.news import ANYTHING, CHANNEL, News, heard, told
from tests.store import things
from tests.store.things import NOW

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

PATIENCE = 10


def move(number: int, event: Event = Event.CLAIM, version: int = 0) -> Decision[None]:
    before = msgspec.structs.replace(things.JOURNEY, journey_id=f"{number:022}", version=version)
    after = msgspec.structs.replace(before, state=State.CLAIMED, version=version + 1)
    return Decision(None, (Move(event, before, after),))


def tell(decisions: Iterable[Decision[None]]) -> str:
    return told(decisions, clients_changed=False)


@contextlib.asynccontextmanager
async def listening(url: str, refusing: int = 0) -> AsyncIterator[asyncio.Queue[News]]:
    """What a server of its own on the database hears; the first `refusing` news it cannot take."""
    store = await open_store(url)
    async with hearing(store, refusing) as came:
        yield came
    await store.close()


@contextlib.asynccontextmanager
async def hearing(store: Store, refusing: int = 0) -> AsyncIterator[asyncio.Queue[News]]:
    came, left = asyncio.Queue[News](), refusing

    async def each(news: News) -> None:
        nonlocal left
        if left:
            left -= 1
            raise StoreAway("away while it is read")
        came.put_nowait(news)

    running = asyncio.create_task(store.listen(each))
    try:
        async with asyncio.timeout(PATIENCE):
            assert await came.get() == ANYTHING
            yield came
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def in_sql(url: str, statement: str, *values: str) -> None:
    raw = await asyncpg.connect(url)
    await raw.execute(statement, *values)
    await raw.close()


async def test_a_move_is_told_once_it_is_committed_by_its_id_and_version_alone(
    emptied_url: str,
) -> None:
    store = await open_store(emptied_url)
    async with listening(emptied_url) as came:
        await store.change([Begin(things.JOURNEY)], NOW)
        after = msgspec.structs.replace(things.JOURNEY, state=State.CLAIMED, version=1)
        moved = Move(Event.CLAIM, things.JOURNEY, after)
        assert await store.change([moved], NOW)
        assert await came.get() == News({things.JOURNEY.journey_id: 1})
        # A guard that was lost is nothing to tell.
        assert not await store.change([moved], NOW)
        await in_sql(emptied_url, "SELECT pg_notify($1, $2)", CHANNEL, '{"journeys":{"last":1}}')
        assert await came.get() == News({"last": 1})
    await store.close()


async def test_after_a_lost_connection_anything_may_have_changed(emptied_url: str) -> None:
    async with listening(emptied_url) as came:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        for _ in range(2):
            await in_sql(emptied_url, end, NAME)
            assert await came.get() == ANYTHING


async def test_news_that_could_not_be_looked_at_are_heard_again(emptied_url: str) -> None:
    async with listening(emptied_url, refusing=2) as came:
        assert came.empty()


async def test_a_client_that_another_server_changed_is_read_anew_at_once(emptied_url: str) -> None:
    store, other = await open_store(emptied_url), await open_store(emptied_url)
    async with hearing(store) as came:
        await things.put(other, AddClient(things.CLIENT))
        assert await came.get() == News(clients=True)
        assert await store.client("app") == things.CLIENT
        renamed = msgspec.structs.replace(things.CLIENT, name="Renamed")
        await things.put(other, ChangeClient(renamed))
        await came.get()
        assert await store.client("app") == renamed
    await store.close()
    await other.close()


async def test_what_another_version_tells_may_be_anything(emptied_url: str) -> None:
    async with listening(emptied_url) as came:
        for text in ("", "{", '{"journeys":[]}', "7"):
            await in_sql(emptied_url, "SELECT pg_notify($1, $2)", CHANNEL, text)
            assert await came.get() == ANYTHING
        await in_sql(emptied_url, "SELECT pg_notify($1, $2)", CHANNEL, '{"new":1}')
        assert await came.get() == News()


class Relay:
    """A way to a database on which connections that listen stand still while it is cut."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.whole = asyncio.Event()
        self.whole.set()
        self._passing: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def way(self) -> AsyncIterator[str]:
        relay = await asyncio.start_server(self._met, "127.0.0.1", 0)
        port = relay.sockets[0].getsockname()[1]
        try:
            yield self._to._replace(netloc=f"endorse@127.0.0.1:{port}").geturl()
        finally:
            relay.close()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onwards = await asyncio.open_connection(self._to.hostname, self._to.port)
        listens = asyncio.Event()
        for ends in ((reader, onwards), (there, writer)):
            self._passing.append(asyncio.create_task(self._one_way(*ends, listens)))

    async def _one_way(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listens: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if NAME.encode() in data:
                    listens.set()
                if listens.is_set():
                    await self.whole.wait()
                writer.write(data)
        finally:
            writer.close()


@pytest.fixture(params=[0.1, pytest.param(1.0, marks=pytest.mark.soak)])
def at_most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The seconds for which what others do may be hidden, half of one for a busy machine with it.

    Usually a second is a tenth of one here.
    """
    scale: float = request.param
    assert listen._SILENCE + listen._ANSWERS_WITHIN == 2.5
    for name in ("_SILENCE", "_ANSWERS_WITHIN"):
        monkeypatch.setattr(listen, name, getattr(listen, name) * scale)
    monkeypatch.setattr(postgres, "_SEEN_WITHIN", postgres._SEEN_WITHIN * scale)
    return 2.5 * scale + 0.5


async def renamed(store: Store, other: Store) -> float:
    """Rename a client at another server; give the seconds in which this one still had the old."""
    await things.put(other, AddClient(things.CLIENT))
    while await store.client("app") is None:
        pass
    new = msgspec.structs.replace(things.CLIENT, name="Renamed")
    await things.put(other, ChangeClient(new))
    clock = asyncio.get_running_loop().time
    since = clock()
    async with asyncio.timeout(PATIENCE):
        while await store.client("app") != new:  # noqa: ASYNC110 - what tells of it is tried here
            await asyncio.sleep(0.01)
    return clock() - since


async def test_a_connection_that_is_cut_silently_hides_a_changed_client_for_three_seconds_at_most(
    emptied_url: str, at_most: float
) -> None:
    relay, other = Relay(emptied_url), await open_store(emptied_url)
    async with relay.way() as url:
        store = await open_store(url)
        async with hearing(store) as came:
            relay.whole.clear()
            took = await renamed(store, other)
            # And it hears again as soon as the network is whole.
            relay.whole.set()
            assert await came.get() == ANYTHING
        await store.close()
    await other.close()
    assert took <= at_most


async def test_a_server_that_cannot_look_at_its_news_does_not_rely_on_them(
    emptied_url: str, at_most: float
) -> None:
    store, other = await open_store(emptied_url), await open_store(emptied_url)
    looks = asyncio.Event()

    async def each(_: News) -> None:
        looks.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(store.listen(each))
    await looks.wait()
    took = await renamed(store, other)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    await other.close()
    assert took <= at_most


def test_more_than_postgresql_takes_in_one_piece_is_told_as_anything() -> None:
    few, many = [move(it) for it in range(250)], [move(it) for it in range(400)]
    assert len(tell(few)) < 8_000
    assert heard([tell(few)]).journeys == {f"{it:022}": 1 for it in range(250)}
    assert heard([tell(many)]) == ANYTHING


def test_what_came_meanwhile_is_one_piece_of_news_with_the_newest_versions() -> None:
    texts = [tell([move(1, version=4), move(2)]), tell([move(1, version=5)])]
    assert heard(texts) == heard(texts[::-1]) == News({f"{1:022}": 6, f"{2:022}": 1})
    assert heard([*texts, tell([move(it) for it in range(400)])]) == ANYTHING


def test_nobody_is_told_of_a_redeemed_code() -> None:
    assert tell([move(1, Event.REDEEM), Decision(None)]) == ""
