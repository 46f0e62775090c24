"""`endorse audit-log`: read the audit trail back and check that it is whole."""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from endorse.cli.options import database_option
from endorse.cli.output import run, show

if TYPE_CHECKING:
    from endorse.core.audit_log import ChainRow, Finding, Head
    from endorse.store import Store

_HEAD: Final = re.compile(r"audit head ([0-9a-f]+) (\d+) ([0-9a-f]{64})")
_PAGE: Final = 2000


@click.group("audit-log")
@database_option()
@click.pass_context
def audit_log(context: click.Context, database: str) -> None:
    """Check the audit trail: who did what, chained under the key in ENDORSE_SECRET."""
    context.obj = database


@audit_log.command("verify")
@click.option(
    "--heads",
    type=click.Path(exists=True, dir_okay=False),
    help="A file with heads that were kept elsewhere, such as the server's log.",
)
@click.option("--accept-unsealed", is_flag=True, help="Commands were run without the secret.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def audit_log_verify(
    database: str, heads: str | None, accept_unsealed: bool, as_json: bool
) -> None:
    """Say whether a line was edited, removed or cut off since it was written.

    The end of the newest chain can be cut off unseen unless its head was kept elsewhere: the
    server logs it each minute. Works beside a running server. The exit status is 1 if anything
    does not hold.
    """
    known = kept_heads(Path(heads)) if heads else []
    findings = run(check_trail(database, known, accept_unsealed, os.environ))
    for finding in findings:
        if as_json:
            show({"what": finding.what, "wrong": finding.wrong}, as_json)
        else:
            wrong = f"NO  {finding.what}: {finding.wrong}"
            click.echo(wrong if finding.wrong else f"ok  {finding.what}")
    if any(finding.wrong for finding in findings):
        sys.exit(1)


@audit_log.command("heads")
@click.pass_obj
def audit_log_heads(database: str) -> None:
    """Print where each chain stands, to be kept where who writes the database cannot write."""
    for row in run(_heads(database)):
        click.echo(f"audit head {row.last.writer_id} {row.last.batch} {row.last.mac}")


def kept_heads(path: Path) -> "list[Head]":
    """Read heads from lines of a log, whatever stands around them."""
    from endorse.core.audit_log import Head

    with path.open(encoding="utf-8", errors="replace") as text:
        found = [match.groups() for line in text for match in _HEAD.finditer(line)]
    return [Head(writer_id, int(batch), mac) for writer_id, batch, mac in found]


async def _heads(database: str) -> "list[ChainRow]":
    from endorse.store import audit_log as stored
    from endorse.store import open_store, require_database

    require_database(database)
    store = await open_store(database)
    try:
        return await store.read(stored.chains)
    finally:
        await store.close()


async def check_trail(
    database: str, known: "Iterable[Head]", accept_unsealed: bool, environment: Mapping[str, str]
) -> "list[Finding]":
    """Check the whole trail, with heads that were kept elsewhere. Raises ValueError."""
    from endorse.cli.secret import audit_key
    from endorse.store import open_store, require_database

    require_database(database)
    store = await open_store(database)
    try:
        key = await audit_key(store, environment)
        if not key:
            raise ValueError("ENDORSE_SECRET is not set: the audit trail is linked with its key.")
        return await _walk(store, key, known, accept_unsealed)
    finally:
        await store.close()


async def _walk(
    store: "Store", key: bytes, known: "Iterable[Head]", accept_unsealed: bool
) -> "list[Finding]":
    from functools import partial

    from endorse.core.audit_log import Walk
    from endorse.store import audit_log as stored

    while True:
        rows = await store.read(stored.chains)
        walk = Walk(key, rows, known)
        after = 0
        while page := await store.read(partial(stored.lines, after=after, at_most=_PAGE)):
            for written in page:
                walk.step(written)
            after = page[-1].audit_id
        # What the server forgot meanwhile would look as if it had been taken out.
        again = {row.writer_id: row.cut for row in await store.read(stored.chains)}
        if all(again.get(row.writer_id) == row.cut for row in rows):
            return walk.findings(accept_unsealed)
