"""`python -m bench`: measure, print, and keep the table in docs/benchmarks.md."""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from bench import (
    bare,
    endorse,
    flows,
    latency,
    load,
    machine,
    postgres,
    report,
    start,
    strict,
    tokens,
    works,
)
from bench.http import Broken
from bench.load import Done
from bench.report import Line
from bench.server import DRIVER_CORE, SERVER_CORE, Running, Site, running

T = TypeVar("T")

_LATENCY_BELOW = 0.050
_MEMORY_AT_MOST = 200_000_000
_START_BELOW = 1.0
_FLOWS_AT_LEAST = 250.0
_DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_STRICT_AT_MOST = 1.6
_ASKED_AT_LEAST = 2500.0
_WORKS = (
    works.CODE,
    works.REFRESH,
    works.CREDENTIALS,
    works.INTROSPECTION,
    works.API,
    endorse.BARE_API,
)
_KINDS = (
    "latency",
    "pages",
    "start",
    "flows",
    "fapi2",
    *_WORKS,
    "dpop",
    "starlette",
    "postgres",
)


def main() -> None:
    """Measure what the arguments ask for."""
    options = _options()
    if not {SERVER_CORE, DRIVER_CORE} <= os.sched_getaffinity(0):
        sys.exit("The benchmark needs two cores: one for the server, one for the driver.")
    os.sched_setaffinity(0, {DRIVER_CORE})
    _allow_files(options.crowd + 1000)
    with tempfile.TemporaryDirectory(prefix="endorse-bench-", dir=options.folder) as folder:
        if machine.in_memory(folder):
            sys.exit(f"{folder} is in memory, so nothing would be durable; give --folder.")
        facts = machine.describe(folder)
        for name, value in facts.items():
            print(f"{name:<22} {value}")
        lines: list[Line] = []
        for kind in options.kinds or _KINDS:
            lines += _MEASURES[kind](options, folder)
    if options.kinds:
        print(f"\nOnly a whole run is kept in {_DOCUMENT.name}.")
    else:
        report.keep(_DOCUMENT, options.date, facts, lines)
        print(f"\nThe table is in {_DOCUMENT}.")


def _allow_files(wanted: int) -> None:
    """Let this process, and what it starts, hold a connection for each page."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(
            f"The benchmark needs {wanted} open files; this user may have {hard} (ulimit -Hn)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(_MEASURES)} (all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=1000, help="that wait, for latency")
    parser.add_argument("--crowd", type=int, default=10_000, help="pages that wait, for pages")
    parser.add_argument("--samples", type=int, default=300, help="approvals a round")
    parser.add_argument("--every", type=float, default=0.05, help="seconds between approvals")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--flows", type=int, default=3000, help="whole flows a round")
    parser.add_argument("--calls", type=int, default=20_000, help="with a token, a round")
    parser.add_argument("--codes", type=int, default=1500, help="to redeem, a round")
    parser.add_argument("--at-once", type=int, default=32, help="flows at the same time")
    parser.add_argument("--folder", default="/var/tmp", help="where the databases are made")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    options = parser.parse_args()
    unknown = [kind for kind in options.kinds if kind not in _MEASURES]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(_MEASURES)}")
    return options


def _latency(options: argparse.Namespace, folder: str) -> list[Line]:
    said, rounds = _waited(options, folder, options.pages)
    return _told(said, report.latency(rounds, options.pages, _LATENCY_BELOW))


def _pages(options: argparse.Namespace, folder: str) -> list[Line]:
    said, rounds = _waited(options, folder, options.crowd)
    lines = report.latency(rounds, options.crowd, _LATENCY_BELOW)
    return _told(said, lines + report.memory(rounds, options.crowd, _MEMORY_AT_MOST))


def _waited(
    options: argparse.Namespace, folder: str, pages: int
) -> tuple[str, list[latency.Latencies]]:
    def once(server: Running) -> Coroutine[Any, Any, latency.Latencies]:
        return latency.measure(server, pages, options.samples, options.every)

    rounds = [_on_sqlite(folder, f"{pages}-pages-{it}", once) for it in range(options.rounds)]
    return f"{pages} pages waiting, {options.samples} approvals a round", rounds


def _start(options: argparse.Namespace, folder: str) -> list[Line]:
    runs = [start.measure(f"sqlite:///{folder}/start-{it}.db") for it in range(options.starts + 1)]
    said = f"Start of `endorse sandbox`, {options.starts} runs after one to warm up"
    return _told(said, report.start(runs[1:], _START_BELOW))


def _flows(options: argparse.Namespace, folder: str) -> list[Line]:
    def once(server: Running) -> Coroutine[Any, Any, Done]:
        return flows.measure(server, options.flows, options.at_once)

    rounds = []
    for it in range(options.rounds):
        rounds.append(_on_sqlite(folder, f"flows-{it}", once))
        made = load.warming(options.flows, options.at_once) + options.flows
        flows.check_kept(f"{folder}/flows-{it}.db", made)
    said = f"Whole flows on SQLite, {options.flows} a round, {options.at_once} at once"
    return _told(said, report.flows("SQLite", rounds, _FLOWS_AT_LEAST))


def _fapi2(options: argparse.Namespace, folder: str) -> list[Line]:
    rounds = []
    for it in range(options.rounds):
        database = f"sqlite:///{folder}/fapi2-{it}.db"
        with running(database) as server:
            app = strict.register(server.facts, database)
            rounds.append(
                tuple(
                    _run(flows.measure(server, options.flows, options.at_once, one))
                    for one in (None, app)
                )
            )
    said = f"Whole flows of the plain and the fapi2 profile in one server, {options.flows} each"
    return _told(said, report.profiles(rounds, _STRICT_AT_MOST))


def _dpop(options: argparse.Namespace, folder: str) -> list[Line]:
    async def once(server: Running, app: strict.StrictApp) -> Done:
        lanes = await tokens.proven(server, options.at_once, app)
        return await load.measure(server, lanes, options.calls)

    rounds = []
    for it in range(options.rounds):
        database = f"sqlite:///{folder}/dpop-{it}.db"
        with running(database) as server:
            rounds.append(_run(once(server, strict.register(server.facts, database))))
    said = f"A token with a proof, {options.calls} calls a round, {options.at_once} at once"
    return _told(said, report.work("API call with a DPoP proof", rounds, _ASKED_AT_LEAST))


def _work(name: str, options: argparse.Namespace, folder: str) -> list[Line]:
    """Measure one of the works that peers are measured at too, of Endorse alone."""
    units = {works.FLOW: options.flows, works.CODE: options.codes}.get(name, options.calls)

    async def once(one: endorse.Endorse, server: Running) -> Done:
        ready = load.warming(units, options.at_once) + units
        lanes = await one.works[name](options.at_once, ready)
        return await load.measure(server, lanes, units)

    rounds = []
    for it in range(options.rounds):
        database = f"sqlite:///{folder}/{name}-{it}.db"
        with running(database) as server:
            rounds.append(_run(once(endorse.Endorse(server, database), server)))
    title = endorse.TITLES[name]
    said = f"{title}, {units} a round, {options.at_once} at once"
    return _told(said, report.work(title, rounds))


def _bare(options: argparse.Namespace, folder: str) -> list[Line]:
    async def once(site: Site) -> Done:
        return await load.measure(site, bare.lanes(site.port, options.at_once), options.calls)

    rounds = []
    for it in range(options.rounds):
        with bare.running(Path(folder, f"bare-{it}.log")) as site:
            rounds.append(_run(once(site)))
    said = f"Bare Starlette, {options.calls} answers a round, {options.at_once} at once"
    return _told(said, report.work("bare Starlette", rounds))


def _postgres(options: argparse.Namespace, folder: str) -> list[Line]:
    programs = postgres.binaries()
    if programs is None:
        print("\nPostgreSQL is not installed: not measured.")
        return []
    rounds = []
    for _ in range(options.rounds):
        with postgres.database(programs, options.folder) as url, running(url) as server:
            work = flows.measure(server, options.flows, options.at_once)
            rounds.append(_run(work))
    name = f"PostgreSQL {postgres.version(programs)}"
    said = f"Whole flows on {name}, {options.flows} a round, {options.at_once} at once"
    return _told(said, report.flows(name, rounds, None))


_MEASURES: dict[str, Callable[[argparse.Namespace, str], list[Line]]] = {
    "latency": _latency,
    "pages": _pages,
    "start": _start,
    "flows": _flows,
    "fapi2": _fapi2,
    "dpop": _dpop,
    **{name: partial(_work, name) for name in _WORKS},
    "starlette": _bare,
    "postgres": _postgres,
}


def _on_sqlite(folder: str, name: str, once: Callable[[Running], Coroutine[Any, Any, T]]) -> T:
    with running(f"sqlite:///{folder}/{name}.db") as server:
        return _run(once(server))


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except Broken as broken:
        sys.exit(f"The benchmark stopped: {broken}")
    except ExceptionGroup as many:
        sys.exit(f"The benchmark stopped: {many.exceptions[0]!r}")


def _told(said: str, lines: Sequence[Line]) -> list[Line]:
    print(f"\n{said}")
    for line in lines:
        print(report.shown(line))
    return list(lines)


if __name__ == "__main__":
    main()
