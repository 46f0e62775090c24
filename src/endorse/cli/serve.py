"""`endorse serve`: a bank's own server, with settings from the environment."""

import asyncio
import logging
import os
import sys
from typing import Any

from endorse.cli.port import listen_or_say
from endorse.core.refusal import Refusal
from endorse.server.app import create_app
from endorse.server.enrol import enrolment_link, issue
from endorse.server.run import (
    load_bank,
    load_risk,
    open_desk,
    opened,
    serve_all,
    server_for,
)
from endorse.server.settings import from_environment


async def run_server() -> None:
    """Serve until told to stop. Raises ValueError with all that is unsafe in the settings."""
    settings = from_environment(os.environ)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    desk = await open_desk(settings, load_bank(settings.bank), risk=load_risk(settings))
    sockets = listen_or_say([settings.host], settings.port, "ENDORSE_PORT")
    logging.getLogger("endorse").info("serving %s on port %d", settings.issuer, settings.port)
    await serve_all(asyncio.Event(), (server_for(create_app(desk), desk), sockets))


async def issue_enrolment(person_id: str) -> str:
    """Issue an enrolment code; give the link that the person's phone opens. Raises ValueError."""
    settings = from_environment(os.environ)
    desk = await open_desk(settings, load_bank(settings.bank))
    async with opened(desk):
        code: Any = await issue(desk, person_id)
        if isinstance(code, Refusal):
            raise ValueError(
                "Too many codes for this person today."
                if code.error == "slow_down"
                else f"The bank knows no person {person_id}."
            )
        return enrolment_link(desk, code)
