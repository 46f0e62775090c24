"""A process that stores grants as fast as it can and says each id when it was answered.

Run as `python -m tests.store.writer DATABASE NAME`, until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable

import msgspec

from endorse.core.change import Decision, MakeToken, Rotate
from endorse.store import Store, open_store
from tests.store import looking, things

ABREAST = 20


def always(decision: Decision[str]) -> Callable[[None], Decision[str]]:
    """Decide this, whatever the facts."""
    return lambda _: decision


async def write(store: Store, name: str, lane: int) -> None:
    """Store one grant after another, each with a token and a rotation in the same decision."""
    for number in itertools.count():
        grant = things.grant(f"{name}-{lane}-{number}")
        token = msgspec.structs.replace(
            things.TOKEN, token_hash=grant.grant_id, grant_id=grant.grant_id
        )
        changes = (things.made(grant), MakeToken(token), Rotate(grant.grant_id, 1, things.NOW))
        await store.settle(looking.nothing, always(Decision(grant.grant_id, changes)), things.NOW)
        sys.stdout.write(grant.grant_id + "\n")
        sys.stdout.flush()


async def main(database: str, name: str) -> None:
    """Write on many lanes at once, so that batches form."""
    store = await open_store(database)
    await asyncio.gather(*(write(store, name, lane) for lane in range(ABREAST)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
