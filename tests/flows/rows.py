"""What is in the database, by the server's own connection."""

from __future__ import annotations

import re
from typing import Any

from endorse.store.connection import Connection
from endorse.store.migrate import steps
from tests.serving import Served

TABLES = sorted(
    name
    for step in steps("sqlite").values()
    for statement in step.statements
    for name in re.findall(r"CREATE TABLE (\w+)", statement)
)

Contents = dict[str, list[tuple[Any, ...]]]


async def contents(served: Served) -> Contents:
    """Every row of every table."""

    async def read(db: Connection) -> Contents:
        return {
            table: sorted((tuple(row) for row in await db.all(f"SELECT * FROM {table}")), key=repr)
            for table in TABLES
        }

    return await served.desk.store.read(read)


async def counts(served: Served) -> dict[str, int]:
    """How many rows each table has."""
    return {table: len(rows) for table, rows in (await contents(served)).items()}
