"""`endorse serve`: a bank's own server, with settings from the environment."""

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from endorse.cli.port import listen_or_say
from endorse.server import logbook
from endorse.server.app import create_app
from endorse.server.operator import operators_app
from endorse.server.run import load_bank, load_risk, open_desk, serve_all, server_for
from endorse.server.settings import from_environment

if TYPE_CHECKING:
    from endorse.server.traces import Traces


async def run_server() -> None:
    """Serve until told to stop. Raises ValueError with all that is unsafe in the settings."""
    settings = from_environment(os.environ)
    logbook.set_up(settings.log)
    bank, risk = load_bank(settings.bank), load_risk(settings)
    traces = _traces() if settings.traces else None
    desk = await open_desk(settings, bank, risk=risk, traces=traces)
    sockets = listen_or_say([settings.host], settings.port, "ENDORSE_PORT")
    logging.getLogger("endorse").info("serving %s on port %d", settings.issuer, settings.port)
    servers = [(server_for(create_app(desk), desk), sockets)]
    if settings.metrics is not None:
        host, port = settings.metrics
        watched = listen_or_say([host], port, "ENDORSE_METRICS")
        servers.append((server_for(operators_app(desk), None), watched))
    await serve_all(asyncio.Event(), *servers, drain=settings.drain)
    if traces is not None:
        await asyncio.to_thread(traces.finish)


def _traces() -> "Traces":
    """Load what sends spans. Raises ValueError where it is not installed."""
    try:
        from endorse.server.traces import exporting

        return exporting()
    except ImportError as error:
        raise ValueError(f"ENDORSE_TRACES needs: pip install 'endorse[otel]' ({error})") from error
