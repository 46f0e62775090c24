"""A person's phones: to list, confirm and revoke them, on a phone or at the bank's desk."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import enrol, refusal
from endorse.core.consent import timestamp
from endorse.core.model import Journey, Phone, PhoneState
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.caller import signed_in
from endorse.server.desk import Desk
from endorse.server.enrol import PHONES_AT_MOST
from endorse.server.phones_shapes import (
    Confirmed,
    ListedPhone,
    Phones,
    PhoneWord,
    Revoked,
    TypedDigits,
)
from endorse.store import reads
from endorse.store.connection import Connection

_WORDS: dict[PhoneState, PhoneWord] = {
    PhoneState.PENDING: "pending",
    PhoneState.WAITING: "waiting",
    PhoneState.USABLE: "usable",
}


async def phones(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/phones`: the person's phones, and which of them asks."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    found = await phones_of(desk, phone.person_id)
    return wire.json(Phones([_listed(one, phone, desk.clock()) for one in found]))


async def confirm(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/phones/{phone_id}/confirm`: the digits that the new phone shows."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, raw = entered
    asked = wire.decode(raw, TypedDigits)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    phone_id = str(request.path_params["phone_id"])

    async def facts(db: Connection) -> tuple[Phone | None, list[Phone]]:
        own = await reads.phone(db, phone.phone_id)
        return own, await reads.phones_of(db, phone.person_id, PHONES_AT_MOST)

    confirmed = await desk.settle(
        facts,
        lambda found: enrol.confirm(
            found[1], phone_id, found[0], asked.digits, desk.clock(), desk.law
        ),
    )
    if isinstance(confirmed, Refusal):
        return wire.refused(confirmed)
    return wire.json(Confirmed(confirmed.phone_id, _WORDS[confirmed.at(desk.clock())]))


async def revoke(desk: Desk, request: HttpRequest) -> Response:
    """Answer `DELETE /phone/phones/{phone_id}`: end another phone of the person, or this one."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    phone_id = str(request.path_params["phone_id"])
    ended = await _end(desk, phone.person_id, phone_id, phone.phone_id)
    if isinstance(ended, Refusal):
        return wire.refused(ended)
    return wire.json(Revoked(ended.phone_id, timestamp(ended.revoked_at or desk.clock())))


async def phones_of(desk: Desk, person_id: str) -> list[Phone]:
    """Give a person's phones that are neither revoked nor lapsed, the newest first."""
    found = await desk.store.read(lambda db: reads.phones_of(db, person_id, PHONES_AT_MOST))
    return [phone for phone in found if phone.at(desk.clock()) in _WORDS]


async def confirm_at_desk(desk: Desk, person_id: str, digits: str) -> Phone | Refusal:
    """Confirm the phone of a person that waits, for the bank."""
    return await desk.settle(
        lambda db: reads.phones_of(db, person_id, PHONES_AT_MOST),
        lambda found: enrol.confirm_at_desk(found, digits, desk.clock(), desk.law),
    )


async def revoke_at_desk(
    desk: Desk, person_id: str, phone_id: str | None = None
) -> list[Phone] | Refusal:
    """End one phone of a person, or all, for the bank; give those that ended."""
    wanted = [phone_id] if phone_id else await _ids(desk, person_id)
    ended: list[Phone] = []
    while wanted:
        for one in wanted:
            phone = await _end(desk, person_id, one, None)
            if isinstance(phone, Refusal):
                return phone
            ended.append(phone)
        wanted = [] if phone_id else await _ids(desk, person_id)
    return ended or refusal.PHONE_NOT_FOUND


async def _ids(desk: Desk, person_id: str) -> list[str]:
    return [phone.phone_id for phone in await phones_of(desk, person_id)]


async def _end(desk: Desk, person_id: str, phone_id: str, by_phone: str | None) -> Phone | Refusal:
    async def facts(db: Connection) -> tuple[Phone | None, Phone | None, list[Journey]]:
        phone = await reads.phone(db, phone_id)
        by = None if by_phone is None else await reads.phone(db, by_phone)
        return phone, by, await reads.journeys_held(db, phone_id)

    return await desk.settle(
        facts, lambda found: enrol.revoke(found[0], person_id, found[1], found[2], desk.clock())
    )


def _listed(phone: Phone, this: Phone, now: int) -> ListedPhone:
    state, usable_from, signed_in_at = phone.at(now), phone.usable_from, phone.signed_in_at
    return ListedPhone(
        phone_id=phone.phone_id,
        name=phone.name,
        state=_WORDS[state],
        this=phone.phone_id == this.phone_id,
        enrolled_at=timestamp(phone.enrolled_at),
        signed_in_at=None if signed_in_at is None else timestamp(signed_in_at),
        lapses_at=timestamp(phone.lapses_at) if state is PhoneState.PENDING else None,
        usable_from=None if usable_from is None else timestamp(usable_from),
    )
