"""Who waits for which journey: the open pages of browsers and the watching phones.

A wake-up is a hint: whoever is woken looks at the journey it is given and decides itself. One
ticker pokes the pages, spread over time, so that ten thousand of them never all write in the same
moment.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from endorse.core.model import Journey
from endorse.store.tally import SECONDS, Tally

_SLOTS_A_SECOND: Final = 50
"""Of ten thousand pages a slot has a hundred: nothing else runs for a few milliseconds."""


class Waiter:
    """One page or phone that waits for one journey. `changed` holds the newest change unseen."""

    __slots__ = ("_wake", "changed", "closed", "journey_id", "slot", "version")

    def __init__(self, journey_id: str, version: int = 0) -> None:
        """Wait for what follows this version of a journey; `Waiting.enter` makes it known."""
        self.journey_id = journey_id
        self.version = version
        self.changed: Journey | None = None
        self.closed = False
        self.slot = -1
        self._wake: asyncio.Future[None] | None = None

    async def wake(self) -> None:
        """Sleep until there is a change, a tick or the end."""
        if self.changed is None and not self.closed:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def poke(self) -> None:
        """Wake the waiter."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def close(self) -> None:
        """Tell the waiter to go: the other side left, or the server ends."""
        self.closed = True
        self.poke()


class Waiting:
    """All who wait on this server."""

    def __init__(self, tick_every: float) -> None:
        """Poke each page every `tick_every` seconds once `run` runs."""
        # Mostly one each: a tuple takes a fifth of a set's memory.
        self._by_journey: dict[str, tuple[Waiter, ...]] = {}
        self._slots: list[set[Waiter]] = [
            set() for _ in range(max(1, round(tick_every * _SLOTS_A_SECOND)))
        ]
        self._next_slot = 0
        self._count = 0
        self.ended = False
        self.news = 0
        """Grows with all that is told, here or by another server: while it is the same, nobody who
        is about to wait misses anything."""
        self.late = Tally(SECONDS)
        """By how many seconds each tick came late: all else that is due comes as late."""

    def enter(self, waiter: Waiter, ticking: bool) -> None:
        """Let a waiter wait; with `ticking` it is also poked regularly."""
        self._count += 1
        others = self._by_journey.get(waiter.journey_id, ())
        self._by_journey[waiter.journey_id] = (*others, waiter)
        if ticking:
            # The emptiest slot keeps the ticks even, whenever pages come.
            sizes = list(map(len, self._slots))
            waiter.slot = sizes.index(min(sizes))
            self._slots[waiter.slot].add(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter."""
        waiters = self._by_journey.pop(waiter.journey_id, ())
        others = tuple(it for it in waiters if it is not waiter)
        self._count -= len(waiters) - len(others)
        if others:
            self._by_journey[waiter.journey_id] = others
        if waiter.slot >= 0:
            self._slots[waiter.slot].discard(waiter)

    def changed(self, journey: Journey) -> None:
        """Tell all who wait for this journey that it moved. Who knows a newer one is not told."""
        self.news += 1
        for waiter in self._by_journey.get(journey.journey_id, ()):
            if journey.version >= waiter.version:
                waiter.version = journey.version
                waiter.changed = journey
                waiter.poke()

    def journeys(self) -> list[str]:
        """Give the ids of all journeys that somebody waits for."""
        return list(self._by_journey)

    def unseen(self, versions: Mapping[str, int]) -> list[str]:
        """Give the ids of which somebody here does not know that version yet."""
        return [
            journey_id
            for journey_id, version in versions.items()
            if any(it.version < version for it in self._by_journey.get(journey_id, ()))
        ]

    def anybody(self) -> bool:
        """Say whether anybody waits."""
        return bool(self._by_journey)

    def count(self) -> int:
        """Give how many wait."""
        return self._count

    def pages(self) -> int:
        """Give how many of them are pages, which are poked regularly."""
        return sum(map(len, self._slots))

    def end(self) -> None:
        """Send everybody away: the server stops. Browsers come back by themselves."""
        self.ended = True
        for waiters in list(self._by_journey.values()):
            for waiter in waiters:
                waiter.close()

    async def run(self) -> None:
        """Tick for ever."""
        clock = asyncio.get_running_loop().time
        step = 1 / _SLOTS_A_SECOND
        due = clock()
        while True:
            # By the clock, so that a busy server does not tick slower. Who is late ticks twice as
            # fast, no faster, so that answers get their turn; more than a round is not made up for.
            due = max(due + step, clock() - step * len(self._slots))
            sleeps = max(step / 2, due - clock())
            awake = clock() + sleeps
            await asyncio.sleep(sleeps)
            self.late.add(clock() - awake)
            for waiter in self._slots[self._next_slot]:
                waiter.poke()
            self._next_slot = (self._next_slot + 1) % len(self._slots)
