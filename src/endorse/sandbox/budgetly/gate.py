"""What every request passes: our own address only, no forms from other sites, strict headers."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Gate:
    """ASGI middleware around all pages.

    - A GET under another name of this machine is sent to `own_origin`: the cookie lives there, and
      so the answer of the bank would not find it.
    - A POST counts only from our own pages (`Origin`, or `Sec-Fetch-Site` where that is absent).
    - Nothing is stored by caches, framed, or loaded from elsewhere.
    """

    def __init__(self, app: ASGIApp, own_origin: str, issuer: str) -> None:
        self._app = app
        self._own = own_origin
        self._headers = {
            # Forms may lead to the bank: Chromium applies form-action to the redirect as well.
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
                f"frame-ancestors 'none'; form-action 'self' {issuer}"
            ),
            # With no-referrer a form of our own would arrive with `Origin: null`.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        safe = scope["method"] in {"GET", "HEAD"}
        if headers.get("host", "").lower() != urlsplit(self._own).netloc.lower():
            if safe:
                query = scope["query_string"].decode("latin-1")
                path = scope.get("raw_path", b"/").split(b"?")[0].decode("latin-1")
                return RedirectResponse(self._own + path + (f"?{query}" if query else ""), 307)
            return PlainTextResponse(f"This is not {self._own}.", 421)
        if not safe and not self._from_own_page(headers):
            return PlainTextResponse("This form did not come from Budgetly.", 403)
        return None

    def _from_own_page(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None:
            return origin == self._own
        return headers.get("sec-fetch-site") == "same-origin"
