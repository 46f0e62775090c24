"""The port for somebody who decides in place of people: in a sandbox, and nowhere else.

Outside conformance suites can open pages, click and type, and hold no phone. Whoever is behind this
port is told of each request that begins, with the cookie of the browser that began it, and brings a
phone of its own: it gets nothing of a phone's from the server.
"""

from typing import Protocol

import msgspec

from endorse.core.coding import Secret


class Started(msgspec.Struct, frozen=True):
    """A request that just began in a browser."""

    client_id: str
    short: str
    """The handle of its connect page."""
    ways: tuple[str, ...]
    """How it may reach a phone."""
    cookie_name: str
    browser_secret: Secret
    """B, as the browser's own cookie holds it."""


class StandIn(Protocol):
    """Decides what people would; see the module."""

    async def began(self, started: Started) -> None:
        """Bring a request to a phone and decide. No answer waits for it."""
        ...

    async def asked(self, client_id: str, journey: str, person_id: str) -> None:
        """Decide what a client asked a person on their phone; `journey` is the phone's handle."""
        ...
