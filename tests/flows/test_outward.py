"""A registered address never leads a call of the server into the bank's own network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from endorse.server import outward
from endorse.server.outward import NotPublic, Resolve
from endorse.server.ping import Pings

pytestmark = pytest.mark.anyio

PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
INSIDE = (
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "not an address",
)


def names(*addresses: str) -> Resolve:
    """A directory of names in which each name has these addresses."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_call_goes_to_the_address_that_was_looked_at(address: str) -> None:
    found = await outward.aim("https://app.example/told?x=1", names(address))
    shown = f"[{address}]" if ":" in address else address
    assert found.url == f"https://{shown}:443/told?x=1"
    assert found.headers == {"Host": "app.example"}
    assert found.extensions == {"sni_hostname": "app.example"}


@pytest.mark.parametrize("address", INSIDE)
async def test_no_call_goes_inside(address: str) -> None:
    for found in ((address,), (PUBLIC[0], address)):
        with pytest.raises(NotPublic):
            await outward.aim("https://app.example/told", names(*found))


async def test_a_name_without_an_address_is_called_nowhere() -> None:
    with pytest.raises(NotPublic):
        await outward.aim("https://app.example/told", names())


async def test_a_numeric_address_is_looked_at_like_a_name() -> None:
    with pytest.raises(NotPublic):
        await outward.aim("https://127.0.0.1/told", outward.resolved)


class Door:
    """What comes to a port of this machine."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0
        self.came = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(4096)
        self.came.set()
        writer.close()


async def told(door: Door, pings: Pings) -> None:
    """Ping an address whose name is of no directory but the test's, at the door's port."""
    server = await asyncio.start_server(door, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await pings._send(
            "app", f"https://app.invalid:{port}/told", "a-token", {"auth_req_id": "x"}
        )


async def test_a_ping_to_a_name_that_is_inside_opens_no_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    door = Door()
    with caplog.at_level(logging.WARNING, logger="endorse"):
        await told(door, Pings(sandbox=False, resolve=names("127.0.0.1")))
    assert not door.came.is_set()
    assert "app.invalid is 127.0.0.1, which is not public" in caplog.text


async def test_a_ping_connects_by_number_and_demands_the_certificate_of_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No test may call a public address, so this one is let in.
    monkeypatch.setattr(outward, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr("endorse.server.ping._BETWEEN_TRIES", 0.0)
    door = Door()
    await told(door, Pings(sandbox=False, resolve=names("127.0.0.1")))
    # The name in the TLS greeting, and nothing of the call before the certificate is shown.
    assert b"app.invalid" in door.heard
    assert b"a-token" not in door.heard
