"""The keys with which this server's signatures are verified."""

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.server.desk import Desk


async def jwks(desk: Desk, _: HttpRequest) -> Response:
    """Answer `GET /jwks`: the JWK set, which may be kept for some minutes (RFC 7517 5, 8.5.1)."""
    raw = msgspec.json.encode(await desk.keyring.jwks())
    headers = {"Cache-Control": f"public, max-age={desk.law.keys_kept}"}
    return Response(raw, 200, headers, media_type="application/jwk-set+json")
