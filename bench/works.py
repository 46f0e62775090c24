"""What is measured of every server alike: a name for each work, in the order of the table."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bench.load import Served, Work

FLOW: Final = "flow"
CODE: Final = "code"
REFRESH: Final = "refresh"
CREDENTIALS: Final = "client_credentials"
INTROSPECTION: Final = "introspection"
API: Final = "api"
CHECK: Final = "directory"
"""The API's smallest answer: that a token of the client's own is good, and nothing of the bank."""

TITLES: Final[Mapping[str, str]] = {
    FLOW: "whole approved flow",
    CODE: "code redemption",
    REFRESH: "refresh",
    CREDENTIALS: "client_credentials",
    INTROSPECTION: "introspection",
    API: "API check of an access token",
    CHECK: "API check without the bank's part",
}

MAKING_SECONDS: Final = 4.0
"""For how long codes and grants are made, to be redeemed and refreshed. Codes live for a minute."""

Prepare = Callable[[int], Awaitable[Work]]
"""Makes so many lanes ready."""


T = TypeVar("T")


async def made(makers: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Let all make one thing after another for `MAKING_SECONDS`; give the things."""
    things: list[T] = []
    until = time.monotonic() + MAKING_SECONDS

    async def keep_at_it(make: Callable[[], Awaitable[T]]) -> None:
        while time.monotonic() < until:
            things.append(await make())

    await asyncio.gather(*(keep_at_it(make) for make in makers))
    return things


@dataclass(frozen=True)
class Up:
    """A server that answers, and the works that it can be asked for."""

    site: Served
    works: Mapping[str, Prepare]
