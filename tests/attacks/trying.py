"""Trying the suite's attacks on a server in this process, whose clock they turn."""

from __future__ import annotations

from typing import Any

from endorse.audit import Finding, Target, attacks
from endorse.core.coding import Secret
from endorse.core.refusal import Refusal
from endorse.phone import Phone
from endorse.sandbox import SandboxBank
from endorse.server import phones
from endorse.server.enrol import issue
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


async def bank_phone(served: Served) -> Phone:
    """The first phone of a new person, confirmed at the bank's desk."""
    assert isinstance(served.desk.bank, SandboxBank)
    person = served.desk.bank.new_person().id
    phone = Phone(served.issuer, served.http, clock=served.clock)
    await phone.enrol(await issued(served, person))
    done = await phones.confirm_at_desk(served.desk, person, phone.digits or "")
    assert not isinstance(done, Refusal)
    return phone


async def issued(served: Served, person: str) -> str:
    """An enrolment code of the bank."""
    code = await issue(served.desk, person)
    assert isinstance(code, Secret)
    return code.reveal()
