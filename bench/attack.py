"""`python -m bench.attack HOW PORT SECONDS CONNECTIONS`: whoever asks too much, from one address.

A program of its own, so that it can be set back behind the driver that measures. It ends by itself,
and prints as JSON how often it was told what.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from typing import Final

import msgspec
import uvloop

from bench.server import DRIVER_CORE

FROM: Final = "127.0.0.2"
_TO: Final = "127.0.0.1"
_OFTEN_ENOUGH: Final = 2_000_000
_PAGE: Final = b"GET /auth?client_id=budgetly&state=a HTTP/1.1\r\nHost: localhost:%d\r\n\r\n"
_START: Final = (
    b"POST /auth/start HTTP/1.1\r\nHost: localhost:%d\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nrequest=a"
)


class Attack:
    """So many connections for so long; each does the same."""

    def __init__(self, port: int, seconds: float) -> None:
        """Prepare what is sent to this port."""
        self._port = port
        self._until = time.monotonic() + seconds
        self._asked = (_PAGE % port, _START % port)
        self.told: Counter[str] = Counter()
        """Each status, and how often a connection was cut off or refused."""

    async def flood(self) -> None:
        """Call pages as fast as they answer, on a connection that stays open."""
        while self._going():
            try:
                reader, writer = await self._connect()
                for number in range(_OFTEN_ENOUGH):
                    if not self._going():
                        break
                    writer.write(self._asked[number % 2])
                    await self._heard(reader)
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.told["cut off"] += 1

    async def anew(self) -> None:
        """Call pages as fast as they answer, each on a new connection."""
        while self._going():
            try:
                reader, writer = await self._connect()
                writer.write(self._asked[0])
                await self._heard(reader)
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.told["cut off"] += 1

    async def drip(self) -> None:
        """Send a byte a second of a head that never ends (slowloris)."""
        while self._going():
            try:
                reader, writer = await self._connect()
                writer.write(b"GET / HTTP/1.1\r\nx: ")
                heard = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
                while self._going() and not heard.done():
                    writer.write(b"a")
                    await asyncio.sleep(1)
                if heard.done():
                    self.told[heard.result()[9:12].decode()] += 1
                heard.cancel()
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.told["cut off"] += 1

    def _going(self) -> bool:
        return time.monotonic() < self._until and self.told.total() < _OFTEN_ENOUGH

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(_TO, self._port, local_addr=(FROM, 0))

    async def _heard(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or b"0"))
        self.told[head[9:12].decode()] += 1


async def _all(how: str, port: int, seconds: float, connections: int) -> Counter[str]:
    attack = Attack(port, seconds)
    each = {"flood": attack.flood, "anew": attack.anew, "drip": attack.drip}[how]
    await asyncio.gather(*(each() for _ in range(connections)))
    return attack.told


def main() -> None:
    """Attack, and print what was told."""
    os.sched_setaffinity(0, {DRIVER_CORE})
    # The driver's core is needed for the clock: this takes only what that leaves.
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    how, port, seconds, connections = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(_all(how, int(port), float(seconds), int(connections)))
    print(msgspec.json.encode(told).decode())


if __name__ == "__main__":
    main()
