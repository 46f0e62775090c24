"""The grant management endpoint: a client looks at a grant of its own, or ends it."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import access, consent, details
from endorse.core.change import Decision
from endorse.core.model import Access, Evidence, Grant
from endorse.core.refusal import Refusal
from endorse.server import resource, wire
from endorse.server.desk import Desk
from endorse.store import reads
from endorse.store.connection import Connection


async def query(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /grants/{grant_id}`: what the grant gives by now (Grant Management 6.4)."""
    opened = await _opened(desk, request, "grant_management_query")
    if isinstance(opened, Refusal):
        return _refused(desk, request, opened)
    grant_id = str(request.path_params["grant_id"])

    async def facts(db: Connection) -> tuple[Grant | None, list[Evidence]]:
        return await reads.grant(db, grant_id), await reads.evidence(db, grant_id)

    found, signed = await desk.store.read(facts)
    grant = access.managed(found, opened.client_id, desk.clock())
    if isinstance(grant, Refusal):
        return _refused(desk, request, grant)
    return wire.json(_described(grant, signed))


async def revoke(desk: Desk, request: HttpRequest) -> Response:
    """Answer `DELETE /grants/{grant_id}`: it ends with all its tokens (Grant Management 6.5)."""
    opened = await _opened(desk, request, "grant_management_revoke")
    if isinstance(opened, Refusal):
        return _refused(desk, request, opened)
    grant_id = str(request.path_params["grant_id"])

    def decide(grant: Grant | None) -> Decision[None]:
        return access.end_managed(grant, opened.client_id, desk.clock())

    no = await desk.settle(lambda db: reads.grant(db, grant_id), decide)
    if isinstance(no, Refusal):
        return _refused(desk, request, no)
    return Response(None, 204, wire.NO_STORE)


async def _opened(desk: Desk, request: HttpRequest, scope: str) -> Access | Refusal:
    """Find whose token calls. No person's token holds such a scope."""
    opened = await resource.opened(desk, request)
    if isinstance(opened, Refusal):
        return opened
    return access.check(opened, desk.clock(), scope) or opened


def _refused(desk: Desk, request: HttpRequest, no: Refusal) -> Response:
    return wire.refused(no, resource.challenge(desk, request, no))


def _described(grant: Grant, signed: list[Evidence]) -> dict[str, Any]:
    """Describe a grant without saying whose it is. `accounts` is our own member (6.4)."""
    return {
        "scopes": [{"scope": " ".join(grant.scope)}],
        "claims": [],
        "authorization_details": details.plain(grant.authorization_details),
        "accounts": [{"resourceId": account.resource_id} for account in grant.accounts],
        "created_at": consent.timestamp(grant.created_at),
        "last_updated_at": consent.timestamp(signed[-1].at),
        "expires_at": consent.timestamp(grant.expires_at),
    }
