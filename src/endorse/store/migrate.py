"""Bring a database to this version's schema: numbered files, forward only, each once.

A file `NNNN_name.sql` runs on both databases, `NNNN_name.postgresql.sql` or `.sqlite.sql` after it
on one. Its first line says which programs still work afterwards.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from endorse.store.connection import Busy, Connection, Engine

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS schema_steps (version BIGINT PRIMARY KEY, oldest BIGINT NOT NULL)",
)
_FIRST_STEP: Final = 13
"""Programs from before it look into `schema_versions` alone, and refuse whatever is new there. So
only what they could not work with is noted there too."""

_PATIENCE: Final = 60.0
_PAUSE: Final = 0.2

_OLDEST: Final = re.compile(r"^-- Programs from schema (\d+) on work with it\.")
# A statement ends with a semicolon that stands in no $$ … $$.
_STATEMENT: Final = re.compile(r"(?:\$\$.*?\$\$|[^;])+", re.DOTALL)


class NewerSchema(RuntimeError):
    """The database was changed by a newer version, in a way that this program cannot work with."""


class Step(NamedTuple):
    """One migration, as it runs on one kind of database."""

    version: int
    name: str
    oldest: int
    """The oldest schema version whose programs still work after it."""
    statements: tuple[str, ...]


class Standing(NamedTuple):
    """Where a database stands: what has run there, and what this program would run."""

    done: frozenset[int]
    pending: tuple[Step, ...]


async def migrate(engine: Engine) -> tuple[Step, ...]:
    """Run what has not run yet, and give it. Safe when many servers start at once, and serve.

    Raises NewerSchema if a newer version left nothing for this program to work with, and StoreAway
    if the tables that it needs were in use for a minute.
    """
    ran: list[Step] = []
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            async with engine.migrating() as db:
                for table in _TABLES:
                    await db.run(table)
                standing = await stands(db, engine.name, engine.listing)
                # An empty database has nobody to wait for: all at once. Otherwise one by one, so
                # that no table is held for longer than its own change takes.
                now = standing.pending[:1] if standing.done else standing.pending
                for step in now:
                    await _run(db, step)
            ran += now
            if len(now) == len(standing.pending):
                return tuple(ran)
        except Busy:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE)


async def stands(db: Connection, engine: str, listing: str) -> Standing:
    """Read where a database of this kind stands; `listing` finds its tables. Raises NewerSchema."""
    wanted = steps(engine)
    done = await _done(db, listing)
    too_new = [version for version, oldest in done.items() if oldest > max(wanted)]
    if too_new:
        raise NewerSchema(
            f"The database has schema version {max(too_new)}, this program knows {max(wanted)}. "
            "Start a program at least as new as the one that wrote it."
        )
    pending = [wanted[version] for version in sorted(wanted) if version not in done]
    return Standing(frozenset(done), tuple(pending))


async def is_current(db: Connection) -> bool:
    """Say whether the schema has all that this program needs; a newer one may have more."""
    rows = await db.all(
        "SELECT version FROM schema_versions UNION SELECT version FROM schema_steps"
    )
    return {row[0] for row in rows} >= versions()


async def _done(db: Connection, listing: str) -> Mapping[int, int]:
    """Give each version that has run, with the oldest whose programs work with it."""
    tables = {row[0] for row in await db.all(listing)}
    done: dict[int, int] = {}
    if "schema_versions" in tables:
        rows = await db.all("SELECT version FROM schema_versions")
        done |= {row[0]: row[0] for row in rows}
    if "schema_steps" in tables:
        rows = await db.all("SELECT version, oldest FROM schema_steps")
        done |= {row[0]: row[1] for row in rows}
    return done


async def _run(db: Connection, step: Step) -> None:
    for statement in step.statements:
        await db.run(statement)
    if step.version >= _FIRST_STEP:
        into = "INSERT INTO schema_steps (version, oldest) VALUES ($1, $2)"
        await db.run(into, step.version, step.oldest)
    if step.version < _FIRST_STEP or step.oldest >= _FIRST_STEP:
        await db.run("INSERT INTO schema_versions (version) VALUES ($1)", step.version)


@cache
def versions() -> frozenset[int]:
    """Give the schema versions that this program knows."""
    return frozenset(steps("sqlite"))


@cache
def steps(engine: str) -> Mapping[int, Step]:
    """Read all migrations as they run on one kind of database, "sqlite" or "postgresql"."""
    folder = resources.files("endorse.store.migrations")
    words = _WORDS[engine]
    found: dict[int, Step] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name.removesuffix(".sql")):
        name, *kind = file.name.removesuffix(".sql").split(".")
        if not file.name.endswith(".sql") or kind not in ([], [engine]):
            continue
        version, text = int(name.split("_")[0]), file.read_text("utf-8")
        said = _OLDEST.match(text)
        before = found.get(version)
        found[version] = Step(
            version,
            name,
            before.oldest if before else int(said[1]) if said else version,
            (*(before.statements if before else ()), *_statements(text.format_map(words))),
        )
    return found


_WORDS: Final = {
    "sqlite": {"identity": "INTEGER PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {"identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"},
}


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in _STATEMENT.findall("\n".join(lines)) if part.strip()]
