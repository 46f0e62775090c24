"""The route table, and what stands around every route."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from endorse.bank import BankUnavailable
from endorse.core.change import Sweep
from endorse.core.coding import b64url
from endorse.server import bank, connect, enrol, oauth, openapi, phone, wire
from endorse.server.desk import Desk, log
from endorse.server.pages import STATIC, Pages
from endorse.server.stream import Events
from endorse.store.connection import StoreAway

_SWEEP_EVERY: Final = 10
_SWEEP_AT_MOST: Final = 500

_Plain = Callable[[Desk, Request], Awaitable[Response]]
_Paged = Callable[[Desk, Pages, Request], Awaitable[Response]]


def create_app(desk: Desk) -> Starlette:
    """Make the server's application from a desk whose store is open; it closes the store."""
    pages = Pages(desk.settings)
    metadata = oauth.metadata(desk)
    document = openapi.document(desk)

    def at(path: str, route: _Plain, method: str = "POST") -> Route:
        async def endpoint(request: Request) -> Response:
            return await route(desk, request)

        return Route(path, endpoint, methods=[method])

    def page(path: str, route: _Paged, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            return await route(desk, pages, request)

        return Route(path, endpoint, methods=[method])

    def fixed(path: str, answer: Callable[[], Response]) -> Route:
        async def endpoint(_: Request) -> Response:
            return answer()

        return Route(path, endpoint, methods=["GET"])

    routes: list[Any] = [
        # what third parties call
        page("/auth", oauth.authorization),
        at("/token", oauth.token),
        at("/v1/token", oauth.token),
        at("/revoke", oauth.revoke),
        fixed("/.well-known/oauth-authorization-server", lambda: wire.json(metadata)),
        # the browser that waits
        page("/auth/start", connect.start, "POST"),
        page("/connect/{short}", connect.show),
        Route("/connect/{short}/events", Events(desk), methods=["GET"]),
        page("/connect/{short}/cancel", connect.cancel, "POST"),
        page("/connect/{short}/new-code", connect.new_code, "POST"),
        page("/resume/{short}", connect.resume),
        fixed("/q", lambda: pages.page("scan.html")),
        # the phone
        fixed("/phone", lambda: pages.page("phone.html")),
        fixed("/phone/sw.js", pages.service_worker),
        fixed("/phone/manifest.webmanifest", pages.web_manifest),
        fixed("/phone/openapi.json", lambda: wire.json(document)),
        at("/phone/enrol/options", enrol.enrol_options),
        at("/phone/enrol", enrol.enrol_phone),
        at("/phone/sign-in/options", enrol.sign_in_options),
        at("/phone/sign-in", enrol.sign_in),
        at("/phone/claim", phone.claim),
        at("/phone/match", phone.match),
        at("/phone/review", phone.review),
        at("/phone/edit", phone.edit),
        at("/phone/approve", phone.approve_),
        at("/phone/refuse", phone.refuse),
        at("/phone/watch", phone.watch),
        at("/phone/connections", phone.connections, "GET"),
        at("/phone/connections/{grant_id}", phone.end, "DELETE"),
        at("/phone/sandbox/people", enrol.invented_people, "GET"),
        at("/phone/sandbox/enrolments", enrol.be_somebody),
        # the bank
        at("/v1/accounts", bank.accounts, "GET"),
        at("/v1/accounts/{account_id}", bank.account, "GET"),
        at("/v1/accounts/{account_id}/balances", bank.balances, "GET"),
        at("/v1/accounts/{account_id}/transactions", bank.transactions, "GET"),
        # everything else
        fixed("/healthz", lambda: wire.json({"status": "ok"})),
        fixed("/brand.css", pages.brand_css),
        Route("/static/{path:path}", _Static(), methods=["GET"]),
    ]

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(desk.waiting.run()), asyncio.create_task(_sweep(desk))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await desk.finish()
            await desk.store.close()

    return Starlette(routes=routes, lifespan=life, middleware=[Middleware(Frontdoor, desk=desk)])


class Frontdoor:
    """What holds for every request: our own host name only, and no failure without an id."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        """Stand in front of an application."""
        self._app = app
        self._issuer = desk.issuer
        self._host = desk.settings.issuer_host.encode()
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, send it to the right host, or answer for what failed inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        elsewhere = self._elsewhere(scope)
        if elsewhere is not None:
            await elsewhere(scope, receive, send)
            return
        begun = False

        async def watched(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except (StoreAway, BankUnavailable) as away:
            log.error("unavailable: %s", away)
            failure = _fault("temporarily_unavailable", 503, "Try again in a moment.")
        except Exception:  # noqa: BLE001 - a bug is caught once, here, and gets an id
            reference = b64url(self._desk.fresh(6))
            log.exception("bug %s at %s", reference, scope["path"])
            told = f"Something is broken here. The operator finds it as {reference}."
            failure = _fault("server_error", 500, told)
        else:
            return
        if not begun:
            await failure(scope, receive, send)

    def _elsewhere(self, scope: Scope) -> Response | None:
        """Answer for another host: cookies, passkeys and links are bound to the issuer's."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if hosts == [self._host] or scope["path"] == "/healthz":
            return None
        if scope["method"] not in ("GET", "HEAD"):
            return _fault("wrong_host", 421, f"This server is {self._issuer}.")
        path = scope.get("raw_path", b"/").decode("latin-1").split("?")[0]
        query = scope["query_string"].decode("latin-1")
        # The path stays on our own host, even when it begins with two slashes.
        return wire.see_other(
            self._issuer + "/" + path.lstrip("/") + (f"?{query}" if query else "")
        )


class _Static:
    """Built files under their hashed names: whoever has one never asks again."""

    def __init__(self) -> None:
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = [*message["headers"], *_KEPT]
                message = {**message, "headers": headers}
            await send(message)

        inner = {**scope, "path": scope["path_params"]["path"], "root_path": ""}
        await self._files(inner, receive, kept)


_KEPT: Final = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)


def _fault(error: str, status: int, told: str) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    return wire.json({"error": error, "error_description": told}, status, headers)


async def _sweep(desk: Desk) -> None:
    """Forget what is over, a bounded number at a time, while serving."""
    while True:
        await asyncio.sleep(_SWEEP_EVERY)
        now = desk.clock()
        try:
            await desk.store.change([Sweep(now, _SWEEP_AT_MOST)], now)
        except StoreAway as away:
            log.warning("nothing swept: %s", away)
