"""Forgetting while serving: small pieces, with pauses, until nothing is left to forget."""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from endorse.server.clock import Clock
from endorse.store import Store
from endorse.store.connection import StoreAway
from endorse.store.sweep import KINDS, Kind

log: Final = logging.getLogger("endorse")

T = TypeVar("T")

_EVERY: Final = 10.0
# Pieces take few milliseconds, and so does their commit. Many of them one after another would fill
# the log, and whoever is served would wait for it to be moved into the file.
_PAUSE: Final = 0.020


class Sweeper:
    """Keeps the tables as small as what lives, and says how far behind it is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Sweep this store; `run` begins."""
        self._store = store
        self._clock = clock
        self._gone_until = dict.fromkeys((kind.table for kind in KINDS), clock())
        self.rows = 0
        """How many rows this server has forgotten since it started."""

    def lag(self) -> int:
        """Give the age in seconds of the oldest row that may be there and should be gone.

        Up to ten are usual: that is how often a round begins.
        """
        return self._clock() - min(self._gone_until.values())

    async def run(self) -> None:
        """Go on until cancelled."""
        await self._tried(self.turn_over())
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            pause = _PAUSE if await self._tried(self.round(_EVERY)) is False else _EVERY

    async def _tried(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do something; without a database it is left for later."""
        try:
            return await work
        except StoreAway as away:
            log.warning("nothing swept: %s", away)
            return None

    async def turn_over(self) -> None:
        """Make the partitions that will be needed, and drop those that are over."""
        self._gone_until["partitions"] = await self._store.turn_over(self._clock())

    async def round(self, seconds: float = math.inf) -> bool:
        """Sweep all kinds in turn until each is done, or the time is; say whether nothing is left.

        However much there is of one kind, the others come again with the next round. Raises
        StoreAway.
        """
        await self.turn_over()
        until = time.monotonic() + seconds
        left: tuple[Kind, ...] = KINDS
        while left and time.monotonic() < until:
            unfinished = []
            for kind in left:
                began = time.perf_counter()
                swept = await self._store.sweep(kind, self._clock(), kind.at_once)
                self.rows += swept.rows
                self._gone_until[kind.table] = swept.gone_until
                if swept.more:
                    unfinished.append(kind)
                if swept.rows:
                    # A busy database answers late, and is then left alone for longer.
                    await asyncio.sleep(max(_PAUSE, 2 * (time.perf_counter() - began)))
            left = tuple(unfinished)
        return not left
