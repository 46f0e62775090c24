"""Traces for OpenTelemetry, where an operator wants them: a request, its turn, the commit.

Loaded only then: nothing else imports this module, and without it a request pays for one look
whether it is there. A span carries names of ours, a status and the ids of the log; never an
address as it came, a header, a body, or what an exception says.
"""

import threading
import time
from collections.abc import Awaitable
from typing import Final, TypeVar

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.requests import Request
from starlette.responses import Response

import endorse
from endorse.server import logbook
from endorse.server.measures import Answer

A = TypeVar("A")

_PARENT: Final = TraceContextTextMapPropagator()
_NO_PARENT: Final = Context()


class Traces:
    """Makes the spans of one server."""

    def __init__(self, provider: TracerProvider) -> None:
        """Give the spans to this provider."""
        self._provider = provider
        self._tracer = provider.get_tracer("endorse", endorse.__version__)

    def row(self, method: str, path: str, answer: Answer) -> Answer:
        """Give the answer of a row of the route table, which from now on has a span.

        A trusted proxy may say to which trace a request belongs (`traceparent`, W3C Trace Context).
        """
        name, about = f"{method} {path}", {"http.request.method": method, "http.route": path}

        async def traced(request: Request) -> Response:
            with self._tracer.start_as_current_span(
                name,
                _parent(request),
                SpanKind.SERVER,
                about,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                span.set_attribute("endorse.request", logbook.request_id())
                try:
                    response = await answer(request)
                except BaseException:
                    span.set_status(StatusCode.ERROR)
                    raise
                finally:
                    span.set_attribute("endorse.flow", logbook.flow())
                span.set_attribute("http.response.status_code", response.status_code)
                return response

        return traced

    async def turn(self, settling: Awaitable[A]) -> A:
        """Wait for a decision to be on the disk, as a span of the request."""
        with self._tracer.start_as_current_span(
            "settle", record_exception=False, set_status_on_exception=False
        ):
            return await settling

    def committed(self, seconds: float, requests: int) -> None:
        """Note a commit that is just done: it belongs to many requests, and so to no trace."""
        now = time.time_ns()
        span = self._tracer.start_span(
            "commit",
            _NO_PARENT,
            attributes={"endorse.batch_size": requests},
            start_time=now - int(seconds * 1e9),
        )
        span.end(now)

    def finish(self) -> None:
        """Send what is left, for two seconds at most."""
        # The SDK itself would wait half a minute for a collector that is away.
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(2)


def _parent(request: Request) -> Context:
    """Give the trace that a trusted proxy names; nobody else chooses ours."""
    peer = request.client
    if peer is None or peer.host not in request.scope["app"].trusted_proxies:
        return _NO_PARENT
    return _PARENT.extract({"traceparent": request.headers.get("traceparent", "")}, _NO_PARENT)


def exporting() -> Traces:
    """Send spans as the OTEL_* variables say (OTLP over HTTP). Raises ImportError without extra."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    about = Resource.create({"service.version": endorse.__version__})
    if str(about.attributes["service.name"]).startswith("unknown_service"):
        about = about.merge(Resource({"service.name": "endorse"}))
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)
