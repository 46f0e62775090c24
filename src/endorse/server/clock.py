"""The server's time: seconds since 1970 that never go back while the process runs."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives whole seconds since 1970 (UTC)."""


class SteadyClock:
    """A clock that starts at the wall's time and then only runs forward.

    Frames of the moving code count seconds, so a wall clock that is set back must not make an
    old frame young again.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        """Start at the time of `wall`, which is never asked again."""
        self._begin = wall() - time.monotonic()

    def __call__(self) -> int:
        """Give whole seconds since 1970."""
        return int(self._begin + time.monotonic())

    def exact(self) -> float:
        """Give the same time with its fraction."""
        return self._begin + time.monotonic()
