"""How long `endorse sandbox` takes from the process's start to its first answer."""

import asyncio
import socket
import subprocess
import time
from dataclasses import dataclass
from urllib.parse import quote

from bench.browser import expect
from bench.http import ADDRESS, Connection
from bench.server import SERVER_CORE, command, cpu_seconds, on_core

_CLIENT = "budgetly"


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the process's start, and the processor time it took of them."""

    first_answer: float
    first_page: float
    cpu: float


def measure(database: str) -> Started:
    """Start a sandbox, ask until it answers, then for the page of its client; stop it."""
    port, app_port = _free_ports()
    line = command(f"--port={port}", f"--app-port={app_port}", f"--database={database}")
    began = time.perf_counter()
    with on_core(SERVER_CORE):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        answered, shown = asyncio.run(_ask(port, app_port))
        cpu = cpu_seconds(process.pid)
    finally:
        process.terminate()
        process.wait(30)
    return Started(answered - began, shown - began, cpu)


async def _ask(port: int, app_port: int) -> tuple[float, float]:
    connection = Connection(port)
    head = f"HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: */*\r\n\r\n"
    metadata = f"GET /.well-known/oauth-authorization-server {head}".encode()
    first = None
    while first is None:
        try:
            first = await connection.send(metadata)
        except OSError:  # nobody listens yet
            await asyncio.sleep(0.002)
    expect(first, 200, "the metadata")
    redirect_uri = quote(f"http://127.0.0.1:{app_port}/callback", safe="")
    query = f"response_type=code&client_id={_CLIENT}&redirect_uri={redirect_uri}&state=s"
    page = await connection.send(f"GET /auth?{query} {head}".encode())
    expect(page, 200, "/auth")
    connection.close()
    return first.at, page.at


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((ADDRESS, 0))
        other.bind((ADDRESS, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
