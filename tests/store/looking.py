"""Looking into a database: whole tables, the trail, and how many transactions were needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from endorse.store import Store
from endorse.store.connection import Connection, Row, Value
from endorse.store.postgres import PostgresEngine
from endorse.store.sweep import KINDS, Swept

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition"
    ),
}


async def rows(store: Store, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
    """All rows of a question."""
    found: Sequence[Any] = await store.read(lambda db: db.all(sql, *values))
    return [tuple(row) for row in found]


async def count(store: Store, table: str) -> int:
    """How many rows a table has."""
    return int((await rows(store, f"SELECT count(*) FROM {table}"))[0][0])


async def tables(store: Store, url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the database with every row."""
    names = await rows(store, _TABLES[url.split(":", maxsplit=1)[0]])
    return {name: await rows(store, f"SELECT * FROM {name}") for (name,) in sorted(names)}


async def trail(store: Store) -> list[tuple[Any, ...]]:
    """The audit trail in its order, without its numbers."""
    return await rows(
        store,
        "SELECT at, event, actor, journey_id, grant_id, client_id, person_id, detail "
        "FROM audit ORDER BY audit_id",
    )


async def sweep(store: Store, now: int, at_most: int = 100) -> dict[str, Swept]:
    """Sweep one piece of each kind; what became of it, by table."""
    return {kind.table: await store.sweep(kind, now, at_most) for kind in KINDS}


async def nothing(_: Connection) -> None:
    """Read no facts."""


def counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by one word a write transaction of this store: "good" or "undone"."""
    done: list[str] = []
    writing = store._engine.writing

    @asynccontextmanager
    async def noted() -> AsyncIterator[Connection]:
        try:
            async with writing() as db:
                yield db
        except BaseException:
            done.append("undone")
            raise
        done.append("good")

    monkeypatch.setattr(store._engine, "writing", noted)
    return done


def a_second_later(store: Store) -> None:
    """Let a second pass for PostgreSQL; SQLite is asked each time."""
    if isinstance(store._engine, PostgresEngine):
        store._engine._looked_at -= 1


class Statements(NamedTuple):
    """What was run on a store's connections, in order."""

    read: list[str]
    written: list[str]
    """In the writing transaction, to read facts and to change."""
    shared: list[str]
    """At the end of a batch, for all its requests together, without the audit trail's."""


def statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> Statements:
    """Note every statement from now on: of reads, and of the writing transactions.

    What begins and ends a transaction is shared by its whole batch, and is not among them.
    """
    noted = Statements([], [], [])
    engine = store._engine
    read, writing = engine.read, engine.writing

    async def noting(query: Callable[[Connection], Awaitable[Any]]) -> Any:
        return await read(lambda db: query(_Noting(db, noted.read, noted.shared)))

    @asynccontextmanager
    async def noting_too() -> AsyncIterator[Connection]:
        async with writing() as db:
            yield _Noting(db, noted.written, noted.shared)

    monkeypatch.setattr(engine, "read", noting)
    monkeypatch.setattr(engine, "writing", noting_too)
    return noted


class _Noting:
    """A connection that notes what it is asked."""

    def __init__(self, db: Connection, noted: list[str], shared: list[str]) -> None:
        self._db = db
        self._noted = noted
        self._shared = shared

    async def one(self, sql: str, *values: Value) -> Row | None:
        self._noted.append(sql)
        return await self._db.one(sql, *values)

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        self._noted.append(sql)
        return await self._db.all(sql, *values)

    async def run(self, sql: str, *values: Value) -> int:
        # A batch has one link of the audit trail, and one NOTIFY.
        if "audit_chains" not in sql and "pg_notify" not in sql:
            self._noted.append(sql)
        return await self._db.run(sql, *values)

    async def run_all(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        if "INTO audit" not in sql:
            self._shared.append(sql)
        await self._db.run_all(sql, rows)
