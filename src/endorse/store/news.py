"""What a server tells the others on its PostgreSQL: which journeys moved, or that clients changed.

One NOTIFY a batch, in the transaction of its changes. It is a hint, never the truth: who hears of a
journey reads it. The version tells whether that is still worth while.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from endorse.core.change import AddSigningKey, Decision, Move
from endorse.core.journey import Event

CHANNEL: Final = "endorse"
_AT_MOST: Final = 7_900
"""Bytes. PostgreSQL takes fewer than 8,000."""


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was changed somewhere: by another server, by the command line, or by this server."""

    journeys: Mapping[str, int] = {}
    """The ids of journeys that moved, each with its newest version."""
    clients: bool = False
    """Whether clients or their secrets changed: what is kept of them in memory is old."""
    keys: bool = False
    """Whether the server's own signing keys changed."""
    anything: bool = False
    """Whether anything may have changed: nobody knows what was missed."""


ANYTHING: Final = News(clients=True, keys=True, anything=True)
_READ: Final = msgspec.json.Decoder(News)


def told(decisions: Iterable[Decision[Any]], clients_changed: bool) -> str:
    """Write what a batch changed that others must know; "" if nothing."""
    changes = [it for decision in decisions for it in decision.changes]
    moves = [it for it in changes if isinstance(it, Move)]
    keys_changed = any(isinstance(it, AddSigningKey) for it in changes)
    # A journey is redeemed when its page has long gone: most batches of a busy server tell nothing.
    moved = {it.after.journey_id: it.after.version for it in moves if it.event is not Event.REDEEM}
    if not (moved or clients_changed or keys_changed):
        return ""
    text = msgspec.json.encode(News(moved, clients_changed, keys_changed))
    return (text if len(text) <= _AT_MOST else msgspec.json.encode(ANYTHING)).decode()


def heard(texts: Iterable[str]) -> News:
    """Read what came meanwhile, as one. What another version wrote may be anything."""
    journeys: dict[str, int] = {}
    clients = keys = False
    for text in texts:
        try:
            news = _READ.decode(text)
        except msgspec.DecodeError:
            return ANYTHING
        if news.anything:
            return ANYTHING
        clients, keys = clients or news.clients, keys or news.keys
        for journey_id, version in news.journeys.items():
            journeys[journey_id] = max(version, journeys.get(journey_id, 0))
    return News(journeys, clients, keys)
