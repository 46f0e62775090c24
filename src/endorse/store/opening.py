"""From a URL to a database: open it, bring it up to date, or only say where it stands."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from endorse.store.connection import Engine, StoreAway
from endorse.store.migrate import Standing, Step, migrate, stands, steps
from endorse.store.store import Store

SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql://", "postgres://")


def require_database(url: str) -> None:
    """Raise StoreAway where `sqlite:///PATH` names no file, which `open_store` would make.

    For who works beside a server: a mistyped path must not pass for a bank without clients. Whether
    PostgreSQL has a database, it says itself.
    """
    path = url.removeprefix(SQLITE)
    if path != url and not Path(path).is_file():
        raise StoreAway(f"There is no database {path}. `endorse serve` makes it when it starts.")


async def open_store(url: str) -> Store:
    """Open `sqlite:///path` or `postgresql://…` and bring its schema up to date.

    Raises ValueError for another URL, StoreAway if the database does not answer, NewerSchema if
    a newer version wrote it.
    """
    engine = await _engine(url)
    try:
        await migrate(engine)
    except BaseException:
        await engine.close()
        raise
    return Store(engine)


async def upgrade(url: str) -> tuple[Step, ...]:
    """Bring a database up to date and give what ran. Raises what `open_store` raises."""
    engine = await _engine(url)
    try:
        return await migrate(engine)
    finally:
        await engine.close()


async def look(url: str) -> Standing:
    """Say where a database stands; nothing is changed and no file made.

    Raises ValueError for another URL, StoreAway if there is nobody to ask, NewerSchema if a newer
    version left nothing for this program to work with.
    """
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        return await _look_into(path) if _may_be_opened(path) else _empty()
    engine = await _engine(url)
    try:
        return await engine.read(lambda db: stands(db, engine.name, engine.listing))
    finally:
        await engine.close()


async def why_restored(url: str) -> str:
    """Say why an open PostgreSQL database must be of an older time, or "". Raises StoreAway.

    Copies of SQLite say it of themselves: see `backup.is_copy`.
    """
    if not url.startswith(_POSTGRES):
        return ""
    from endorse.store import origin  # noqa: PLC0415

    return await origin.why_restored(url)


async def take_into_use(url: str) -> None:
    """Let servers start on a PostgreSQL database that was restored. Raises StoreAway."""
    if url.startswith(_POSTGRES):
        from endorse.store import origin  # noqa: PLC0415

        await origin.remember(url)


def _may_be_opened(path: Path) -> bool:
    """Say no where a new file would be made."""
    return path.exists() or not path.parent.is_dir()


def _empty() -> Standing:
    return Standing(frozenset(), tuple(steps("sqlite").values()))


def _only_to_read(path: Path) -> str:
    # Without a log nobody has the file open. To read the log's index then, SQLite would make both,
    # as files of whoever looks, which the server's user may not be able to open.
    used = path.with_name(path.name + "-wal").exists()
    return f"file:{quote(str(path))}?mode=ro" + ("" if used else "&immutable=1")


async def _look_into(path: Path) -> Standing:
    from endorse.store.sqlite import SqliteConnection, SqliteEngine  # noqa: PLC0415

    try:
        raw = sqlite3.connect(_only_to_read(path), uri=True)
        try:
            return await stands(SqliteConnection(raw), SqliteEngine.name, SqliteEngine.listing)
        finally:
            raw.close()
    except sqlite3.Error as error:
        raise StoreAway(f"SQLite cannot use {path}: {error}") from error


async def _engine(url: str) -> Engine:
    if url.startswith(SQLITE):
        from endorse.store.sqlite import SqliteEngine  # noqa: PLC0415 - only what is used

        return SqliteEngine(url.removeprefix(SQLITE))
    if url.startswith(_POSTGRES):
        from endorse.store.postgres import PostgresEngine  # noqa: PLC0415

        return await PostgresEngine.connect(url)
    raise ValueError("The database must be sqlite:///PATH or postgresql://…")
