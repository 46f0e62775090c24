"""The numbers of `measures` and of the store for Prometheus, read when it asks.

No label has values without bound: routes are templates, refusals and reasons are names in our own
code. No id, address or text that somebody sent is in any.

The library takes five microseconds to write a number, and there are some two thousand. So they are
written in pieces, and what else is due gets its turn in between.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily as Counted
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

import endorse
from endorse.server.desk import Desk
from endorse.store.tally import Tally

_ROUTES_AT_ONCE: Final = 10
"""Of sixteen numbers each: less than a millisecond."""


class Metrics:
    """All metrics of one server."""

    def __init__(self, desk: Desk) -> None:
        """Read from this desk."""
        self._desk = desk
        self._problems: Mapping[str, str] = {}
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        GCCollector(registry=self._process)

    async def tell(self, _request: Request) -> Response:
        """Answer `GET /metrics`, in the text format of Prometheus."""
        self._problems = await self._desk.readiness.problems(self._desk)
        pieces, last = [], ""
        for family in self.families():
            text = generate_latest(_Alone(family))
            # What goes on with the family before it has no HELP and TYPE of its own.
            pieces.append(text.split(b"\n", 2)[2] if family.name == last else text)
            last = family.name
            await asyncio.sleep(0)
        # It counts the open files one by one, and each connection is one.
        pieces.append(await asyncio.to_thread(generate_latest, self._process))
        return Response(b"".join(pieces), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def families(self) -> Iterable[Metric]:
        """Give what stands now; a large family comes in several pieces, one after the other."""
        yield from self._of_server()
        yield from self._of_requests()
        yield from self._of_journeys()
        yield from self._of_store()

    def _of_server(self) -> Iterator[Metric]:
        version = Gauge("endorse_version_info", "Which version runs.", labels=("version",))
        version.add_metric((endorse.__version__,), 1)
        yield version
        ready = Gauge("endorse_ready", "Whether a check of /readyz holds.", labels=("check",))
        for name, problem in self._problems.items():
            ready.add_metric((name,), 0 if problem else 1)
        yield ready

    def _of_requests(self) -> Iterator[Metric]:
        measures, labels = self._desk.measures, ("method", "route")
        rows = [(route, row) for route, row in measures.rows.items() if row.statuses]
        for first in range(0, max(1, len(rows)), _ROUTES_AT_ONCE):
            took = Histogram(
                "endorse_request_seconds", "From a whole request head to its answer.", labels=labels
            )
            for route, row in rows[first : first + _ROUTES_AT_ONCE]:
                took.add_metric(route, *_buckets(row.seconds))
            yield took
        answered = Counted("endorse_requests", "Requests answered.", labels=(*labels, "status"))
        for route, row in rows:
            for status, count in row.statuses.items():
                answered.add_metric((*route, str(status)), count)
        yield answered
        yield _counted(
            "refusals", "Refusals, by the name that /errors explains.", "refusal", measures.refusals
        )
        yield _counted("faults", "Requests that failed inside.", "kind", measures.faults)
        yield _counted(
            "limited", "Tries above a limit for one address.", "limit", self._desk.limits_hit()
        )
        yield _counted(
            "turned_away", "Sent away unheard, to bound what is held.", "why", measures.turned_away
        )
        connections = "Open connections."
        yield Gauge("endorse_connections", connections, value=measures.connections())
        late = Histogram("endorse_loop_late_seconds", "How late the event loop comes to a tick.")
        late.add_metric((), *_buckets(self._desk.waiting.late))
        yield late

    def _of_journeys(self) -> Iterator[Metric]:
        desk = self._desk
        moved = Counted(
            "endorse_journeys",
            "Journeys that came into a state.",
            labels=("state", "way", "reason"),
        )
        for (state, way, reason), count in desk.measures.journeys.items():
            moved.add_metric((state, way, reason), count)
        yield moved
        waiting = Gauge("endorse_waiting", "Who waits for a journey to move.", labels=("who",))
        pages = desk.waiting.pages()
        waiting.add_metric(("page",), pages)
        waiting.add_metric(("phone",), desk.waiting.count() - pages)
        yield waiting
        yield Counted("endorse_frames", "Frames of moving codes sent.", value=desk.measures.frames)

    def _of_store(self) -> Iterator[Metric]:
        store = self._desk.store
        yield Gauge("endorse_writer_queue", "Changes that wait for the writer.", value=store.queued)
        sizes = Histogram("endorse_writer_batch_size", "Changes in one database transaction.")
        sizes.add_metric((), *_buckets(store.batches))
        yield sizes
        commits = Histogram("endorse_writer_commit_seconds", "Commits, until the disk has them.")
        commits.add_metric((), *_buckets(store.commits))
        yield commits
        sweeper = self._desk.sweeper
        lag = "Age of the oldest row that should be gone."
        yield Gauge("endorse_expiry_lag_seconds", lag, value=sweeper.lag())
        yield Counted("endorse_rows_forgotten", "Rows that were over and left.", value=sweeper.rows)


class _Alone(Collector):
    """One family, as the library takes it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def _counted(name: str, help_: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = Counted(f"endorse_{name}", help_, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _buckets(tally: Tally) -> tuple[list[tuple[str, float]], float]:
    """Give a tally as Prometheus has it: each bucket counts those below it too."""
    bounds = [*(f"{bound:g}" for bound in tally.bounds), "+Inf"]
    return list(zip(bounds, accumulate(tally.counts), strict=True)), tally.total
