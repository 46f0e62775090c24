"""The real parts that some tests need: Chromium, PostgreSQL, nginx and HAProxy.

A missing part skips the test; with ENDORSE_DEMAND_REAL_PARTS=1 it fails it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
DEMANDED = os.environ.get("ENDORSE_DEMAND_REAL_PARTS") == "1"
SOAK = os.environ.get("ENDORSE_SOAK") == "1"

POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)
START_SECONDS = 30


def _missing(reason: str) -> NoReturn:
    if DEMANDED:
        pytest.fail(f"{reason}, and ENDORSE_DEMAND_REAL_PARTS=1 demands it", pytrace=False)
    pytest.skip(reason)


def chromium() -> Path:
    """The installed Chromium (or the one named by ENDORSE_CHROMIUM)."""
    names = [
        os.environ.get("ENDORSE_CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
    ]
    for name in filter(None, names):
        if found := shutil.which(name):
            return Path(found)
    _missing("Chromium is not installed (Debian: apt-get install chromium)")


def nginx() -> tuple[Path, Path]:
    """The installed nginx, and its JavaScript module."""
    folders = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"))
    modules = [folder / "ngx_http_js_module.so" for folder in folders]
    program, module = shutil.which("nginx"), next((it for it in modules if it.exists()), None)
    if program is None or module is None:
        _missing(
            "nginx with its JavaScript module is not installed "
            "(Debian: apt-get install nginx-light libnginx-mod-http-js)"
        )
    return Path(program), module


def helm() -> Path:
    """The installed helm."""
    if found := shutil.which("helm"):
        return Path(found)
    _missing("helm is not installed (with Go: go install helm.sh/helm/v3/cmd/helm@v3.22.0)")


def systemd_analyze() -> Path:
    """The program that checks units."""
    if found := shutil.which("systemd-analyze"):
        return Path(found)
    _missing("systemd-analyze is not installed (Debian: apt-get install systemd)")


FIRST = "d2c7668b24b35ddbb331acace404aafc47bcfa88"
"""The version before there were any: of it a database may be when none was released yet."""


def version_before(folder: Path) -> None:
    """Put the newest released version before this one into a folder, out of the history."""
    git = ("git", "-C", str(ROOT))
    newest = [*git, "describe", "--tags", "--abbrev=0", "--match=v*", "HEAD^"]
    found = subprocess.run(newest, capture_output=True, text=True, check=False).stdout.strip()
    whole = subprocess.run(
        [*git, "archive", found or FIRST, "src"], capture_output=True, check=False
    )
    if whole.returncode:
        _missing(
            "the repository's history is not here (git fetch --unshallow brings it), "
            "or this is no clone"
        )
    subprocess.run(["tar", "-x", "-C", folder], input=whole.stdout, check=True)
    # What is built is in no history, and the pages need to find some.
    here, there = (root / "src" / "endorse" / "server" for root in (ROOT, folder))
    shutil.copytree(here / "static", there / "static")
    for texts in (here / "languages").glob("*.mo"):
        shutil.copy(texts, there / "languages")


def haproxy() -> Path:
    """The installed HAProxy."""
    # Debian installs it where only an administrator's path leads.
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        _missing("HAProxy is not installed (Debian: apt-get install haproxy)")
    return Path(program)


def ip() -> Path:
    """The program that sets up networks, or a skip; only root may."""
    found = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        _missing("ip is not installed (Debian: iproute2)")
    return Path(found)


def postgres_binaries() -> Path:
    """The folder of the newest installed PostgreSQL's initdb, postgres and pg_ctl."""
    folders = [path for pattern in POSTGRES_FOLDERS for path in Path("/").glob(pattern[1:])]
    if found := shutil.which("initdb"):
        folders.append(Path(found).parent)
    whole = [
        path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()
    ]
    if not whole:
        _missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return max(whole, key=_version)


@dataclass
class PostgresServer:
    """A server that trusts every local caller."""

    binaries: Path
    folder: Path
    port: int
    user: int | None
    durable: bool
    """Whether its data must outlive a power cut, which makes it slower."""
    _process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Create a copy of a database, give its URL, and drop it with whoever is still there."""
        name = f"endorse_{secrets.token_hex(6)}"
        self._run("createdb", f"--template={template}", name)
        try:
            yield f"postgresql://endorse@127.0.0.1:{self.port}/{name}"
        finally:
            self._run("dropdb", "--force", name)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
        }
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        settings = [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", *settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd=self.folder,
            )
        _wait_until_ready(self.binaries, self.port, self._process, self.folder / "log")

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """SIGKILL to every process of it at once, and wait until all are gone."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)  # from here on it has no new children
        children = _said("pgrep", "--parent", str(pid)).split()
        for one in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # It would not start again while one of them holds its memory; a zombie holds none.
        while any(not it.startswith("Z") for it in _said("ps", "-o", "stat=", *children).split()):
            time.sleep(0.005)

    def _run(self, program: str, *arguments: str) -> None:
        where = ("--host=127.0.0.1", f"--port={self.port}", "--username=endorse")
        subprocess.run([self.binaries / program, *where, *arguments], check=True)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server with an empty data folder on a free port; remove both at the end."""
    binaries = postgres_binaries()
    user = _server_user()
    folder = Path(tempfile.mkdtemp(prefix="endorse-postgres-"))
    if user is not None:
        os.chown(folder, user, -1)
    initdb: list[str | Path] = [binaries / "initdb", "--auth=trust", "--username=endorse"]
    server = PostgresServer(binaries, folder, free_port(), user, durable)
    try:
        _quietly([*initdb, "--no-sync", "--pgdata", folder / "data"], user)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdigit, folder.parent.name))
    return int(digits or 0)


def _server_user() -> int | None:
    """PostgreSQL refuses to run as root: then as `postgres`, else as `nobody`."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return users.get("postgres", users["nobody"])


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _quietly(command: Sequence[str | Path], user: int | None) -> None:
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _wait_until_ready(
    binaries: Path, port: int, running: subprocess.Popen[bytes], log: Path
) -> None:
    question: list[str | Path] = [
        binaries / "pg_isready",
        "--quiet",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(question, check=False).returncode:
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)
