"""`endorse` commands in processes of their own that need not load everything first.

Each is forked from one process that has. To start Python and load all takes twenty times as long,
and there are some two hundred commands in the tests; that the program also starts from nothing is
shown wherever a test starts a server.
"""

from __future__ import annotations

import atexit
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 60
"""How long a command may take."""


class Order(msgspec.Struct):
    """What a command is run with."""

    arguments: list[str]
    environment: dict[str, str]


def run(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `python -m endorse` would with warnings that are errors."""
    order = msgspec.json.encode(Order(list(arguments), dict(environment)))
    told, telling = os.pipe()
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile("w+b") as output,
        tempfile.TemporaryFile("w+b") as errors,
        os.fdopen(told, "rb", buffering=0) as ended,
    ):
        asked.write(order)
        asked.flush()
        try:
            files = [asked.fileno(), output.fileno(), errors.fileno(), telling]
            socket.send_fds(_loaded(), [b"."], files)
        finally:
            os.close(telling)
        if not select.select([ended], [], [], SECONDS)[0]:
            raise TimeoutError(f"endorse {' '.join(arguments)} goes on for a minute")
        status = int(ended.read())
        output.seek(0)
        errors.seek(0)
        texts = (output.read().decode(), errors.read().decode())
    return subprocess.CompletedProcess(list(arguments), status, *texts)


@functools.cache
def _loaded() -> socket.socket:
    """The way to the process that has loaded everything; it ends with this one."""
    here, there = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.loaded", str(there.fileno())],
        cwd=ROOT,
        pass_fds=[there.fileno()],
        stdin=subprocess.DEVNULL,
    )
    there.close()

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


# --- in the process that has loaded everything ----------------------------------------------------


def _next_command(orders: socket.socket) -> list[str]:
    """Serve until nobody is left who could ask; return in the process of a command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch commands
    while True:
        _, files, _, _ = socket.recv_fds(orders, 1, 4)
        if not files:
            os._exit(0)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _watched(orders, *files)
        for file in files:
            os.close(file)


def _watched(
    orders: socket.socket, asked: int, output: int, errors: int, telling: int
) -> list[str]:
    """Fork the command, which returns, and tell how it ended."""
    orders.close()
    command = os.fork()
    if command:
        _, status = os.waitpid(command, 0)
        os.write(telling, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(telling)
    with os.fdopen(asked, "rb") as file:
        file.seek(0)
        order = msgspec.json.decode(file.read(), type=Order)
    for there, here in ((output, 1), (errors, 2)):
        os.dup2(there, here)
        os.close(there)
    os.environ.clear()
    os.environ.update(order.environment)
    return order.arguments


if __name__ == "__main__":
    import gc

    import endorse.audit
    import endorse.cli.audit
    import endorse.cli.client
    import endorse.cli.evidence
    import endorse.cli.person
    import endorse.cli.qr
    import endorse.cli.sandbox
    import endorse.cli.secret
    import endorse.cli.serve  # noqa: F401
    from endorse.cli import main

    gc.freeze()  # what is not looked at stays one memory for all
    main(_next_command(socket.socket(fileno=int(sys.argv[1]))), prog_name="endorse")
