"""The audit trail while the server runs: its head goes to the log, its oldest lines go."""

import asyncio
from functools import partial
from typing import Final

from endorse.core import audit_log
from endorse.core.change import CutAudit, Decision
from endorse.core.policy import HISTORY
from endorse.server.desk import Desk, log
from endorse.store import audit_log as stored
from endorse.store.connection import StoreAway

_EVERY: Final = 60.0
_SOON: Final = 0.4
_AT_MOST: Final = 2000
"""Lines looked at in one piece: more than any batch has."""


async def tell_head(desk: Desk) -> None:
    """Log for ever, each minute in which something was written, where the chain stands."""
    told = desk.store.audit_head
    while True:
        await asyncio.sleep(_EVERY)
        if desk.store.audit_head != told:
            told = desk.store.audit_head
            log.info(said(told))


async def forget_old(desk: Desk) -> None:
    """Forget for ever what is old enough, a piece at a time while there is more."""
    pause = _EVERY
    while True:
        await asyncio.sleep(pause)
        try:
            pause = _SOON if await forget(desk) else _EVERY
        except StoreAway as away:
            log.warning("nothing of the audit trail forgotten: %s", away)


def said(head: audit_log.Head) -> str:
    """Write a head as `endorse audit-log verify --heads` reads it."""
    return f"audit head {head.writer_id} {head.batch} {head.mac}"


async def forget(desk: Desk) -> bool:
    """Forget one piece of the trail that is older than people can look up; say whether one was."""
    now, key = desk.clock(), desk.keys.audit

    def decide(oldest: list[audit_log.Written]) -> Decision[bool]:
        ends, up_to = audit_log.over(oldest, now - HISTORY)
        if not ends:
            return Decision(False)
        cuts = tuple((head, audit_log.cut_proof(key, head)) for head in ends)
        return Decision(True, (CutAudit(cuts, up_to),))

    read = partial(stored.lines, after=0, at_most=_AT_MOST)
    return (await desk.store.settle(read, decide, now)).answer is True
