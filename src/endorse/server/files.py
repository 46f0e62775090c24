"""The files that pages load: built ones, the phone's manifest and worker, the bank's colours."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.pages import STATIC, Pages

_KEPT: Final = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)
_SHORTLY: Final = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


class BuiltFiles:
    """Built files under their hashed names: whoever has one never asks again."""

    def __init__(self) -> None:
        """Serve the folder of built files."""
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one file of `/static/{path}`."""

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message = {**message, "headers": [*message["headers"], *_KEPT]}
            await send(message)

        inner = {**scope, "path": scope["path_params"]["path"], "root_path": ""}
        await self._files(inner, receive, kept)


async def phone_app(_desk: Desk, pages: Pages, request: Request) -> Response:
    """Answer `GET /phone`: the bank's app in a browser."""
    return pages.page("phone.html", language_of(request.scope))


async def brand_css(_desk: Desk, pages: Pages, _request: Request) -> Response:
    """Answer the bank's colours and corners as custom properties."""
    brand = pages.brand
    css = f":root{{--brand:{brand.colour};--accent:{brand.accent};--radius:{brand.radius}px}}\n"
    return Response(css, 200, _SHORTLY, media_type="text/css")


async def web_manifest(_desk: Desk, pages: Pages, _request: Request) -> Response:
    """Answer what makes the phone installable, under the bank's own names."""
    manifest = msgspec.json.decode(pages.built("phone.webmanifest"), type=dict[str, Any])
    names = {"name": pages.brand.app_name, "short_name": pages.brand.name}
    raw = msgspec.json.encode({**manifest, **names})
    return Response(raw, 200, _SHORTLY, media_type="application/manifest+json")


async def service_worker(_desk: Desk, pages: Pages, _request: Request) -> Response:
    """Answer the phone's service worker; browsers look for a new one each time."""
    headers = {**_SHORTLY, "Cache-Control": "no-cache", "Service-Worker-Allowed": "/phone"}
    return Response(pages.built("sw.js"), 200, headers, media_type="text/javascript")
