"""`endorse person`: what the bank's desk does with the phones of a person."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from endorse.core import enrol, refusal
from endorse.core.consent import timestamp
from endorse.core.model import Phone
from endorse.core.refusal import Refusal
from endorse.server import phones
from endorse.server.desk import Desk
from endorse.server.enrol import enrolment_link, issue
from endorse.server.run import load_bank, open_desk, opened
from endorse.server.settings import from_environment
from endorse.store import require_database


@asynccontextmanager
async def _at_desk(person_id: str) -> AsyncIterator[Desk]:
    """Open the desk of the server's settings for a person of the bank. Raises ValueError."""
    settings = from_environment(os.environ)
    require_database(settings.database)
    desk = await open_desk(settings, load_bank(settings.bank))
    async with opened(desk):
        if await desk.bank.person(person_id) is None:
            raise ValueError(f"The bank knows no person {person_id}.")
        yield desk


async def issue_enrolment(person_id: str) -> str:
    """Issue an enrolment code; give the link that the person's phone opens. Raises ValueError."""
    async with _at_desk(person_id) as desk:
        code = await issue(desk, person_id)
        if isinstance(code, Refusal):
            raise ValueError("Too many codes for this person today.")
        return enrolment_link(desk, code)


async def confirm(person_id: str, digits: str) -> dict[str, Any]:
    """Confirm the phone that shows these digits. Raises ValueError, saying why not."""
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        raise ValueError("The phone shows six digits. Type all of them.")
    async with _at_desk(person_id) as desk:
        phone = await phones.confirm_at_desk(desk, person_id, digits)
        if isinstance(phone, Refusal):
            left = dict(phone.also).get("tries_left")
            raise ValueError(phone.told + (f" Tries left: {left}." if left else ""))
        return _facts(phone, desk.clock())


async def revoke(person_id: str, phone_id: str | None) -> list[dict[str, Any]]:
    """End one phone of a person, or all. Raises ValueError if there is none."""
    async with _at_desk(person_id) as desk:
        ended = await phones.revoke_at_desk(desk, person_id, phone_id)
        if isinstance(ended, Refusal):
            raise ValueError(refusal.PHONE_NOT_FOUND.told)
        return [_facts(phone, desk.clock()) for phone in ended]


async def list_phones(person_id: str) -> list[dict[str, Any]]:
    """Give a person's phones, the newest first. Raises ValueError."""
    async with _at_desk(person_id) as desk:
        found = await phones.phones_of(desk, person_id)
        return [_facts(phone, desk.clock()) for phone in found]


def _facts(phone: Phone, now: int) -> dict[str, Any]:
    """Tell of a phone. Its digits are not told: the desk must hear them from the person."""
    facts = {
        "phone_id": phone.phone_id,
        "name": phone.name,
        "state": phone.at(now).value,
        "enrolled_at": timestamp(phone.enrolled_at),
    }
    if phone.at(now) in enrol.UNCONFIRMED:
        until = phone.lapses_at if phone.usable_from is None else phone.usable_from
        facts["lapses_at" if phone.usable_from is None else "usable_from"] = timestamp(until)
    if phone.signed_in_at is not None:
        facts["signed_in_at"] = timestamp(phone.signed_in_at)
    return facts
