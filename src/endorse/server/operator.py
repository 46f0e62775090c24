"""What the operator sees, at an address of their own that no stranger reaches."""

from functools import partial

from starlette.routing import Route, Router

from endorse.server import ready, wire
from endorse.server.desk import Desk
from endorse.server.measures import Answer


def operators_app(desk: Desk) -> Router:
    """Make the application of the operator's address: metrics, and health with its reasons."""
    # Only who wants metrics waits for their library to load.
    from endorse.server.metrics import Metrics  # noqa: PLC0415

    table: tuple[tuple[str, Answer], ...] = (
        ("/metrics", Metrics(desk).tell),
        ("/healthz", partial(wire.healthy, desk)),
        ("/readyz", partial(ready.tell_operator, desk)),
    )
    return Router([Route(path, answer, methods=["GET"]) for path, answer in table])
