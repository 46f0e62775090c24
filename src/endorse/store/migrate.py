"""Bring a database to this version's schema: numbered files, forward only, each once."""

from functools import cache
from importlib import resources

from endorse.store.connection import Connection, Engine

_TABLE = "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)"


class NewerSchema(RuntimeError):
    """The database was written by a newer version of this program."""


async def migrate(engine: Engine) -> int:
    """Run what has not run yet; give the schema's version. Safe when many servers start at once.

    Raises NewerSchema if the database was written by a newer version.
    """
    wanted = _numbered()
    newest = max(wanted)
    # What has run is read by the one that may run the rest, or two would run the same.
    async with engine.migrating() as db:
        await db.run(_TABLE)
        done = {row[0] for row in await db.all("SELECT version FROM schema_versions")}
        if done - set(wanted):
            raise NewerSchema(
                f"The database has schema version {max(done)}, this program knows {newest}. "
                "Start a program at least as new as the one that wrote it."
            )
        for version in sorted(set(wanted) - done):
            for statement in _statements(wanted[version].format_map(engine.column_types())):
                await db.run(statement)
            await db.run("INSERT INTO schema_versions (version) VALUES ($1)", version)
    return newest


async def is_current(db: Connection) -> bool:
    """Say whether the schema has all that this program needs; a newer one may have more."""
    row = await db.one("SELECT max(version) FROM schema_versions")
    return row is not None and int(row[0] or 0) >= _newest()


@cache
def _newest() -> int:
    return max(_numbered())


def _numbered() -> dict[int, str]:
    folder = resources.files("endorse.store.migrations")
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {int(file.name.split("_")[0]): file.read_text("utf-8") for file in files}


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
