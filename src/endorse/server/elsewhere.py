"""What others changed: pages here wait for what moves at another server, or at the bank's desk.

A page asks the database nothing while it waits. On PostgreSQL every server is told which journeys
moved, and reads those that somebody here waits for. On SQLite the command line is the only other
process: one look a second, for all pages, finds what ended with a phone that the desk revoked.
"""

import asyncio
from functools import partial
from typing import Final

from endorse.server.desk import Desk, log
from endorse.store import reads
from endorse.store.connection import StoreAway
from endorse.store.news import News

_LOOK_EVERY: Final = 1.0


async def look_elsewhere(desk: Desk) -> None:
    """Wake for ever, within a second, who waits for what another process changed."""
    if desk.store.ear is None:
        await _look_for_ended(desk)
    else:
        await desk.store.listen(partial(_heard, desk))


async def _heard(desk: Desk, news: News) -> None:
    """Read what somebody here waits for and does not know yet. Raises StoreAway."""
    if news.keys:
        desk.keyring.look_again()
    waiting = desk.waiting
    waiting.news += 1
    ids = waiting.journeys() if news.anything else waiting.unseen(news.journeys)
    for first in range(0, len(ids), reads.JOURNEYS_AT_ONCE):
        some = ids[first : first + reads.JOURNEYS_AT_ONCE]
        for journey in await desk.store.read(partial(reads.journeys_named, ids=some)):
            waiting.changed(journey)


async def _look_for_ended(desk: Desk) -> None:
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
