"""Who is connected: in memory, by the random id in the visitor's cookie."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from endorse.sandbox.budgetly.connection import Connection

LIMIT = 500
"""Connections kept; beyond it the one that was unused longest is dropped."""


class Connections:
    """The live connections of all visitors."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._by_visitor: OrderedDict[str, Connection] = OrderedDict()

    def get(self, visitor: str) -> Connection | None:
        """The visitor's connection, if there is one."""
        connection = self._by_visitor.get(visitor)
        if connection is not None:
            self._by_visitor.move_to_end(visitor)
        return connection

    async def keep(self, visitor: str, connection: Connection) -> None:
        """Remember a connection, and drop the oldest if there are too many."""
        self._by_visitor[visitor] = connection
        while len(self._by_visitor) > self._limit:
            _, oldest = self._by_visitor.popitem(last=False)
            await oldest.close()

    def forget(self, visitor: str) -> Connection | None:
        """Take a visitor's connection out and return it."""
        return self._by_visitor.pop(visitor, None)

    async def close(self) -> None:
        """Drop all."""
        while self._by_visitor:
            _, connection = self._by_visitor.popitem()
            await connection.close()
