"""The nginx of the guide on certificates, as it stands there, in front of a real server."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests import certificates as making
from tests import parts
from tests.flows.test_mtls import HOST, server
from tests.proxies import block, nginx, pem
from tests.serving import Served

pytestmark = pytest.mark.anyio


@contextmanager
def before(folder: Path, issuer: str) -> Iterator[int]:
    """Run the guide's configuration on a free port, before this server."""
    port = parts.free_port()
    issuer_host = issuer.removeprefix("http://")
    http = (
        block("certificates.md", "nginx")
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("http://127.0.0.1:8000", issuer.replace("localhost", "127.0.0.1"))
        .replace("/etc/ssl/", f"{folder}/")
        .replace("import certificate from certificate.js", f"import certificate from {folder}/c.js")
        .replace("server_name connect.bank.example", "server_name localhost")
    )
    # The issuer of a test has a port, which $host does not give.
    mtls, _, pages = http.rpartition("server {")
    http = mtls + "server {" + pages.replace("$host", issuer_host)
    (folder / "c.js").write_text(block("certificates.md", "js"))
    with nginx(folder, http):
        yield port


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Served]:
    async for served in server(tmp_path, trusted_proxies=("127.0.0.1",), mtls_host=HOST):
        yield served


async def answer(
    port: int, host: str, certificate: Path | None, client_id: str, **headers: str
) -> str:
    """What `host` answers to an authentication with this certificate: its error, or ""."""
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        trust.load_cert_chain(certificate, certificate.with_suffix(".key"))
    form = {"token": "x", "client_id": client_id}
    async with httpx2.AsyncClient(verify=trust, trust_env=False) as http:
        for _ in range(200):
            try:
                got = await http.post(
                    f"https://127.0.0.1:{port}/revoke",
                    data=form,
                    headers={"Host": host, **headers},
                    extensions={"sni_hostname": host},
                )
            except httpx2.ConnectError:
                await anyio.sleep(0.05)  # it tells nobody when it listens
                continue
            return str(got.json().get("error", got.status_code))
    raise AssertionError("nginx did not start")


async def test_the_nginx_of_the_guide_shows_certificates_and_lets_no_header_through(
    proxied: Served,
) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    forged = making.shown(making.certificate())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for host in (HOST, "connect.bank.example"):
            pem(folder, host, f"CN={host}", other)
        pem(folder, "mine", making.SUBJECT, making.CLIENT_KEY)
        pem(folder, "stranger", making.SUBJECT, other)
        shutil.copy(folder / "mine.pem", folder / "authorities-of-clients.pem")
        mine, stranger = folder / "mine.pem", folder / "stranger.pem"
        with before(folder, proxied.issuer) as port:
            for client_id in ("by-name", "by-key"):
                assert await answer(port, HOST, mine, client_id) == "200"
                for certificate in (stranger, None):
                    no = await answer(port, HOST, certificate, client_id, **forged)
                    assert no == "invalid_client"
                no = await answer(port, "localhost", None, client_id, **forged)
                assert no == "invalid_client"
