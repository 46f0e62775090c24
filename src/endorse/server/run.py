"""Start the server's parts in order, serve, and stop so that waiting pages can move on."""

import asyncio
import contextlib
import errno
import gc
import importlib
import logging
import resource
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvicorn
from starlette.types import ASGIApp

from endorse.bank import Bank
from endorse.core.change import KeepSandboxKey
from endorse.core.coding import Fresh, b64url
from endorse.risk import Risk
from endorse.server.clock import Clock, SteadyClock
from endorse.server.desk import Desk, InventedPeople
from endorse.server.frontdoor import Frontdoor
from endorse.server.keys import SECRET_BYTES, Keys, read_secret
from endorse.server.places import read_places
from endorse.server.protocol import end_slow, protocol_for
from endorse.server.risk import Rules
from endorse.server.room import ROOM, Shared
from endorse.server.settings import Settings
from endorse.server.stand_in import StandIn
from endorse.store import Store, open_store, reads
from endorse.store.backup import is_copy
from endorse.store.opening import why_restored

if TYPE_CHECKING:
    from endorse.server.traces import Traces

log: Final = logging.getLogger("endorse")

_GONE_AFTER: Final = 30_000
"""Milliseconds in which a machine must say that it got what it was sent (RFC 5482)."""
_COLLECTED_AFTER: Final = 10_000
"""Objects more than before: those of some dozen requests. Python's own 700 are those of a few."""
_OTHER_FILES: Final = 256
"""Databases, logs, sockets that listen, calls to others."""


async def open_desk(
    settings: Settings,
    bank: Bank,
    invented: InventedPeople | None = None,
    clock: Clock | None = None,
    fresh: Fresh = secrets.token_bytes,
    risk: Risk | None = None,
    stand_in: StandIn | None = None,
    traces: "Traces | None" = None,
) -> Desk:
    """Open the store and make the desk that all routes share. Raises StoreAway, ValueError."""
    if is_copy(settings.database):
        raise ValueError(
            "The database is a copy that `endorse backup` made. Say first what became of the time "
            "after it: `endorse restored` (docs/backup.md)."
        )
    store = await open_store(settings.database)
    if why := await why_restored(settings.database):
        await store.close()
        raise ValueError(
            f"The database was restored: {why}. Say first what became of the time after that "
            "moment: `endorse restored` (docs/backup.md)."
        )
    if settings.secret is not None:
        secret = read_secret(settings.secret.reveal())
    else:
        secret = await _sandbox_secret(store, fresh)
    where = settings.key_holder
    holder = _made("ENDORSE_KEY_HOLDER", where) if where else None
    keys = Keys(secret, holder, alone=store.ear is None)
    store.seal_audit(keys.audit)
    clock = clock or SteadyClock()
    desk = Desk(settings, store, keys, bank, clock, fresh, invented, risk, stand_in)
    if traces is not None:
        desk.traces, store.on_commit = traces, traces.committed
    return desk


async def _sandbox_secret(store: Store, fresh: Fresh) -> bytes:
    """Keep a sandbox's key beside its data, so that a kept database stays usable."""
    kept = await store.read(reads.sandbox_key)
    if kept is None:
        await store.change([KeepSandboxKey(b64url(fresh(SECRET_BYTES)))], 0)
        kept = await store.read(reads.sandbox_key)
    return read_secret(kept or "")


def load_bank(where: str) -> Bank:
    """Make the bank that settings name as `module:factory`. Raises ValueError, saying why."""
    bank: Bank = _made("ENDORSE_BANK", where)
    return bank


def load_risk(settings: Settings) -> Risk:
    """Make the risk check that settings name, or Endorse's own. Raises ValueError, saying why."""
    if settings.risk:
        risk: Risk = _made("ENDORSE_RISK", settings.risk)
        return risk
    if not settings.places:
        return Rules()
    try:
        places = read_places(Path(settings.places))
    except (OSError, ValueError) as error:
        raise ValueError(f"ENDORSE_PLACES: {error}") from error
    log.info("the place table has %d networks", len(places))
    return Rules(places=places)


def _made(setting: str, where: str) -> Any:
    """Call the factory `module:factory` that a setting names. Raises ValueError, saying why."""
    module, _, factory = where.partition(":")
    try:
        return getattr(importlib.import_module(module), factory)()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{setting}={where} cannot be loaded: {error}") from error


def listen(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Listen on these addresses, all on one port (0: any free one). Raises OSError.

    An address that this machine does not have (often ::1 in containers) is left out, but not all.
    """
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            one = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            problem = error
            continue
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # For each connection: whoever is gone without a word is noticed at the next frame.
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_AFTER)
            one.bind((host, port))
        except OSError as error:
            one.close()
            problem = OSError(error.errno, f"{host} port {port}: {error.strerror}")
            continue
        port = one.getsockname()[1]
        one.listen(2048)
        sockets.append(one)
    if problem is not None and (not sockets or problem.errno == errno.EADDRINUSE):
        for one in sockets:
            one.close()
        raise problem
    return sockets


class Server(uvicorn.Server):
    """uvicorn, which ends the open event streams before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, desk: Desk | None, shared: Shared) -> None:
        """Serve; `desk` is the one whose streams are ended, `shared` bounds the connections."""
        super().__init__(config)
        config.http = protocol_for(shared)
        self._desk = desk
        self.ready = asyncio.Event()
        self.shared = shared
        if desk is not None:
            desk.measures.turned_away = shared.turned_away
            desk.measures.connections = lambda: len(self.server_state.connections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    def leave(self) -> None:
        """Say to whoever asks `/readyz` that this server will stop; it still answers."""
        if self._desk is not None:
            self._desk.stopping = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Send the waiting pages away, then stop."""
        self.leave()
        if self._desk is not None:
            self._desk.waiting.end()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Look once a second for connections that are too slow."""
        if counter % 10 == 0:
            await end_slow(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to whoever runs several servers in one process."""
        yield


def server_for(
    app: ASGIApp, desk: Desk | None, shared: Shared | None = None, log_level: str = "error"
) -> Server:
    """Make a server for an application; `serve` it on sockets of `listen`.

    Its connections are bounded by `shared`, or else as the desk's policy says. A warning of
    uvicorn's is one for each broken request: a flood of lines.
    """
    shared = shared or _shared(app, desk)
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        log_level=log_level,
        access_log=False,  # request lines hold codes and states
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    return Server(config, desk, shared)


def _shared(app: ASGIApp, desk: Desk | None) -> Shared:
    # A fifth of what there is are those that were ended and still linger.
    most = max(1, (_files() - _OTHER_FILES) * 4 // 5)
    room = msgspec.structs.replace(ROOM, connections=min(ROOM.connections, most))
    if desk is None:
        return Shared(room)
    law, proxies = desk.law, desk.trusted_proxies
    room = msgspec.structs.replace(room, of_address=law.connections_of_address)
    refuses = app.refuses if isinstance(app, Frontdoor) else None
    return Shared(room, desk.waiting.count, refuses, law.refused_after, proxies)


def _files() -> int:
    """Give how many files this user may have open at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most


def _allow_connections() -> None:
    """Let as many pages wait as this user may have open files; the usual 1,024 are few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS tells of no limit at all, and then refuses to have none.
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve_all(
    ready: asyncio.Event, *servers: tuple[Server, list[socket.socket]], drain: float = 0
) -> None:
    """Run servers in this process until SIGINT or SIGTERM; set `ready` when all answer.

    After the signal they are no longer ready, but answer for `drain` seconds more, so that a load
    balancer can pass them over before a request fails. A second signal cuts that short.
    """
    _allow_connections()
    loop = asyncio.get_running_loop()
    leaving = False

    def end() -> None:
        for server, _ in servers:
            server.should_exit = True

    def stop() -> None:
        nonlocal leaving
        if leaving or not drain:
            end()
            return
        leaving = True
        log.info("stopping: not ready any more, and gone in %g s", drain)
        for server, _ in servers:
            server.leave()
        loop.call_later(drain, end)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve(sockets)) for server, sockets in servers]
    for (server, _), task in zip(servers, tasks, strict=True):
        starting = asyncio.create_task(server.ready.wait())
        # A server that fails to start would never say that it is ready.
        await asyncio.wait([starting, task], return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
    # What was made at start stays: the collector need not look at it over and over. Nor often at
    # the rest: a request leaves hardly any cycles, and counting frees the others at once.
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)
    ready.set()
    await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def opened(desk: Desk) -> AsyncIterator[Desk]:
    """Close a desk's store at the end, for commands that do not serve."""
    try:
        yield desk
    finally:
        await desk.finish()
        await desk.store.close()
