"""Starlette with one answer, on the HTTP server as Endorse sets it up: what the frame alone does.

`python -m bench.bare PORT` serves until it is stopped.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench import calls
from bench.load import Work
from bench.server import Site, free_port, serving
from endorse.server.run import listen, serve_all, server_for


async def _accounts(_: Request) -> JSONResponse:
    return JSONResponse({"accounts": []})


async def _serve(port: int) -> None:
    app = Starlette(routes=[Route("/v1/accounts", _accounts)])
    await serve_all(asyncio.Event(), (server_for(app, None), listen(["127.0.0.1"], port)))


def running(log: Path) -> contextlib.AbstractContextManager[Site]:
    """Run it on a free port, in a process of its own."""
    port = free_port()
    line = [sys.executable, "-m", "bench.bare", str(port)]
    return serving(line, port, log, {"PYTHONPATH": str(Path(__file__).parents[1])})


def work(port: int, at_once: int) -> Work:
    """Give lanes that send what an API check sends."""
    request = calls.get(f"127.0.0.1:{port}", "/v1/accounts", f"Bearer ea_{'x' * 43}")
    return Work([calls.same(port, request, b"accounts") for _ in range(at_once)])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
