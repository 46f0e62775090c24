"""The sandbox's own routes, by which a test phone joins an invented person."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import msgspec

from endorse.phone.answers import Enrolment, SandboxPeople, SandboxPerson
from endorse.phone.errors import PersonNotKnown, Refused
from endorse.phone.issuer import Issuer
from endorse.phone.wire import read, send


async def sandbox_people(issuer: str, http: httpx2.AsyncClient) -> tuple[SandboxPerson, ...]:
    """The invented people of the sandbox at `issuer`. Raises `Refused` where it is no sandbox."""
    url = Issuer.parse(issuer).at("/phone/sandbox/people")
    answer = await send(http, http.build_request("GET", url))
    return read(answer, SandboxPeople).people


async def sandbox_code(issuer: str, http: httpx2.AsyncClient, person: str | None = None) -> str:
    """A one-use enrolment code for a person of the sandbox at `issuer`.

    `person` is an id or a name as the sandbox lists it; `None` invents a fresh person. Raises
    `PersonNotKnown`, or `Refused` where it is no sandbox.
    """
    people = await sandbox_people(issuer, http) if person is not None else ()
    wanted = _id_of(person, people)
    request = http.build_request(
        "POST",
        Issuer.parse(issuer).at("/phone/sandbox/enrolments"),
        headers={"Content-Type": "application/json"},
        content=msgspec.json.encode({"person": wanted}),
    )
    answer = await send(http, request)
    try:
        return read(answer, Enrolment).code
    except Refused as refused:
        if person is None:
            raise
        known = ", ".join(one.id for one in people)
        raise PersonNotKnown(f"There is no {person!r}. The sandbox has: {known}.") from refused


def _id_of(person: str | None, people: Sequence[SandboxPerson]) -> str | None:
    """The listed id of a person; one not listed may still be a fresh invented one's id."""
    if person is None:
        return None
    same = person.casefold()
    for one in people:
        if same in {one.id.casefold(), one.name.casefold()}:
            return one.id
    return person
