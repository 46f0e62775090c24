"""The PostgreSQL connections that read, lent one at a time.

asyncpg's own pool wraps and resets what it lends, which costs as much of the processor as a read by
key. No statement of ours leaves anything in a connection (no SET outside a transaction, no lock of
a session, no cursor), so nothing is reset.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

_HOW: Final[dict[str, Any]] = {
    "timeout": 10,
    "statement_cache_size": 500,
    # Plans are kept for as long as a connection, and tables grow: one that was made while a table
    # was empty must not go on to read it whole. Compiling is for statements that take seconds.
    "server_settings": {"enable_seqscan": "off", "jit": "off"},
}


async def opened(url: str) -> "asyncpg.Connection[Any]":
    """Open a connection of ours. Raises what asyncpg does."""
    raw: asyncpg.Connection[Any] = await asyncpg.connect(url, **_HOW)
    return raw


class Readers:
    """At most so many connections to one URL; who comes when all are lent waits."""

    def __init__(self, url: str, at_most: int) -> None:
        """Begin with none."""
        self._url = url
        self._free = asyncio.Semaphore(at_most)
        self._idle: list[asyncpg.Connection[Any]] = []
        self._closed = False

    @asynccontextmanager
    async def lent(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """Lend a connection: the one that was used last, or a new one."""
        async with self._free:
            if self._closed:
                raise asyncpg.InterfaceError("the connections are closed")
            raw = self._open() or await opened(self._url)
            try:
                yield raw
            except BaseException:
                # It may have ended, or its answer been given up in the middle: nobody else gets it.
                raw.terminate()
                raise
            self._idle.append(raw)

    async def close(self) -> None:
        """Close all connections, those that are lent when they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    def _open(self) -> "asyncpg.Connection[Any] | None":
        """Take an idle connection that nobody has ended meanwhile."""
        while self._idle:
            raw = self._idle.pop()
            if not raw.is_closed():
                return raw
        return None
