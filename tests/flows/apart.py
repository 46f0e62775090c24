"""Two machines on a cable that can be pulled: network namespaces, where Linux lets us have them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests import parts

T = TypeVar("T")

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


class Machine:
    """One end of the cable: what is made by `do` belongs to its network."""

    def __init__(self, address: str) -> None:
        self.address = address
        # Of one thread, which is in the network for ever; subprocesses and sockets stay in it too.
        self._thread = ThreadPoolExecutor(1)
        self.id = self.do(_leave_the_network)

    def do(self, work: Callable[[], T]) -> T:
        """Do something there."""
        return self._thread.submit(work).result()

    def ip(self, *words: str) -> None:
        """Set something up there."""
        self.do(lambda: subprocess.run([parts.ip(), *words], check=True))

    def close(self) -> None:
        """Take it away; its network goes with its last socket."""
        self._thread.shutdown()


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Connect two machines. Skips where only Linux's root may do that and we are not."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs Linux and root")
    parts.ip()
    try:
        one, other = Machine("192.0.2.1"), Machine("192.0.2.2")
    except OSError as error:
        pytest.skip(f"no network of one's own here: {error}")
    try:
        words = ("type", "veth", "peer", "name", "cable", "netns", str(other.id))
        one.ip("link", "add", "cable", *words)
        for it in (one, other):
            it.ip("address", "add", f"{it.address}/24", "dev", "cable")
            it.ip("link", "set", "cable", "up")
        yield one, other
    finally:
        one.close()
        other.close()


def _leave_the_network() -> int:
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(_NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return threading.get_native_id()
