"""What the server counts of itself. Nothing here names a person, an app or a single request.

Everything is a plain number that the requests themselves add to; `metrics` reads them when it is
asked. So a request pays for a few additions and no more, whether anybody looks or not.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from endorse.core.model import Journey
from endorse.store.tally import SECONDS, Tally

Answer = Callable[[Request], Awaitable[Response]]
"""What answers one row of the route table."""

NO_LABEL: Final = ""


class Row:
    """One row of the route table: how long its answers took, and with which status they went."""

    __slots__ = ("seconds", "statuses")

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = Tally(SECONDS)
        self.statuses: dict[int, int] = {}


class Measures:
    """All that is counted, since this server started."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.rows: dict[tuple[str, str], Row] = {}
        self.journeys: Counter[tuple[str, str, str]] = Counter()
        """By state, way and reason: how many journeys came into it."""
        self.refusals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.frames = 0
        self.turned_away: Counter[str] = Counter()
        """Connections and requests that were sent away unheard, by why."""
        self.connections: Callable[[], int] = int
        """Counts the open connections; 0 before there is a server."""

    def timed(self, method: str, path: str, answer: Answer) -> Answer:
        """Give the answer of a row of the route table, which from now on is measured.

        `path` is the template: what stands in an address may be a secret, and is without bound.
        """
        row = self.rows.setdefault((method, path), Row())
        add, statuses = row.seconds.add, row.statuses

        async def measured(request: Request) -> Response:
            began = perf_counter()
            response = await answer(request)
            add(perf_counter() - began)
            status = response.status_code
            statuses[status] = statuses.get(status, 0) + 1
            return response

        return measured

    def moved(self, journey: Journey) -> None:
        """Count a journey that came into a state."""
        way, reason = journey.way or NO_LABEL, journey.reason or NO_LABEL
        self.journeys[journey.state.value, way, reason] += 1
