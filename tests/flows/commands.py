"""Running `endorse` commands as an operator does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from endorse.phone.encoding import b64url
from tests import loaded
from tests.overheard import OVERHEARD

ROOT = loaded.ROOT
ISSUER = "https://connect.bank.example"


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with no ENDORSE_ settings but these."""
    kept = {name: it for name, it in os.environ.items() if not name.startswith("ENDORSE_")}
    return {**kept, "PYTHONWARNINGS": "error", **settings}


async def endorse(
    *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, while this process goes on serving."""
    done = await asyncio.to_thread(loaded.run, arguments, environment(**(settings or {})))
    OVERHEARD.log(done.stderr)
    return done


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def good_settings(folder: Path) -> dict[str, str]:
    """Settings with which `endorse serve` starts."""
    return {
        "ENDORSE_ISSUER": ISSUER,
        "ENDORSE_DATABASE": f"sqlite:///{folder / 'serve.sqlite3'}",
        "ENDORSE_SECRET": b64url(secrets.token_bytes(32)),
        "ENDORSE_BANK": "tests.flows.own_bank:bank",
        "ENDORSE_BRAND_NAME": "Bank of Tests",
        "ENDORSE_PORT": str(free_port()),
        "ENDORSE_DRAIN": "0",
    }


@dataclass(frozen=True)
class Serving:
    """A running `endorse serve`."""

    settings: dict[str, str]
    process: subprocess.Popen[str]
    log: Path


@contextlib.contextmanager
def serve(settings: dict[str, str], folder: Path) -> Iterator[Serving]:
    """Run `endorse serve` until it listens; stop it at the end."""
    path = folder / f"serve-{secrets.token_hex(4)}.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "endorse", "serve"],
            stderr=log,
            text=True,
            cwd=ROOT,
            env=environment(**settings),
        )
    try:
        _wait_until_listening(int(settings["ENDORSE_PORT"]), process, path)
        yield Serving(settings, process, path)
    finally:
        process.terminate()
        ended = process.wait(20)
        OVERHEARD.log(path.read_text())
        assert ended == 0


def _wait_until_listening(port: int, process: subprocess.Popen[str], log: Path) -> None:
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        time.sleep(0.02)


class BehindProxy(httpx2.AsyncBaseTransport):
    """A TLS proxy in front of a server: takes https, passes it on as http with the same Host."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        request.url = url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        answer = await self._inner.handle_async_request(request)
        request.url = url
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()
