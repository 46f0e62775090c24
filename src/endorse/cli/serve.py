"""`endorse serve`: a bank's own server, with settings from the environment."""

import asyncio
import logging
import os

from endorse.cli.port import listen_or_say
from endorse.server import logbook
from endorse.server.app import create_app
from endorse.server.operator import operators_app
from endorse.server.run import load_bank, load_risk, open_desk, serve_all, server_for
from endorse.server.settings import from_environment


async def run_server() -> None:
    """Serve until told to stop. Raises ValueError with all that is unsafe in the settings."""
    settings = from_environment(os.environ)
    logbook.set_up(settings.log)
    desk = await open_desk(settings, load_bank(settings.bank), risk=load_risk(settings))
    sockets = listen_or_say([settings.host], settings.port, "ENDORSE_PORT")
    logging.getLogger("endorse").info("serving %s on port %d", settings.issuer, settings.port)
    servers = [(server_for(create_app(desk), desk), sockets)]
    if settings.metrics is not None:
        host, port = settings.metrics
        watched = listen_or_say([host], port, "ENDORSE_METRICS")
        servers.append((server_for(operators_app(desk), None), watched))
    await serve_all(asyncio.Event(), *servers, drain=settings.drain)
