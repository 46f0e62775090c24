"""What a bank says of itself to third parties, for the list in which people look for their bank."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core.policy import DAY, SCOPES
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.bank import opened_for, refused
from endorse.server.desk import Desk


async def directory(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/directory`, to a token of the client's own: names, colours, what there is."""
    opened = await opened_for(desk, request, "directory")
    if isinstance(opened, Refusal):
        return refused(desk, request, opened)
    brand, law = desk.settings.brand, desk.law
    said = {
        "issuer": desk.issuer,
        "name": brand.name,
        "appName": brand.app_name,
        "colour": brand.colour,
        "scopes": list(SCOPES),
        "ways": list(law.ways),
        "longestConnectionDays": law.grant_at_most // DAY,
        "mostAccounts": law.accounts_chosen,
    }
    return wire.json({**said, "logoUrl": brand.logo_url} if brand.logo_url else said)
