"""The ping: a client that asked a person on their phone is told that it may fetch the answer."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from endorse.core import ciba
from endorse.core.model import Journey
from endorse.server import outward
from endorse.server.outward import Resolve
from endorse.store import polls

if TYPE_CHECKING:
    from endorse.server.desk import Desk

_log: Final = logging.getLogger("endorse")
_TRIES: Final = 2
_BETWEEN_TRIES: Final = 1.0
_EACH: Final = 3.0
"""Seconds for one try: a client that takes longer polls anyhow."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Pings:
    """Sends pings. Nobody waits for them, and what fails twice is left to the client's polling."""

    def __init__(self, sandbox: bool, resolve: Resolve = outward.resolved) -> None:
        """Speak https only, with public addresses; in a sandbox http on this very machine too.

        `resolve` gives the IP addresses of a host and port.
        """
        self._sandbox = sandbox
        self._resolve = resolve

    async def decided(self, desk: "Desk", journey: Journey) -> None:
        """Tell the client of this journey, if it wants to be told (CIBA Core 10.2)."""
        client_id = journey.request.returns_to.client_id
        poll, *_ = await desk.store.read(lambda db: polls.poll(db, journey.poll_hash or ""))
        client = await desk.store.registration(client_id)
        if poll is None or client is None or poll.notify is None:
            return
        if client.metadata.backchannel_token_delivery_mode != "ping":
            return
        token = desk.keys.pings.open(poll.notify, str, desk.clock(), desk.law.remember_journey)
        url = client.metadata.backchannel_client_notification_endpoint
        if token is None or not self._allowed(url):
            _log.warning("no ping to client %s: its address or token is not good", client_id)
            return
        handle = ciba.auth_req_id(desk.keys.handles, journey.journey_id)
        await self._send(client_id, url, token, {"auth_req_id": handle.reveal()})

    async def _send(self, client_id: str, url: str, token: str, body: dict[str, str]) -> None:
        # Only servers that ping load an HTTP client.
        import httpx2  # noqa: PLC0415

        headers = {"Authorization": f"Bearer {token}"}
        problem = ""
        async with httpx2.AsyncClient(
            timeout=_EACH, follow_redirects=False, trust_env=False
        ) as http:
            for left in reversed(range(_TRIES)):
                try:
                    async with asyncio.timeout(_EACH):
                        aim = await self._aim(url)
                        async with http.stream(
                            "POST",
                            aim.url,
                            json=body,
                            headers={**headers, **aim.headers},
                            extensions=aim.extensions,
                        ) as answer:
                            # The body is never read: nothing in it counts, and it may have no end.
                            good, status = answer.is_success, answer.status_code
                    problem = "" if good else f"it answered {status}"
                except outward.NotPublic as inside:
                    problem = str(inside)
                    break
                except (httpx2.HTTPError, OSError, TimeoutError) as error:
                    problem = str(error) or type(error).__name__
                if not problem:
                    return
                if left:
                    await asyncio.sleep(_BETWEEN_TRIES)
        _log.warning("client %s was not told that it may fetch its answer: %s", client_id, problem)

    async def _aim(self, url: str) -> outward.Aim:
        if self._sandbox:
            return outward.Aim(url)
        return await outward.aim(url, self._resolve)

    def _allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        return self._sandbox and parts.scheme == "http" and parts.hostname in _LOOPBACK
