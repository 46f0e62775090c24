"""Starlette with one answer: what the frame alone does.

`python -m bench.bare PORT` serves it until it is stopped, on the HTTP server as Endorse sets it up.
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


app = Starlette(routes=[Route("/v1/accounts", _accounts)])


async def _serve(port: int) -> None:
    await serve_all(asyncio.Event(), (server_for(app, None), listen(["127.0.0.1"], port)))


def running(log: Path, stock: bool) -> contextlib.AbstractContextManager[Site]:
    """Run it on a free port, in a process of its own; `stock` by uvicorn as it comes."""
    port = free_port()
    line = [sys.executable, "-m", "bench.bare", str(port)]
    if stock:
        line = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--no-access-log"]
        line += ["--port", str(port)]
    return serving(line, port, log, {"PYTHONPATH": str(Path(__file__).parents[1])})


def work(port: int, at_once: int) -> Work:
    """Give lanes that send what an API check sends."""
    request = calls.get(f"127.0.0.1:{port}", "/v1/accounts", f"Bearer ea_{'x' * 43}")
    return Work([calls.same(port, request, b"accounts") for _ in range(at_once)])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
