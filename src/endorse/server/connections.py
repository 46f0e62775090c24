"""The phone's API after the approval: a person's connections, and what their phones are told."""

from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import consent, evidence, grants, notice, proof, refusal
from endorse.core.change import MarkRead
from endorse.core.coding import from_b64url
from endorse.core.model import Client, Evidence, Grant, Phone
from endorse.core.notice import By
from endorse.core.policy import HISTORY
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.caller import enter, passkey_options, signed_in
from endorse.server.connections_shapes import (
    AccountsThatStay,
    Connection,
    Connections,
    Ended,
    Notice,
    NoticeIds,
    Notices,
    Renewal,
    RenewalApproval,
)
from endorse.server.desk import Desk
from endorse.server.phone_answers import who
from endorse.server.shapes import Who
from endorse.store import reads, reads_notices
from endorse.store.connection import Connection as DbConnection

_CONNECTIONS_AT_MOST: Final = 200
_NOTICES_AT_MOST: Final = 100
_ENDED_BY: Final = {
    "the account holder": By.PHONE,
    "the client": By.CLIENT,
    "the bank": By.BANK,
}


async def connections(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/connections`: whom the person gave access, the newest first."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    since = desk.clock() - HISTORY

    found = await desk.store.read(
        lambda db: reads.grants_of(db, phone.person_id, since, _CONNECTIONS_AT_MOST)
    )
    known = {it.client_id: await desk.store.registration(it.client_id) for it in found}
    return wire.json(
        Connections([_connection(desk, phone, it, known[it.client_id]) for it in found])
    )


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
        lambda grant: grants.end(grant, phone, now),
    )
    if isinstance(grant, Refusal):
        return wire.refused(grant)
    return wire.json(Ended(grant.grant_id, consent.timestamp(grant.ended_at or now)))


async def narrow(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/connections/{grant_id}/narrow`: these accounts stay, no others.

    The body and the proof over it are the amendment, so both are kept as they came.
    """
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, raw = entered
    asked = wire.decode(raw, AccountsThatStay)
    if isinstance(asked, Refusal):
        return wire.refused(asked)
    grant_id = str(request.path_params["grant_id"])
    body, signature = raw.decode(), request.headers["dpop"]
    grant = await desk.settle(
        lambda db: reads.grant(db, grant_id),
        lambda grant: grants.narrow(grant, phone, asked.accounts, body, signature, desk.clock()),
    )
    return await _changed(desk, phone, grant)


class _Pending(msgspec.Struct, frozen=True):
    """A renewal, sealed with the phone while the person decides; nothing of it is stored."""

    grant_id: str
    phone_id: str
    revision: int
    challenge: str


async def renew(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/connections/{grant_id}/renew`: a new consent document to sign."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    grant_id = str(request.path_params["grant_id"])

    async def facts(db: DbConnection) -> tuple[Grant | None, list[Evidence]]:
        return await reads.grant(db, grant_id), await reads.evidence(db, grant_id)

    grant, signed = await desk.store.read(facts)
    client = await desk.store.registration(grant.client_id) if grant else None
    last = next((it.signed for it in reversed(signed) if it.kind == "consent"), "")
    owned = [account.resource_id for account in await desk.bank.accounts(phone.person_id)]
    now = desk.clock()
    document = grants.offer(
        grant, phone, client, last, owned, desk.issuer, now, desk.fresh, desk.law
    )
    if isinstance(document, Refusal) or grant is None:
        return wire.refused(document if isinstance(document, Refusal) else wire.NOT_FOUND)
    challenge = proof.consent_challenge(document)
    pending = _Pending(grant.grant_id, phone.phone_id, grant.revision, challenge)
    return wire.json(
        Renewal(
            grant_id=grant.grant_id,
            document=document,
            options=passkey_options(desk, phone, from_b64url(challenge) or b""),
            renewal=desk.keys.renewals.close(pending, now),
            expires_in=desk.law.ceremony,
        )
    )


async def approve_renewal(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /phone/connections/{grant_id}/renew/approve`: it lasts as the document says."""
    entered = await enter(desk, request, RenewalApproval)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, asked = entered
    now, grant_id = desk.clock(), str(request.path_params["grant_id"])
    pending = desk.keys.renewals.open(asked.renewal, _Pending, now, desk.law.ceremony)
    if pending is None or (pending.grant_id, pending.phone_id) != (grant_id, phone.phone_id):
        return wire.refused(refusal.CONNECTION_CHANGED.because("no such renewal, or too old"))
    if proof.consent_challenge(asked.document) != pending.challenge:
        return wire.refused(refusal.CONNECTION_CHANGED.because("another document"))
    passkey = proof.Passkey(phone.credential_id, phone.public_key, phone.sign_count)
    assertion = proof.asserted(
        bytes(asked.credential), passkey, pending.challenge, desk.issuer, desk.settings.rp_id
    )
    if isinstance(assertion, Refusal):
        return wire.refused(assertion)
    grant = await desk.settle(
        lambda db: reads.grant(db, grant_id),
        lambda grant: grants.renew(
            grant, phone, pending.revision, asked.document, assertion, desk.clock()
        ),
    )
    return await _changed(desk, phone, grant)


async def evidence_(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/connections/{grant_id}/evidence`: what was signed, to keep and check."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    grant_id = str(request.path_params["grant_id"])

    async def facts(db: DbConnection) -> tuple[Grant | None, list[Evidence]]:
        return await reads.grant(db, grant_id), await reads.evidence(db, grant_id)

    found, signed = await desk.store.read(facts)
    grant = grants.held(found, phone.person_id)
    if isinstance(grant, Refusal):
        return wire.refused(grant)
    return wire.json(msgspec.Raw(evidence.write(evidence.bundle(grant, signed)).encode()))


async def notices(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /phone/notices`: what happened to connections and phones, the newest first."""
    entered = await signed_in(desk, request)
    if isinstance(entered, Refusal):
        return wire.refused(entered)
    phone, _ = entered
    since = desk.clock() - notice.KEPT
    told = await desk.store.read(
        lambda db: reads_notices.notices_of(
            db, phone.person_id, phone.phone_id, since, _NOTICES_AT_MOST
        )
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


async def _changed(desk: Desk, phone: Phone, grant: Grant | Refusal) -> Response:
    if isinstance(grant, Refusal):
        return wire.refused(grant)
    client = await desk.store.registration(grant.client_id)
    return wire.json(_connection(desk, phone, grant, client))


def _connection(desk: Desk, phone: Phone, grant: Grant, client: Client | None) -> Connection:
    unknown = Who(grant.client_id, grant.client_id, "", False)
    now, used, ended = desk.clock(), grant.last_used_at, grant.ended_at
    until = grants.renewable_until(grant, client, now, desk.law)
    return Connection(
        grant_id=grant.grant_id,
        client=who(client) if client else unknown,
        scope=grant.scope,
        accounts=grant.accounts,
        removed=grant.removed,
        created_at=consent.timestamp(grant.created_at),
        last_used_at=None if used is None else consent.timestamp(used),
        valid_until=consent.timestamp(grant.expires_at),
        ended_at=None if ended is None else consent.timestamp(ended),
        ended_by=None if ended is None else _ENDED_BY.get(grant.ended_by or "", By.MISUSE),
        renewable_until=None if until is None else consent.timestamp(until),
        can_narrow=grants.may_narrow(grant, phone, now),
        authorization_details=grant.authorization_details,
    )


def _notice(told: reads_notices.Told, phone_id: str) -> Notice:
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
