"""Looking into a database: whole tables, the trail, and how many transactions were needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from endorse.store import Store
from endorse.store.connection import Connection

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
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
