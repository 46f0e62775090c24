"""How much a server takes on at once, and what all its connections hold of that together."""

from collections import Counter
from collections.abc import Callable, Container
from typing import Final

import msgspec
from starlette.types import ASGIApp, Scope


class Room(msgspec.Struct, frozen=True):
    """How much a server takes on at once."""

    connections: int = 16_384
    """Of 14 kB each when a page waits on it."""
    of_address: int = 16_384
    """Of these, connections of one address: a policy's `connections_of_address`."""
    requests: int = 512
    """Whole requests that are being answered, beside the pages and phones that wait. At 3,000 a
    second the last one has its answer after a sixth of a second."""
    unread: int = 64 * 1024 * 1024
    """Bytes of requests that are not whole yet; of one address an eighth of it. Nearly all come
    whole in one read, and are not counted."""


ROOM: Final = Room()

Refuses = Callable[[Scope], ASGIApp | None]
"""Gives what answers a request that its address may not make any more; None if it may."""


class Shared:
    """What all connections of one server hold together."""

    def __init__(
        self,
        room: Room,
        waiting: Callable[[], int] = lambda: 0,
        refuses: Refuses | None = None,
        refused_after: float = 0,
        trusted_proxies: Container[str] = (),
    ) -> None:
        """Bound them by `room`; `waiting` counts the answers that stay open.

        What `refuses` gives is sent after `refused_after` seconds.
        Behind a trusted proxy an address is not one caller, so nothing is bounded by it there.
        """
        self.room = room
        self.waiting = waiting
        self.refuses = refuses or _nothing
        self.refused_after = refused_after
        self.trusted_proxies = trusted_proxies
        self.connections: Counter[str] = Counter()
        """By address."""
        self.unread = 0
        self.unread_of: Counter[str] = Counter()
        """Bytes by address."""
        self.turned_away: Counter[str] = Counter()
        """Connections and requests that were sent away unheard, by why."""

    def enter(self, address: str, of_proxy: bool) -> bool:
        """Count a connection; say whether its address has too many."""
        self.connections[address] += 1
        return not of_proxy and self.connections[address] > self.room.of_address

    def leave(self, address: str) -> None:
        """Forget a connection."""
        self.connections[address] -= 1
        if not self.connections[address]:
            del self.connections[address]

    def hold(self, address: str, of_proxy: bool, more: int) -> bool:
        """Count bytes of a request that is not whole; say whether they are too many."""
        self.unread += more
        held = self.unread_of[address] = self.unread_of[address] + more
        if not held:
            del self.unread_of[address]
        most = self.room.unread
        few = of_proxy or held <= most // 8
        return more > 0 and not (few and self.unread <= most)


def _nothing(_: Scope) -> None:
    """Refuse nothing."""
