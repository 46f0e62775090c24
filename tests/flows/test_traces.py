"""Traces: spans that belong together and hold nothing that opens anything; nothing when off."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from endorse.server.traces import Traces
from endorse.store.connection import StoreAway
from tests.flows import play
from tests.flows.commands import ISSUER, BehindProxy, good_settings, serve
from tests.flows.listening import PATIENCE
from tests.flows.play import QUICK, quiet_client
from tests.overheard import OVERHEARD
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Seen:
    """The spans of a server."""

    def __init__(self, served: Served, exporter: InMemorySpanExporter) -> None:
        self.served = served
        self.exporter = exporter

    def of(self, name: str) -> list[ReadableSpan]:
        """The spans of this name, in the order in which they ended."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


@contextlib.asynccontextmanager
async def watched(folder: Path, *proxies: str) -> AsyncIterator[Seen]:
    """A server that is traced and trusts these proxies."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    url, traces = f"sqlite:///{folder / 'traced.sqlite3'}", Traces(provider)
    async with (
        serving(url, QUICK, traces=traces, trusted_proxies=proxies) as served,
        quiet_client() as served.http,
    ):
        yield Seen(served, exporter)
    for span in exporter.get_finished_spans():
        OVERHEARD.log(span.to_json())


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    """A server that is traced, behind no proxy."""
    async with watched(tmp_path) as it:
        yield it


def about(span: ReadableSpan) -> dict[str, Any]:
    """What a span says."""
    return dict(span.attributes or {})


async def test_a_request_its_turn_and_the_commit_are_spans(seen: Seen) -> None:
    got = await play.tokens(seen.served, await play.phone_of(seen.served))
    (token,) = seen.of("POST /token")
    said = about(token)
    assert said.pop("endorse.request")
    flow = said.pop("endorse.flow")
    assert said == {
        "http.request.method": "POST",
        "http.route": "/token",
        "http.response.status_code": 200,
    }
    (turn,) = [it for it in seen.of("settle") if it.parent == token.get_span_context()]
    assert (turn.start_time or 0) >= (token.start_time or 0)
    assert {about(it).get("endorse.flow") for it in seen.of("POST /phone/approve")} == {flow}
    assert about(seen.of("GET /resume/{short}")[0])["http.response.status_code"] == 303
    commits = seen.of("commit")
    assert len(commits) >= 7
    assert all(about(it)["endorse.batch_size"] == 1 and it.parent is None for it in commits)
    assert got["access_token"]


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1", "::1")], ids=["stranger", "proxy"])
async def test_who_is_trusted_alone_says_to_which_trace_a_request_belongs(
    tmp_path: Path, proxies: tuple[str, ...]
) -> None:
    async with watched(tmp_path, *proxies) as seen:
        url = seen.served.url("/jwks")
        await seen.served.http.get(url, headers={"traceparent": PARENT})
        (span,) = seen.of("GET /jwks")
    followed = span.context is not None and f"{span.context.trace_id:032x}" == PARENT.split("-")[1]
    assert followed is bool(proxies)


async def test_what_an_exception_says_is_in_no_span(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreAway("what nobody should read")

    monkeypatch.setattr(seen.served.desk.store, "settle", away)
    answer = await seen.served.http.post(
        seen.served.url("/device_authorization"),
        auth=seen.served.app.basic,
        data={"scope": "accounts"},
    )
    assert answer.status_code == 503
    (span,) = seen.of("POST /device_authorization")
    assert span.status.status_code is StatusCode.ERROR
    assert "nobody" not in span.to_json()
    assert "nobody" not in "".join(it.to_json() for it in seen.of("settle"))


async def test_spans_reach_the_collector_that_the_standard_variables_name(tmp_path: Path) -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None
        sent.put_nowait(head + await reader.readexactly(int(length[1])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", 0) as collector:
        port = collector.sockets[0].getsockname()[1]
        settings = good_settings(tmp_path) | {
            "ENDORSE_TRACES": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with serve(settings, tmp_path):
            async with quiet_client(BehindProxy(int(settings["ENDORSE_PORT"]))) as http:
                assert (await http.get(ISSUER + "/healthz")).status_code == 200
            async with asyncio.timeout(PATIENCE):
                spans = await sent.get()
    assert spans.startswith(b"POST /v1/traces ")
    assert b"GET /healthz" in spans
    assert b"service.name" in spans


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    wanted = "'opentelemetry', 'prometheus_client', 'endorse.server.metrics'"
    look = f"import sys, endorse.cli.serve; print([it for it in ({wanted}) if it in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
