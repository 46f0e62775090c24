from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from endorse.phone import NotReachable, open_client
from endorse.phone.wire import send

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The authority of a server that answers each request with a cookie."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def own_certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "own.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_a_client_keeps_no_cookie() -> None:
    async with served() as authority, open_client(f"http://{authority}") as http:
        for _ in range(2):
            answer = await send(http, http.build_request("GET", f"http://{authority}/"))
            assert answer.headers["Set-Cookie"]
            assert "Cookie" not in answer.request.headers


async def test_a_proxy_from_the_environment_is_not_asked_for_this_computer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with served() as authority, open_client(f"http://{authority}") as http:
        answer = await send(http, http.build_request("GET", f"http://{authority}/"))
        assert answer.status_code == 200


@pytest.mark.parametrize("opened_for", ["https", "http"])
async def test_a_certificate_of_no_authority_is_refused(
    opened_for: str, own_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own_certificate)
    async with served(tls) as authority, open_client(f"{opened_for}://{authority}") as http:
        with pytest.raises(NotReachable, match=r"(?i)certificate"):
            await send(http, http.build_request("GET", f"https://{authority}/"))
