"""The nginx of the guide on certificates, as it stands there, in front of a real server."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_der_x509_certificate

from tests import certificates as making
from tests import parts
from tests.flows.test_mtls import HOST, server
from tests.serving import Served

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[2] / "docs" / "certificates.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def pem(folder: Path, name: str, subject: str, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a self-signed certificate and its key as `name`.pem and `name`.key."""
    der = making.certificate(key=key, subject=subject)
    kept = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(kept)
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


@contextmanager
def nginx(folder: Path, issuer: str) -> Iterator[int]:
    """Run the guide's configuration on a free port, before this server."""
    program, module = parts.nginx()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer_host = issuer.removeprefix("http://")
    http = (
        block("nginx")
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("http://127.0.0.1:8000", issuer.replace("localhost", "127.0.0.1"))
        .replace("/etc/ssl/", f"{folder}/")
        .replace("import certificate from certificate.js", f"import certificate from {folder}/c.js")
        .replace("server_name connect.bank.example", "server_name localhost")
    )
    # The issuer of a test has a port, which $host does not give.
    before, _, pages = http.rpartition("server {")
    http = before + "server {" + pages.replace("$host", issuer_host)
    (folder / "c.js").write_text(block("js"))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"load_module {module};\nuser root;\ndaemon off;\nmaster_process off;\n"
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{http}}}\n"
    )
    command = [str(program), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield port
    finally:
        running.terminate()
        _, told = running.communicate(timeout=20)
        assert running.returncode == 0, told.decode()


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
        with nginx(folder, proxied.issuer) as port:
            for client_id in ("by-name", "by-key"):
                assert await answer(port, HOST, mine, client_id) == "200"
                for certificate in (stranger, None):
                    no = await answer(port, HOST, certificate, client_id, **forged)
                    assert no == "invalid_client"
                no = await answer(port, "localhost", None, client_id, **forged)
                assert no == "invalid_client"
