"""`endorse migrate`: bring a database to this version's schema, or say what that would do."""

import sys
from typing import Final

import click

from endorse.cli.options import database_option
from endorse.cli.output import run

DONE: Final = 0
PENDING: Final = 1
NOT_POSSIBLE: Final = 2
"""The exit status where the database is newer, or does not answer."""


@click.command()
@database_option()
@click.option("--check", is_flag=True, help="Only say what would be done; nothing is changed.")
def migrate(database: str, check: bool) -> None:
    """Bring the database to the schema of this version, while servers of the last one go on.

    `endorse serve` does the same when it starts. The exit status of --check is 0 when there is
    nothing to do, 1 when there is, 2 when the database is too new for this program or does not
    answer.
    """
    from endorse.store.opening import look, upgrade

    if check:
        standing = run(look(database), status=NOT_POSSIBLE)
        for step in standing.pending:
            click.echo(f"would run {step.name}")
        if not standing.pending:
            click.echo(f"nothing to do: the schema has version {max(standing.done)}")
        sys.exit(PENDING if standing.pending else DONE)
    ran = run(upgrade(database), status=NOT_POSSIBLE)
    for step in ran:
        click.echo(f"ran {step.name}")
    if not ran:
        click.echo("nothing to do")
