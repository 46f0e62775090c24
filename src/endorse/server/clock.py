"""The server's time: seconds since 1970 that never go back while the process runs."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives whole seconds since 1970 (UTC)."""


def steady_clock() -> Clock:
    """Make a clock that starts at the wall's time and then only runs forward.

    Frames of the moving code count seconds, so a wall clock that is set back must not make an
    old frame young again.
    """
    begin = time.time() - time.monotonic()
    return lambda: int(begin + time.monotonic())
