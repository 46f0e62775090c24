"""Trying the suite's attacks on a server in this process, whose clock they turn."""

from __future__ import annotations

from typing import Any

from endorse.audit import Finding, Target, attacks
from tests.serving import Served

PATIENT = 10**6
"""Seconds: nothing takes too long where waiting turns the clock."""


def target(served: Served, **more: Any) -> Target:
    """The server as a target; waiting moves its clock."""

    async def wait(seconds: float) -> None:
        served.clock.move(int(-(-seconds // 1)))

    facts: dict[str, Any] = {
        "client_secret": served.app.secret,
        "patience": PATIENT,
        "clock": served.clock,
        "wait": wait,
        **more,
    }
    return Target(served.issuer, served.app.client_id, served.app.redirect_uri, **facts)


async def tried(served: Served, number: str, **more: Any) -> Finding:
    """What this attack found at the server."""
    [attack] = [one for one in attacks() if one.id == number]
    return await attack.on(target(served, **more))
