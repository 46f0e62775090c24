"""Hearing what is told on one PostgreSQL: by a connection of its own, made anew when it ends."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from endorse.store.connection import StoreAway
from endorse.store.news import ANYTHING, CHANNEL, News, heard

NAME: Final = "endorse listener"
"""How the connection is called in `pg_stat_activity`."""
_FIRST_PAUSE: Final = 0.1
_LAST_PAUSE: Final = 2.0
_SILENCE: Final = 1.0
"""Seconds without news after which the connection is asked whether it lives: a network that was cut
tells nobody."""
_ANSWERS_WITHIN: Final = 1.5

Heard = Callable[[News], Awaitable[None]]

_log: Final = logging.getLogger("endorse")


class Listener:
    """One server's ear."""

    def __init__(self, url: str, faults: tuple[type[Exception], ...]) -> None:
        """Listen at this URL; `faults` are what means that the database is away."""
        self._url = url
        self._faults: tuple[type[Exception], ...] = (*faults, asyncpg.PostgresError, StoreAway)
        self._heard_at = -math.inf
        """When the connection last showed that it lives: all that was told before was handed on."""
        self._deaf_since: float | None = None

    @property
    def listening(self) -> bool:
        """Whether it hears. Where the network was cut it finds out after 2.5 seconds."""
        return time.monotonic() - self._heard_at < _SILENCE + _ANSWERS_WITHIN

    def deaf_for(self) -> float:
        """Give the seconds for which it has tried to hear and could not; 0 while it hears."""
        since = self._deaf_since
        return 0.0 if since is None else time.monotonic() - since

    async def run(self, each: Heard) -> None:
        """Hand the news to `each`, for ever.

        At the beginning and after each loss of the connection that is `ANYTHING`. If `each` cannot
        read it because the database is away (StoreAway), it hears `ANYTHING` again.
        """
        pause = _FIRST_PAUSE
        self._deaf_since = time.monotonic()
        while True:
            try:
                raw = await asyncpg.connect(
                    self._url,
                    timeout=10,
                    command_timeout=_ANSWERS_WITHIN,
                    server_settings={"application_name": NAME},
                )
                try:
                    pause = _FIRST_PAUSE
                    await self._hear(raw, each)
                finally:
                    self._heard_at, self._deaf_since = -math.inf, time.monotonic()
                    raw.terminate()
            except self._faults as lost:
                _log.warning("not listening, again in %.1f s: %s", pause, lost)
            await asyncio.sleep(pause)
            pause = min(_LAST_PAUSE, 2 * pause)

    async def _hear(self, raw: "asyncpg.Connection[Any]", each: Heard) -> None:
        came: asyncio.Queue[str | None] = asyncio.Queue()
        raw.add_termination_listener(lambda _: came.put_nowait(None))
        await raw.add_listener(CHANNEL, lambda *said: came.put_nowait(str(said[3])))
        self._heard_at, self._deaf_since = time.monotonic(), None
        await each(ANYTHING)
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    texts = [await came.get()]
            except TimeoutError:
                await raw.execute("SELECT 1")
                texts = []
            self._heard_at = time.monotonic()
            # What came while the last was looked at is looked at as one.
            while not came.empty():
                texts.append(came.get_nowait())
            if None in texts:
                raise StoreAway("the listening connection ended")
            if texts:
                await each(heard(text for text in texts if text is not None))
