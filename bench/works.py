"""What is measured of every server alike: a name for each work, in the order of the table."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bench.load import Lane

FLOW: Final = "flow"
CODE: Final = "code"
REFRESH: Final = "refresh"
CREDENTIALS: Final = "client_credentials"
INTROSPECTION: Final = "introspection"
API: Final = "api"

TITLES: Final[Mapping[str, str]] = {
    FLOW: "whole approved flow",
    CODE: "code redemption",
    REFRESH: "refresh",
    CREDENTIALS: "client_credentials",
    INTROSPECTION: "introspection",
    API: "API check of an access token",
}

Prepare = Callable[[int, int], Awaitable[Sequence[Lane]]]
"""Makes ready so many lanes that can do so many units in all, those to warm up counted in."""
