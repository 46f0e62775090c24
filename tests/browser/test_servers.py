"""Two servers behind the load balancers of the guide: one dies, and its pages wait at the other.

About seven seconds; `make soak` tries HAProxy too.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from endorse.phone import Phone, sandbox_code
from tests import parts, proxies
from tests.browser import desktop
from tests.browser.chromium import Windows
from tests.browser.film import read_code
from tests.browser.test_connect_page import approve
from tests.flows import play
from tests.flows.listening import PATIENCE
from tests.flows.processes import Pair, pair
from tests.serving import Served

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.postgres,
    pytest.mark.xdist_group("browser"),
]

MOVES_WITHIN = 3.0
"""Seconds from the death of a server until its page waits at the other."""


@dataclass
class Balanced:
    """The two servers, as their load balancer shows them."""

    bank: Served
    pair: Pair

    def waits_at(self) -> int:
        """The port of the server at which the one page waits; 0 for none."""
        held = [port for port in self.pair.processes if connections(port)]
        return held[0] if len(held) == 1 else 0


def connections(port: int) -> int:
    """How many connections a server on this machine has open."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = [(fields[1], fields[3]) for fields in map(str.split, lines)]
    return sum(address.endswith(f":{port:04X}") and state == "01" for address, state in local)


@contextmanager
def nginx(folder: Path, port: int, servers: list[int]) -> Iterator[None]:
    """The guide's nginx. It keeps no connection that no request uses, so that one can count."""
    http = (
        proxies.block("servers.md", "nginx")
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("/etc/ssl/", f"{folder}/")
        .replace("$host", f"localhost:{port}")
        .replace("    keepalive 64;\n", "")
    )
    for name, it in zip(("10.0.0.11:8000", "10.0.0.12:8000"), servers, strict=True):
        http = http.replace(name, f"127.0.0.1:{it}")
    with proxies.nginx(folder, http):
        yield


@contextmanager
def haproxy(folder: Path, port: int, servers: list[int]) -> Iterator[None]:
    """The guide's HAProxy."""
    with proxies.haproxy(folder, configured(folder, port, servers)):
        yield


def configured(folder: Path, port: int, servers: list[int]) -> str:
    """The guide's configuration of HAProxy, for this address and these servers."""
    configuration = (
        proxies.block("servers.md", "haproxy")
        .replace("bind :443", f"bind 127.0.0.1:{port}")
        .replace("/etc/ssl/", f"{folder}/")
    )
    for name, it in zip(("10.0.0.11:8000", "10.0.0.12:8000"), servers, strict=True):
        configuration = configuration.replace(name, f"127.0.0.1:{it}")
    return configuration


def certify(folder: Path) -> None:
    """Write the certificate that the guide's load balancers have."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), "connect.bank.example"
    proxies.pem(folder, subject, f"CN={subject}", key)
    both = [(folder / f"{subject}.{kind}").read_bytes() for kind in ("pem", "key")]
    (folder / f"{subject}.both.pem").write_bytes(b"".join(both))


def test_haproxy_takes_the_configuration_of_the_guide(tmp_path: Path) -> None:
    certify(tmp_path)
    (tmp_path / "haproxy.cfg").write_text(configured(tmp_path, parts.free_port(), [1, 2]))
    looked = subprocess.run(
        [parts.haproxy(), "-c", "-f", tmp_path / "haproxy.cfg"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (looked.returncode, looked.stderr) == (0, ""), looked.stderr


@pytest.fixture(
    params=[
        pytest.param(nginx, id="nginx"),
        pytest.param(haproxy, id="haproxy", marks=pytest.mark.soak),
    ]
)
async def balanced(
    request: pytest.FixtureRequest, postgres_server: parts.PostgresServer, windows: Windows
) -> AsyncIterator[Balanced]:
    """Two servers behind a load balancer, at an address of theirs with TLS."""
    port = parts.free_port()
    with tempfile.TemporaryDirectory() as name, postgres_server.database() as database:
        folder = Path(name)
        certify(folder)
        async with pair(database, folder, f"https://localhost:{port}") as running:
            with request.param(folder, port, list(running.processes)):
                async with play.quiet_client() as http:
                    bank = running.each[0]
                    bank.http = http
                    await answers(bank)
                    yield Balanced(bank, running)
                await windows.close()


async def answers(bank: Served) -> None:
    """Come back when the load balancer has a server to send requests to."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if (await bank.http.get(bank.url("/healthz"))).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)  # it tells nobody when it listens


async def test_the_page_of_a_server_that_dies_goes_on_at_the_other(
    balanced: Balanced, windows: Windows
) -> None:
    windows.pardon("net::ERR_")  # the stream that broke, and the app that there is not
    page = await windows.desktop(ignore_https_errors=True)
    phone = Phone(balanced.bank.issuer, balanced.bank.http)
    await phone.enrol(await sandbox_code(balanced.bank.issuer, balanced.bank.http, "anna"))
    await page.goto(balanced.bank.authorize_url())
    await desktop.says(page, desktop.SCAN)
    claimed = await phone.claim(await read_code(desktop.code(page)))
    await desktop.number(page)
    here = await seen(balanced.waits_at)
    died = time.monotonic()
    process = balanced.pair.processes[here].process
    process.send_signal(signal.SIGKILL)
    process.wait()
    await seen(lambda: balanced.waits_at() not in (0, here))
    assert time.monotonic() - died < MOVES_WITHIN
    async with page.expect_response("**/resume/*") as answer:
        await approve(page, phone, claimed)
    assert "code=" in (await (await answer.value).all_headers())["location"]


async def seen(what: Callable[[], int]) -> int:
    """Look at the machine's connections until something is there."""
    async with asyncio.timeout(PATIENCE):
        while not (found := what()):  # noqa: ASYNC110 - connections tell nobody of themselves
            await asyncio.sleep(0.01)
    return found
