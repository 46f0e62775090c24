"""`endorse backup` and `endorse restored`: a copy of the database, and taking one into use."""

import os
import time
from pathlib import Path
from typing import Any

import click

from endorse.cli.options import database_option
from endorse.cli.output import run, show


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@database_option("The server's database: sqlite:///PATH.")
@click.option("--json", "as_json", is_flag=True)
def backup(target: Path, database: str, as_json: bool) -> None:
    """Copy a SQLite database to the new file TARGET, while the server goes on.

    The copy is of one moment, checked, and on the disk when the command ends. It holds everything
    but ENDORSE_SECRET, without which it is of no use: keep that elsewhere.
    """
    show(run(_back_up(database, target)), as_json)


async def _back_up(database: str, target: Path) -> dict[str, Any]:
    from endorse.store.backup import back_up

    copied = back_up(database, target)
    return {"backup": copied.path, "bytes": copied.size, "schema_version": copied.schema}


@click.command()
@database_option("The restored database.")
@click.option(
    "--end-connections",
    is_flag=True,
    help="The server went on after the copy: end all connections, and what was under way.",
)
@click.option(
    "--nothing-lost", is_flag=True, help="The copy has all that the server ever answered."
)
def restored(database: str, end_connections: bool, nothing_lost: bool) -> None:
    """Take a restored database into use, before the server starts on it.

    An older state knows nothing of what ended since: connections, phones and secrets that were
    taken back count again. See docs/backup.md for what to do by hand.
    """
    run(_take_into_use(database, end_connections, nothing_lost))


async def _take_into_use(database: str, end_connections: bool, nothing_lost: bool) -> None:
    """End what may have ended, if so asked, and let servers start. Raises ValueError."""
    from endorse.cli.secret import audit_key
    from endorse.core.change import EndRestored
    from endorse.store import open_store, require_database
    from endorse.store.backup import use
    from endorse.store.opening import take_into_use

    if end_connections == nothing_lost:
        raise ValueError("Say one of --end-connections and --nothing-lost.")
    require_database(database)
    store = await open_store(database)
    try:
        if end_connections:
            store.seal_audit(await audit_key(store, os.environ))
            now = int(time.time())
            await store.change([EndRestored(now)], now)
    finally:
        await store.close()
    # Last, so that a server cannot start on a copy of which this was not done.
    use(database)
    await take_into_use(database)
