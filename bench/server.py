"""Servers under test, each in a process of its own on one core: `endorse sandbox`, and others."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

SERVER_CORE = 0
DRIVER_CORE = 1
_CPUCLOCK_SCHED = 2
_START_SECONDS = 60
_STOP_SECONDS = 30


class Facts(msgspec.Struct, frozen=True):
    """What `endorse sandbox --json` prints when it is ready."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


class Memory(NamedTuple):
    """Resident memory of a process, in bytes: now, and the most there ever was."""

    now: int
    most: int


@dataclass(frozen=True)
class Site:
    """A server that answers on a port of this machine."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Give the processor time that it has used: all threads, and the processes it started."""
        return sum(map(cpu_seconds, _family(self.pid)))

    def memory(self) -> Memory:
        """Give the resident memory of its first process, from /proc/PID/status."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        kibibytes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", text, re.MULTILINE))
        return Memory(int(kibibytes["VmRSS"]) * 1024, int(kibibytes["VmHWM"]) * 1024)


@dataclass(frozen=True)
class Running(Site):
    """A running `endorse sandbox`."""

    facts: Facts


def cpu_seconds(pid: int) -> float:
    """Give the processor time (user and system) of a process, to the nanosecond.

    How Linux numbers the processor clock of a process: clock_getcpuclockid(3).
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def command(*options: str) -> list[str]:
    """Give the command line of a sandbox that prints one line of JSON."""
    return [str(Path(sys.executable).parent / "endorse"), "sandbox", "--json", *options]


_GUARDED = """
import msgspec
from endorse.cli import main, sandbox
from endorse.core.policy import WIDE, Policy
names = ("calls_a_minute", "refused_after", "connections_of_address")
sandbox.WIDE = msgspec.structs.replace(WIDE, **{it: getattr(Policy(), it) for it in names})
main()
"""
"""The sandbox with a bank's bounds for one address, in place of none."""
_WITHOUT_CLEANING = """
from endorse.cli import main
from endorse.server.sweeper import Sweeper

async def nothing(self):
    pass

Sweeper.run = nothing
main()
"""


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Let this process, and what it starts meanwhile, run on this core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def running(
    database: str,
    beside: Running | None = None,
    *,
    cleaning: bool = True,
    guarded: bool = False,
) -> Iterator[Running]:
    """Run a sandbox on free ports with this database; stop it at the end.

    With `beside` it goes by the name of that one. Only its own facts have the redirect address
    that then counts. Without `cleaning` it leaves what is over where it is. A `guarded` one bounds
    what one address may do, as a bank's server does.
    """
    line = command("--app-port=0", f"--database={database}")
    if beside is not None:
        line.append(f"--issuer={beside.facts.issuer}")
    port = free_port() if beside else 0
    line.append(f"--port={port}")
    if not cleaning:
        line = [sys.executable, "-c", _WITHOUT_CLEANING, *line[1:]]
    if guarded:
        line = [sys.executable, "-c", _GUARDED, *line[1:]]
    with on_core(SERVER_CORE):
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise RuntimeError("endorse sandbox did not start")
        facts = msgspec.json.decode(ready, type=Facts)
        yield Running(port or int(facts.issuer.rsplit(":", 1)[1]), process.pid, facts)
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(
    line: Sequence[str | Path], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Run a server that is told to listen on this port; stop it at the end.

    What it says goes to `log`; RuntimeError holds the end of that if it does not start.
    """
    with on_core(SERVER_CORE), log.open("wb") as out:
        process = subprocess.Popen(
            line,
            stdout=out,
            stderr=out,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait_until_heard(process, port, log)
        yield Site(port, process.pid)
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


def _wait_until_heard(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)
