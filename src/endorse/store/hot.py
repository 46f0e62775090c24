"""The clients, kept in memory: nearly every call needs one, and they hardly ever change.

What is kept is forgotten the moment it may have changed: after a batch of this server that changed
a client, before its answer; after another process wrote to the same database, which SQLite tells
once in each turn of the event loop (`Engine.written_elsewhere`) and PostgreSQL in its news, or
within a second where nobody listens. Only what is committed is kept, so that nothing outlives a
rollback.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from endorse.core import change as c
from endorse.core.change import Decision
from endorse.core.model import Client
from endorse.store import clients
from endorse.store.clients import Registered
from endorse.store.connection import Engine

_AT_MOST: Final = 1024  # of about two KiB each
_CHANGING: Final = frozenset((c.AddClient, c.ChangeClient, c.AddSecret, c.RemoveClient))


def changes_clients(decisions: Iterable[Decision[Any]]) -> bool:
    """Say whether any of these changes what is kept here."""
    return any(type(change) in _CHANGING for it in decisions for change in it.changes)


class Hot:
    """The clients that were read last."""

    def __init__(self, engine: Engine) -> None:
        """Begin with none."""
        self._engine = engine
        self._known: dict[str, Registered] = {}
        self._forgotten = 0
        self._looked = False
        """Whether others' writes were asked about in this turn of the event loop."""

    async def client(self, client_id: str) -> Client | None:
        """Give a client that may act, with its secrets. Raises StoreAway."""
        found = await self._registered(client_id)
        return None if found is None or found.removed else found.client

    async def registration(self, client_id: str) -> Client | None:
        """Give a client as people see it, also one that was removed. Raises StoreAway."""
        found = await self._registered(client_id)
        return None if found is None else found.client

    def forget(self) -> None:
        """Read everything anew from now on, also what is being read at this moment."""
        self._known.clear()
        self._forgotten += 1

    def _look_again(self) -> None:
        self._looked = False

    async def _registered(self, client_id: str) -> Registered | None:
        if not self._looked:
            if self._engine.written_elsewhere():
                self.forget()
            # One look is good for all who are served in this turn: their requests had come before.
            self._looked = True
            asyncio.get_running_loop().call_soon(self._look_again)
        known = self._known.get(client_id)
        if known is not None:
            return known
        forgotten = self._forgotten
        found = await self._engine.read(lambda db: clients.registered(db, client_id))
        # Who was forgotten while this was read may have been read before they changed.
        if found is not None and forgotten == self._forgotten:
            if len(self._known) >= _AT_MOST:
                del self._known[next(iter(self._known))]
            self._known[client_id] = found
        return found
