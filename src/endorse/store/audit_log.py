"""The SELECTs that read the audit trail back, and how its oldest lines are forgotten."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from endorse.core import change as c
from endorse.core.audit_log import ChainRow, Head, Line, Written
from endorse.store.connection import Connection

_FOLLOWS: Final = msgspec.json.Decoder(tuple[Head, ...])
_LINES: Final = (
    "SELECT audit_id, at, event, actor, journey_id, grant_id, client_id, person_id, detail, "
    "writer_id, batch, mac FROM audit WHERE audit_id > $1 ORDER BY audit_id LIMIT $2"
)
_CHAINS: Final = (
    "SELECT writer_id, started_at, sealed, follows, batch, mac, cut_batch, cut_mac, cut_proof "
    "FROM audit_chains ORDER BY started_at, writer_id"
)
_FORGET: Final = "DELETE FROM audit WHERE audit_id <= $1 AND writer_id = $2 AND batch <= $3"
_CUT: Final = (
    "UPDATE audit_chains SET cut_batch = $2, cut_mac = $3, cut_proof = $4 "
    "WHERE writer_id = $1 AND cut_batch < $2"
)


async def chains(db: Connection) -> list[ChainRow]:
    """Read every chain, the oldest first."""
    return [_chain(row) for row in await db.all(_CHAINS)]


async def lines(db: Connection, after: int, at_most: int) -> list[Written]:
    """Read the lines after a number, in their order."""
    return [_written(row) for row in await db.all(_LINES, after, at_most)]


async def cut(db: Connection, change: c.CutAudit) -> bool:
    """Delete whole batches, and keep the proof of it. No guard: gone is gone."""
    for head, proof in change.cuts:
        await db.run(_FORGET, change.up_to, head.writer_id, head.batch)
        await db.run(_CUT, head.writer_id, head.batch, head.mac, proof)
    return True


def _chain(row: Sequence[Any]) -> ChainRow:
    writer_id, started_at, sealed, follows, batch, mac, cut_batch, cut_mac, proof = row
    return ChainRow(
        writer_id,
        started_at,
        bool(sealed),
        _FOLLOWS.decode(follows),
        Head(writer_id, batch, mac),
        Head(writer_id, cut_batch, cut_mac),
        proof,
    )


def _written(row: Sequence[Any]) -> Written:
    line: Line = tuple(row[1:9])
    return Written(row[0], line, *row[9:])
