"""The phone's API after the approval: a person's connections, and what their phones are told."""

from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import access, consent, notice
from endorse.core.change import MarkRead
from endorse.core.model import Client, Grant
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.phone import enter, signed_in, who
from endorse.server.shapes import (
    Connection,
    Connections,
    Ended,
    Notice,
    NoticeIds,
    Notices,
    Who,
)
from endorse.store import reads
from endorse.store.connection import Connection as DbConnection

_CONNECTIONS_AT_MOST: Final = 200
_NOTICES_AT_MOST: Final = 100
_TWO_YEARS: Final = 2 * 365 * 24 * 60 * 60


async def connections(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/connections`: whom the person gave access, the newest first."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    since = desk.clock() - _TWO_YEARS

    async def facts(db: DbConnection) -> list[tuple[Grant, Client | None]]:
        grants = await reads.grants_of(db, phone.person_id, since, _CONNECTIONS_AT_MOST)
        known = {grant.client_id: await reads.client(db, grant.client_id) for grant in grants}
        return [(grant, known[grant.client_id]) for grant in grants]

    found = await desk.store.read(facts)
    return wire.json(Connections([_connection(grant, client) for grant, client in found]))


async def end(desk: Desk, request: HttpRequest) -> Response:
    """Answer `DELETE /phone/connections/{grant_id}`: end it, with all its tokens, at once."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    grant_id = str(request.path_params["grant_id"])
    now = desk.clock()
    grant = await desk.settle(
        lambda db: reads.grant(db, grant_id),
        lambda grant: access.end(grant, phone, now),
    )
    if isinstance(grant, Refusal):
        return wire.refused(grant)
    return wire.json(Ended(grant.grant_id, consent.timestamp(grant.ended_at or now)))


async def notices(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/notices`: what happened to connections and phones, the newest first."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    since = desk.clock() - notice.KEPT
    told = await desk.store.read(
        lambda db: reads.notices_of(db, phone.person_id, phone.phone_id, since, _NOTICES_AT_MOST)
    )
    return wire.json(Notices([_notice(one, phone.phone_id) for one in told]))


async def notices_read(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/notices/read`: this phone has shown these notices."""
    entered = await enter(desk, request, NoticeIds)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    mark = MarkRead(phone.person_id, phone.phone_id, tuple(asked.notices))
    await desk.store.change([mark], desk.clock())
    return wire.json(asked)


def _connection(grant: Grant, client: Client | None) -> Connection:
    unknown = Who(grant.client_id, grant.client_id, "", False)
    used, ended = grant.last_used_at, grant.ended_at
    return Connection(
        grant_id=grant.grant_id,
        client=who(client) if client else unknown,
        scope=grant.scope,
        accounts=grant.accounts,
        created_at=consent.timestamp(grant.created_at),
        last_used_at=None if used is None else consent.timestamp(used),
        valid_until=consent.timestamp(grant.expires_at),
        ended_at=None if ended is None else consent.timestamp(ended),
    )


def _notice(told: reads.Told, phone_id: str) -> Notice:
    one = told.notice
    return Notice(
        id=one.notice_id,
        at=consent.timestamp(one.at),
        kind=one.kind,
        by=one.by,
        # The phone that did it knows.
        unread=not told.read and one.by_phone_id != phone_id,
        phone_id=one.phone_id,
        phone_name=told.phone_name,
        grant_id=one.grant_id,
        client_name=told.client_name,
    )
