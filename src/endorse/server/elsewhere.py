"""What another process ended: the bank's desk revokes a phone, and a page here waits for it.

A page asks the database nothing while it waits. One look a second, for all of a server's pages,
finds what ended with a phone: a handful of rows behind an index of their own.
"""

import asyncio
from functools import partial
from typing import Final

from endorse.server.desk import Desk, log
from endorse.store import reads
from endorse.store.connection import StoreAway

_LOOK_EVERY: Final = 1.0


async def look_elsewhere(desk: Desk) -> None:
    """Wake for ever, within a second, who waits for what another process ended."""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if not desk.waiting.anybody():
            continue
        # Longer ago nothing is undecided any more. What was told already is told in vain.
        since = desk.clock() - desk.law.decision
        try:
            ended = await desk.store.read(partial(reads.revoked_since, since=since))
        except StoreAway as away:
            log.warning("no look at what ended elsewhere: %s", away)
            continue
        for journey in ended:
            desk.waiting.changed(journey)
