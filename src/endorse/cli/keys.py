"""`endorse keys`: the keys with which the server signs."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from endorse.cli.output import run, show

if TYPE_CHECKING:
    from endorse.core.model import SigningKey


@click.group()
def keys() -> None:
    """Look at the server's signing keys, and replace them.

    Uses the settings of `endorse serve`, beside the running server.
    """


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
def keys_list(as_json: bool) -> None:
    """List the keys that are published, and when each signs."""
    _show(run(_keys(rotate=False, at_once=False)), as_json)


@keys.command("rotate")
@click.option(
    "--at-once",
    is_flag=True,
    help="The old ones may be known to others: what they signed counts no more.",
)
@click.option("--json", "as_json", is_flag=True)
def keys_rotate(at_once: bool, as_json: bool) -> None:
    """Publish a new key of each kind, which signs from an hour later.

    The old ones stay published for a day longer, until all that they signed is over.
    """
    _show(run(_keys(rotate=True, at_once=at_once)), as_json)


async def _keys(rotate: bool, at_once: bool) -> list[dict[str, Any]]:
    """Give the keys, or make new ones and give those. Raises ValueError."""
    from endorse.server.run import load_bank, open_desk, opened
    from endorse.server.settings import from_environment

    settings = from_environment(os.environ)
    async with opened(await open_desk(settings, load_bank(settings.bank))) as desk:
        found: Sequence[SigningKey] = (
            await desk.keyring.rotate(at_once) if rotate else await desk.keyring.keys()
        )
        return [_facts(key) for key in found]


def _facts(key: "SigningKey") -> dict[str, Any]:
    from endorse.core.consent import timestamp

    facts = {"kid": key.kid, "kind": key.kind, "signs_from": timestamp(key.signs_from)}
    return {**facts, "leaves_at": timestamp(key.leaves_at)} if key.leaves_at else facts


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    for place, facts in enumerate(found):
        if place and not as_json:
            click.echo()
        show(facts, as_json)
