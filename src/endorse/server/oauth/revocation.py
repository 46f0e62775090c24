"""The revocation endpoint: a client hands back what it no longer needs."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import access, redeem
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import called, refused
from endorse.server.oauth.token_hash import hash_of
from endorse.store import reads


async def revoke(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /revoke` (RFC 7009). The answer is `{}`: some clients insist on JSON.

    See also RFC 7009 2.2.1.
    """
    caller = await called(desk, request)
    if isinstance(caller, Refusal):
        return refused(caller)
    params, client = caller.params, caller.client
    text = params.text("token")
    token_hash = await hash_of(desk, text)
    held = redeem.read_refresh_token(text, desk.keys.handles)
    grant_id = held.grant_id if held else ""

    async def facts(db: Any) -> tuple[Any, Any]:
        return await reads.access(db, token_hash, desk.clock()), await reads.grant(db, grant_id)

    answer = await desk.settle(
        facts,
        lambda both: access.revoke(
            params, client, both[0], token_hash, held, both[1], desk.clock()
        ),
    )
    return refused(answer) if isinstance(answer, Refusal) else wire.json({})
