"""A PostgreSQL of its own for a measurement: durable, as its defaults are."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.installed import Missing
from bench.server import DRIVER_CORE, on_core

_START_SECONDS = 30
_STOP_SECONDS = 120  # it writes what it has in memory


def binaries() -> Path:
    """Give the folder of the installed server's programs. Raises Missing."""
    folders = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()
    ]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise Missing("PostgreSQL is not installed")
    return Path(found).resolve().parent


def version(programs: Path) -> str:
    """Give the server's version, such as 15.18."""
    said = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return said.stdout.split()[2]


@contextlib.contextmanager
def database(programs: Path, parent: str, settings: Sequence[str] = ()) -> Iterator[str]:
    """Start a server with an empty data folder below `parent`; give the URL of a database.

    It runs on the driver's core: the server under test keeps its own. fsync is on. `settings` are
    further ones, as `name=value`.
    """
    user = _server_user()
    folder = Path(tempfile.mkdtemp(prefix="endorse-bench-postgres-", dir=parent))
    if user is not None:
        os.chown(folder, user, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    initdb = ["--auth=trust", "--username=endorse", "--no-sync", "--encoding=UTF8", "--pgdata"]
    try:
        subprocess.run(
            [programs / "initdb", *initdb, data],
            user=user,
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        options = [f"--port={port}", "--listen_addresses=127.0.0.1"]
        options += [f"--{setting}" for setting in settings]
        with on_core(DRIVER_CORE), (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    programs / "postgres",
                    "-D",
                    data,
                    *options,
                    "--unix_socket_directories=",
                ],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            _wait_until_ready(programs, port)
            yield f"postgresql://endorse@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(folder)


def _server_user() -> int | None:
    """PostgreSQL refuses to run as root: then as `postgres`, else as `nobody`."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return users.get("postgres", users["nobody"])


def _wait_until_ready(programs: Path, port: int) -> None:
    ask: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run(ask, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.05)
