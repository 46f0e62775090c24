"""`python -m bench`: measure, print, and keep tables and picture in docs/benchmarks.md."""

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
    busy,
    cleaning,
    crowded,
    flat,
    flows,
    latency,
    load,
    machine,
    nodes,
    overload,
    plot,
    report,
    shed,
    sides,
    start,
    strict,
    tables,
    tokens,
    works,
)
from bench.compare import Compared, compare
from bench.fill import Amounts
from bench.http import Broken
from bench.installed import Missing
from bench.load import Done
from bench.report import Line
from bench.server import DRIVER_CORE, SERVER_CORE, Running, running

T = TypeVar("T")

_LATENCY_BELOW = 0.050
_FROM_AFAR_BELOW = 0.100
_MEMORY_AT_MOST = 200_000_000
_AT_REST_AT_MOST = 80_000_000
_START_AT_MOST = 0.5
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
    works.CHECK,
)
_ATTACKS = {
    "flood": "An address that calls pages as fast as they answer",
    "anew": "An address that calls pages so, each on a new connection",
    "drip": "Two thousand connections that send a byte a second (slowloris)",
}
_KINDS = ("busy", "latency", "pages", "nodes", "start", "fapi2", "dpop")
"""What a whole run measures of Endorse, beside the comparison."""


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
        # Other users may look into it: PostgreSQL refuses to run as root.
        Path(folder).chmod(0o711)
        if options.kinds:
            for kind in options.kinds:
                _MEASURES[kind](options, folder)
            print(f"\nOnly a whole run is kept in {_DOCUMENT.name}.")
            return
        compared = _compared(options, folder)
        report.keep(_DOCUMENT, "machine", report.machine(options.date, facts))
        report.keep(_DOCUMENT, "compared", tables.written(compared))
        title = "How often a second each server does each work, on one core"
        picture = plot.draw(title, tables.panels(compared))
        _DOCUMENT.with_name(tables.PICTURE).write_text(picture)
        lines = [line for kind in _KINDS for line in _MEASURES[kind](options, folder)]
    report.keep(_DOCUMENT, "measured", report.table(lines))
    print(f"\nThe tables are in {_DOCUMENT}.")


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
    parser.add_argument("--busy", type=float, default=15.0, help="seconds a round, for busy")
    parser.add_argument("--attack", type=float, default=20.0, help="seconds a round, of floods")
    parser.add_argument("--people", type=float, default=40.0, help="flows a second meanwhile")
    parser.add_argument("--flows", type=int, default=1500, help="whole flows a round")
    parser.add_argument("--seconds", type=float, default=2.5, help="of one work, a round")
    parser.add_argument("--at-once", type=int, default=32, help="flows at the same time")
    parser.add_argument("--only", action="append", choices=list(_DATABASES), help="this database")
    parser.add_argument("--grants", type=int, default=100_000, help="in the filled database")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="that expired, there")
    parser.add_argument("--filled", metavar="URL", help="a SQLite database to use instead")
    parser.add_argument("--folder", default="/var/tmp", help="where the databases are made")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    options = parser.parse_args()
    unknown = [kind for kind in options.kinds if kind not in _MEASURES]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(_MEASURES)}")
    return options


def _compared(options: argparse.Namespace, folder: str) -> Compared:
    said = f"Side by side, {options.seconds:g} s of each work a round, {sides.AT_ONCE} at once"
    print(f"\n{said}")
    try:
        return compare(sides.ALL, options.rounds, options.seconds, Path(folder))
    except Broken as broken:
        sys.exit(f"The benchmark stopped: {broken}")


def _compare(options: argparse.Namespace, folder: str) -> list[Line]:
    return _told("Times as much as others", tables.lines(_compared(options, folder)))


def _busy(options: argparse.Namespace, folder: str) -> list[Line]:
    def once(server: Running) -> Coroutine[Any, Any, busy.Busy]:
        return busy.measure(server, options.busy)

    rounds = [_on_sqlite(folder, f"busy-{it}", once) for it in range(options.rounds)]
    said = f"Half of the most flows that there can be, {options.busy:g} s a round"
    return _told(said, report.busy(rounds, _LATENCY_BELOW, _AT_REST_AT_MOST))


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


def _nodes(options: argparse.Namespace, folder: str) -> list[Line]:
    rounds = []
    for _ in range(options.rounds):
        with nodes.two(folder) as (here, there):
            work = latency.measure(here, options.pages, options.samples, options.every, there.port)
            rounds.append(_run(work))
    said = f"{options.pages} pages waiting at one of two servers, the phones call the other"
    return _told(said, report.latency(rounds, options.pages, _FROM_AFAR_BELOW, "two servers, "))


def _start(options: argparse.Namespace, folder: str) -> list[Line]:
    runs = [start.measure(f"sqlite:///{folder}/start-{it}.db") for it in range(options.starts + 1)]
    said = f"Start of `endorse sandbox`, {options.starts} runs after one to warm up"
    return _told(said, report.start(runs[1:], _START_AT_MOST))


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
        work = await tokens.proven(server, options.at_once, app)
        return await load.measure(server, work, options.seconds)

    rounds = []
    for it in range(options.rounds):
        database = f"sqlite:///{folder}/dpop-{it}.db"
        with running(database) as server:
            rounds.append(_run(once(server, strict.register(server.facts, database))))
    title = "API call with a DPoP proof"
    return _told(_said(title, options), report.work(title, rounds, _ASKED_AT_LEAST))


_DATABASES: dict[str, flat.Databases] = {"SQLite": flat.sqlite, "PostgreSQL": flat.on_postgres}


def _flat(options: argparse.Namespace, folder: str) -> list[Line]:
    if options.filled:
        databases = partial(flat.beforehand, options.filled)
        measured = flat.measure(databases, Path(folder), None, options.rounds, options.seconds)
        return _told("Filled against empty", flat.lines(measured, "SQLite"))
    amounts = Amounts(options.grants, options.tokens)
    found = []
    for name in options.only or _DATABASES:
        print(f"\n{name} is filled with {amounts.grants:,} grants and {amounts.tokens:,} tokens")
        with tempfile.TemporaryDirectory(dir=folder) as below:
            Path(below).chmod(0o711)
            measured = flat.measure(
                _DATABASES[name], Path(below), amounts, options.rounds, options.seconds
            )
        found += _told("Filled against empty", flat.lines(measured, name))
    return found


def _cleaning(options: argparse.Namespace, folder: str) -> list[Line]:
    if options.filled:
        databases = partial(flat.beforehand, options.filled)
        told = cleaning.measure(databases, Path(folder), None, options.rounds, options.busy)
        return _told(f"Calls that come, {options.busy:g} s", cleaning.lines(told, "SQLite"))
    amounts = Amounts(options.grants, options.tokens, options.grants * 2)
    found = []
    for name in options.only or _DATABASES:
        with tempfile.TemporaryDirectory(dir=folder) as below:
            Path(below).chmod(0o711)
            measured = cleaning.measure(
                _DATABASES[name], Path(below), amounts, options.rounds, options.busy
            )
        found += _told(f"Calls that come, {options.busy:g} s", cleaning.lines(measured, name))
    return found


def _alone(side: sides.Side, name: str, options: argparse.Namespace, folder: str) -> list[Line]:
    """Measure one of the works that peers are measured at too, of one side alone."""

    async def once(up: works.Up) -> Done:
        return await load.measure(up.site, await up.works[name](options.at_once), options.seconds)

    try:
        side.ready()
    except Missing as missing:
        sys.exit(str(missing))
    rounds = []
    for it in range(options.rounds):
        below = Path(folder, f"{name}-{it}-{sum(1 for _ in Path(folder).iterdir())}")
        below.mkdir()
        with side.up(below) as up:
            rounds.append(_run(once(up)))
    title = f"{side.name}: {works.TITLES[name]}"
    return _told(_said(title, options), report.work(title, rounds))


def _said(what: str, options: argparse.Namespace) -> str:
    return f"{what}, {options.seconds:g} s a round, {options.at_once} at once"


def _attacked(how: str, options: argparse.Namespace, folder: str) -> list[Line]:
    """Let people come without and with an address that attacks, in turn."""
    connections = {"drip": 2000}.get(how, 64)
    rounds = []
    for it in range(options.rounds):
        with running(f"sqlite:///{folder}/{how}-{it}.db", guarded=True) as server:
            seconds, rate = options.attack, options.people
            rounds.append(_run(overload.notice(server, how, connections, seconds, rate)))
    said = f"{_ATTACKS[how]}, {options.people:g} flows a second, {options.attack:g} s a round"
    return _told(said, crowded.noticed(how, rounds))


def _overload(options: argparse.Namespace, folder: str) -> list[Line]:
    def once(server: Running) -> Coroutine[Any, Any, shed.Shed]:
        return shed.measure(server, options.attack)

    rounds = [_on_sqlite(folder, f"overload-{it}", once) for it in range(options.rounds)]
    said = f"Four times as many pages as can be, {options.attack:g} s a round"
    return _told(said, crowded.shed(rounds))


_MEASURES: dict[str, Callable[[argparse.Namespace, str], list[Line]]] = {
    **{how: partial(_attacked, how) for how in _ATTACKS},
    "overload": _overload,
    "compare": _compare,
    "busy": _busy,
    "latency": _latency,
    "pages": _pages,
    "nodes": _nodes,
    "start": _start,
    "flows": _flows,
    "fapi2": _fapi2,
    "dpop": _dpop,
    **{name: partial(_alone, sides.OnSqlite(), name) for name in _WORKS},
    "flat": _flat,
    "cleaning": _cleaning,
    "starlette": partial(_alone, sides.Bare(), works.API),
    "stock": partial(_alone, sides.Stock(), works.API),
    "postgres": partial(_alone, sides.OnPostgres(), works.FLOW),
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
