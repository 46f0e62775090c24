"""The server under test: `endorse sandbox` in a process of its own, kept on one core."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

SERVER_CORE = 0
DRIVER_CORE = 1
_TICKS = os.sysconf("SC_CLK_TCK")


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
class Running:
    """A server that answers."""

    facts: Facts
    pid: int

    @property
    def port(self) -> int:
        """The port that the bank's side listens on."""
        return int(self.facts.issuer.rsplit(":", 1)[1])

    def cpu_seconds(self) -> float:
        """Give the processor time that all its threads have used."""
        return cpu_seconds(self.pid)

    def memory(self) -> Memory:
        """Give its resident memory, from /proc/PID/status."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        kibibytes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", text, re.MULTILINE))
        return Memory(int(kibibytes["VmRSS"]) * 1024, int(kibibytes["VmHWM"]) * 1024)


def cpu_seconds(pid: int) -> float:
    """Give the processor time (user and system) of a process, from /proc/PID/stat."""
    text = Path(f"/proc/{pid}/stat").read_text()
    # The command's name may hold spaces and brackets; the fields count from behind it.
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def command(*options: str) -> list[str]:
    """Give the command line of a sandbox that prints one line of JSON."""
    return [str(Path(sys.executable).parent / "endorse"), "sandbox", "--json", *options]


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
def running(database: str) -> Iterator[Running]:
    """Run a sandbox on free ports with this database; stop it at the end."""
    line = command("--port=0", "--app-port=0", f"--database={database}")
    with on_core(SERVER_CORE):
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise RuntimeError("endorse sandbox did not start")
        yield Running(msgspec.json.decode(ready, type=Facts), process.pid)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
