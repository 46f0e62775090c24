"""The option that most commands have: which database they work on."""

from collections.abc import Callable
from typing import Any

import click


def database_option(what: str = "The server's database.") -> Callable[[Any], Any]:
    """Give `--database`, which is ENDORSE_DATABASE where it is not named."""
    return click.option(
        "--database",
        envvar="ENDORSE_DATABASE",
        show_envvar=True,
        required=True,
        metavar="URL",
        help=what,
    )
