"""Whether this server's clock goes with the clocks of the others on the same PostgreSQL.

A frame of the moving code counts for six seconds, from one before its time: servers whose clocks
are more than a second apart refuse each other's frames, proofs and nonces. Each server measures how
far it is ahead of the database's clock, says so in a table, and compares itself with the others, so
that the database's own clock may be wrong.
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import Final

from endorse.core.coding import Fresh, b64url
from endorse.server.clock import SteadyClock
from endorse.store import Store
from endorse.store.connection import StoreAway
from endorse.store.servers import database_time, say_and_hear

_EVERY: Final = 5.0
"""Seconds. Who said nothing for three times as long is not there any more."""
_ALLOWED: Final = 1_000
"""Milliseconds between two servers."""
_TRIES: Final = 3
_ROUND_TRIP: Final = 0.4
"""Seconds. An answer that took longer tells too little: half of it is how wrong it may be."""


class Skew:
    """How far one server's clock is from the others'."""

    def __init__(self, store: Store, clock: SteadyClock, fresh: Fresh) -> None:
        """Compare this clock, under a name that tells an operator which server it is."""
        self._store = store
        self._clock = clock
        self.server = f"{socket.gethostname()} {b64url(fresh(6))}"
        self.problem = ""
        """What is wrong, for the operator; "" while nothing is known to be."""

    async def run(self) -> None:
        """Compare for ever."""
        while True:
            # That the database is away is told elsewhere.
            with contextlib.suppress(StoreAway):
                await self.compare()
            await asyncio.sleep(_EVERY)

    async def compare(self) -> None:
        """Measure, tell the others, and compare with what they told."""
        measured = await self._measured()
        if measured is None:
            return
        ahead, at = measured
        others = await self._store.read(lambda db: say_and_hear(db, self.server, ahead, at))
        self.problem = problem(self.server, ahead, others)

    async def _measured(self) -> tuple[int, int] | None:
        """Give the milliseconds that this clock is ahead, and the database's time."""
        for _ in range(_TRIES):
            before = self._clock.exact()
            at = await self._store.read(database_time)
            after = self._clock.exact()
            if after - before <= _ROUND_TRIP:
                return round(500 * (before + after)) - at, at
        return None


def problem(server: str, ahead: int, others: Mapping[str, int]) -> str:
    """Say what is wrong with a clock that is this many milliseconds ahead of the database's, or "".

    Of two servers that are too far apart it is the one that is farther from the database (or the
    last by name): the other goes on serving.
    """
    for other, theirs in others.items():
        last = (abs(ahead), server) > (abs(theirs), other)
        if last and abs(ahead - theirs) > _ALLOWED:
            apart = (ahead - theirs) / 1000
            return f"the clock is {apart:+.1f} s from that of {other}: see to NTP, and restart"
    return ""
