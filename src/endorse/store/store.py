"""The one way to read and the one way to change what is stored.

Changes are settled in batches: one database transaction takes all the work that came while the
one before was being committed, so that many requests share one wait for the disk.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Final, Generic, TypeVar, cast

from endorse.core.audit_log import Head, Line
from endorse.core.change import Change, Decision, UseOnce
from endorse.core.model import Client
from endorse.store.apply import Outcome, apply
from endorse.store.apply_later import Rows, write
from endorse.store.audit import trail
from endorse.store.chain import Chain, Fresh
from endorse.store.connection import Connection, Ear, Engine, Query, StoreAway
from endorse.store.hot import Hot, changes_clients
from endorse.store.news import News, told
from endorse.store.requests import first_use
from endorse.store.sweep import Kind, Swept, piece
from endorse.store.tally import SECONDS, Tally

F = TypeVar("F")
A = TypeVar("A")

_BATCH: Final = 128
_TRIES: Final = 8
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)


class Contended(StoreAway):
    """The same row was changed by others at every try. Repeat the request."""


class _Work(Generic[F, A]):
    """One request's turn: read the facts, decide, apply, and again if a guard was lost."""

    __slots__ = ("_decide", "_lost", "_read", "done", "now")

    def __init__(
        self,
        read: Query[F],
        decide: Callable[[F], Decision[A]],
        now: int,
        done: "asyncio.Future[Decision[A]]",
        lost: Decision[A] | None,
    ) -> None:
        self._read = read
        self._decide = decide
        self.now = now
        self._lost = lost
        self.done = done

    async def turn(self, db: Connection, rows: Rows, alone: bool) -> Decision[A]:
        for _ in range(_TRIES):
            decision = self._decide(await self._read(db))
            if await _won(db, decision.changes, rows, alone):
                return decision
            if self._lost is not None:
                return self._lost
        raise Contended("the guard was lost at every try")


async def _won(db: Connection, changes: Sequence[Change], rows: Rows, alone: bool) -> bool:
    """Apply all changes or none; say whether every guard held.

    A decision's first guard is nearly always the one that is lost, so that nothing has to be undone
    and no savepoint is set. Where something has, the whole batch is, and each request goes alone.
    """
    if not alone:
        outcome = await apply(db, changes, rows)
        if outcome is Outcome.HALF:
            raise Contended("a guard was lost after others held")
        return outcome is Outcome.WON
    await db.run("SAVEPOINT turn")
    if await apply(db, changes, rows) is Outcome.WON:
        await db.run("RELEASE SAVEPOINT turn")
        return True
    await db.run("ROLLBACK TO SAVEPOINT turn")
    return False


class Store:
    """What is remembered, on either engine. One task writes; reads go round it."""

    def __init__(self, engine: Engine, fresh: Fresh = secrets.token_bytes) -> None:
        """Use an engine whose schema is up to date; call `open_store` for both."""
        self._engine = engine
        self._chain = Chain(fresh)
        self._hot = Hot(engine)
        self._queue: asyncio.Queue[_Work[Any, Any] | None] = asyncio.Queue()
        self._closing = False
        self.batches = Tally(_SIZES)
        """How many requests shared one transaction."""
        self.commits = Tally(SECONDS)
        """How long a commit took, in seconds."""
        self.on_commit: Callable[[float, int], None] | None = None
        """Told of each commit: how long it took, and how many requests shared it."""
        self._writer = asyncio.create_task(self._write())

    @property
    def audit_head(self) -> Head:
        """Where this writer's chain of the audit trail stands."""
        return self._chain.head

    def seal_audit(self, key: bytes) -> None:
        """Link the audit trail with a key that the database does not hold, from now on."""
        self._chain.seal(key)

    @property
    def queued(self) -> int:
        """How many requests wait for their turn."""
        return self._queue.qsize()

    async def read(self, query: Callable[[Connection], Awaitable[A]]) -> A:
        """Read what is committed. Raises StoreAway."""
        return await self._engine.read(query)

    @property
    def ear(self) -> Ear | None:
        """What hears of the changes of other servers; None where this is the only one."""
        return self._engine.ear

    async def listen(self, each: Callable[[News], Awaitable[None]]) -> None:
        """Hand all that other servers tell to `each`, for ever; see `Ear.run`."""
        if self._engine.ear is None:
            raise AssertionError("no other server can use this database")

        async def first(news: News) -> None:
            if news.clients:
                self._hot.forget()
            await each(news)

        await self._engine.ear.run(first)

    async def client(self, client_id: str) -> Client | None:
        """Give a client that may act, with its secrets, from memory. Raises StoreAway."""
        return await self._hot.client(client_id)

    async def registration(self, client_id: str) -> Client | None:
        """Give a client as people see it, also one that was removed: what is over names it."""
        return await self._hot.registration(client_id)

    async def first_use(self, use: UseOnce) -> bool:
        """Say whether no other server saw this before, and remember it for them.

        In a moment, and not for ever: a crash may forget it. Always true where this is the only
        server, which remembers by itself what it saw. Raises StoreAway.
        """
        if self._engine.ear is None:
            return True
        return await self._engine.read(partial(first_use, use=use))

    async def settle(
        self, read: Query[F], decide: Callable[[F], Decision[A]], now: int
    ) -> Decision[A]:
        """Read, decide and apply in one transaction; answer when it is on the disk.

        `decide` may run again with fresh facts if another server changed them meanwhile.
        Raises StoreAway if nothing was stored.
        """
        return await self._queued(read, decide, now)

    async def change(self, changes: Sequence[Change], now: int) -> bool:
        """Apply changes that need no facts; say whether their guards held."""

        async def nothing(_: Connection) -> None:
            return None

        decision = Decision(True, tuple(changes))
        # Without facts there is nothing to decide anew when a guard was lost.
        settled = await self._queued(nothing, lambda _: decision, now, lost=Decision(False))
        return settled.answer is True

    async def sweep(self, kind: Kind, now: int, at_most: int) -> Swept:
        """Forget the oldest `at_most` rows of a kind that should be gone. Raises StoreAway."""
        engine = self._engine

        async def forget(db: Connection) -> Swept:
            return await piece(db, engine, kind, now, at_most)

        aside = engine.aside()
        if aside is None:
            return cast(Swept, (await self.settle(forget, Decision, now)).answer)
        async with aside as db:
            return Swept(0, more=False, gone_until=now) if db is None else await forget(db)

    async def turn_over(self, now: int) -> int:
        """Make partitions ahead and drop those that are over; give until when none is left.

        Raises StoreAway.
        """
        return await self._engine.turn_over(now)

    async def close(self) -> None:
        """Finish what is queued, then close the database. Later changes raise StoreAway."""
        self._closing = True
        self._queue.put_nowait(None)
        await self._writer
        await self._engine.close()

    async def _queued(
        self,
        read: Query[F],
        decide: Callable[[F], Decision[A]],
        now: int,
        lost: Decision[A] | None = None,
    ) -> Decision[A]:
        """Wait for a turn. `lost` is the answer to a lost guard, in place of deciding anew."""
        if self._closing:
            raise StoreAway("the store is closed")
        done: asyncio.Future[Decision[A]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Work(read, decide, now, done, lost))
        return await done

    async def _write(self) -> None:
        closing = False
        while not closing:
            batch = [await self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            closing = None in batch
            work = [item for item in batch if item is not None]
            if work and not await self._settle_batch(work):
                for item in work:
                    await self._settle_batch([item], alone=True)

    async def _settle_batch(self, work: Sequence[_Work[Any, Any]], alone: bool = False) -> bool:
        """Settle these in one transaction; False if one failed and each must go alone."""
        clients_changed = False
        try:
            async with self._engine.writing() as db:
                rows: Rows = {}
                decisions = [await item.turn(db, rows, alone) for item in work]
                clients_changed = changes_clients(decisions)
                await write(db, rows)
                await self._chain.write(db, _lines(work, decisions))
                if self._engine.ear is not None and (text := told(decisions, clients_changed)):
                    await self._engine.tell(db, text)
                decided = perf_counter()
            took = perf_counter() - decided
            self.commits.add(took)
            self.batches.add(len(work))
            if self.on_commit is not None:
                self.on_commit(took, len(work))
            self._chain.kept()
        except StoreAway as away:
            self._chain.lost()
            if alone or not isinstance(away, Contended):
                _fail(work, away)
                return True
            return False
        except Exception as error:  # noqa: BLE001 - one request's failure is not the others'
            if alone:
                _fail(work, error)
            return alone
        finally:
            # Also after a failure: a commit may have been done without word of it.
            if clients_changed:
                self._hot.forget()
        for item, decision in zip(work, decisions, strict=True):
            if not item.done.done():
                item.done.set_result(decision)
        return True


def _lines(work: Sequence[_Work[Any, Any]], decisions: Sequence[Decision[Any]]) -> list[Line]:
    """The audit trail of what these turns changed; a lost guard changed nothing."""
    return [
        line
        for item, decision in zip(work, decisions, strict=True)
        for line in trail(decision.changes, item.now)
    ]


def _fail(work: Sequence[_Work[Any, Any]], error: Exception) -> None:
    for item in work:
        if not item.done.done():
            item.done.set_exception(error)
