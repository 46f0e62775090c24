"""What holds for every request: our own host name only, and no failure without a reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from endorse.bank import BankUnavailable
from endorse.core.refusal import SLOW_DOWN
from endorse.server import logbook, wire
from endorse.server.desk import Desk, log
from endorse.server.keyring import KeyHolderAway
from endorse.server.language import language_of
from endorse.server.limit import address_of
from endorse.server.measures import Answer
from endorse.server.pages import Pages
from endorse.store.connection import StoreAway

_FOR_WATCHERS: Final = ("/healthz", "/readyz")
"""What a load balancer asks, by whatever name it has for this machine."""


class Frontdoor:
    """Stands in front of the routes."""

    def __init__(
        self,
        app: ASGIApp,
        desk: Desk,
        pages: Pages,
        at_once: Mapping[tuple[str, str], Answer],
        for_clients: Collection[str],
    ) -> None:
        """Let requests for the desk's issuer in: by method and path `at_once`, or else to `app`.

        On the host for certificates only paths that begin with a name of `for_clients` are: no
        page, cookie or phone has anything to do there.
        """
        self._app = app
        self._pages = pages
        self._at_once = at_once
        self.issuer = desk.issuer
        self._host = desk.settings.issuer_host.encode()
        self._mtls = desk.settings.mtls_host.encode()
        self._for_clients = frozenset(for_clients)
        self._desk = desk
        self._slow_down = wire.json(
            {"error": SLOW_DOWN.error, "error_description": SLOW_DOWN.told},
            SLOW_DOWN.status,
            {"Retry-After": "60"},
        )
        self.measures = desk.measures
        self.fresh = desk.fresh
        self.trusted_proxies = desk.trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, send it to the right host, or answer for what failed inside."""
        # With an application in the scope the router raises what it cannot find.
        scope["app"] = self
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        logbook.enter(scope)
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
            answer = self._at_once.get((scope["method"], scope["path"]))
            if answer is None:
                await self._app(scope, receive, watched)
            else:
                response = await answer(Request(scope, receive, send))
                await response(scope, receive, watched)
        except HTTPException as problem:
            failure = self._no_route(scope, problem)
        except (StoreAway, BankUnavailable, KeyHolderAway) as away:
            self.measures.faults["unavailable"] += 1
            log.error("unavailable: %s", away)
            failure = _fault("temporarily_unavailable", 503, "Try again in a moment.")
        except Exception:  # noqa: BLE001 - a bug is caught once, here, and gets a reference
            self.measures.faults["bug"] += 1
            reference = logbook.request_id()
            log.exception("bug in the request %s", reference)
            told = f"Something is broken here. The operator finds it as {reference}."
            failure = _fault("server_error", 500, told)
        else:
            return
        if not begun:
            await failure(scope, receive, send)

    def refuses(self, scope: Scope) -> ASGIApp | None:
        """Give the refusal if an address called pages and phones more than many people would.

        Servers of clients may call theirs as often as they like: they say who they are.
        """
        path = scope["path"]
        if path in _FOR_WATCHERS or path[1:].partition("/")[0] in self._for_clients:
            return None
        caller = address_of(scope, self.trusted_proxies)
        if self._desk.calls.take(caller, self._desk.clock()):
            return None
        # Counted, and not logged: a flood must not fill the log.
        self.measures.refusals[SLOW_DOWN.name] += 1
        return self._slow_down

    def _no_route(self, scope: Scope, problem: HTTPException) -> Response:
        """Answer for an address or method that is not in the table: to a person with a page."""
        if problem.status_code == 405:
            return wire.refused(wire.WRONG_METHOD, problem.headers)
        if "text/html" in Headers(scope=scope).get("accept", ""):
            return self._pages.page("gone.html", language_of(scope), 404)
        return wire.refused(wire.NOT_FOUND)

    def _elsewhere(self, scope: Scope) -> Response | None:
        """Answer for another host: cookies, passkeys and links are bound to the issuer's."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if hosts == [self._host] or scope["path"] in _FOR_WATCHERS:
            return None
        if (
            self._mtls
            and hosts == [self._mtls]
            and scope["path"].split("/")[1] in self._for_clients
        ):
            return None
        if scope["method"] not in ("GET", "HEAD"):
            return _fault("wrong_host", 421, f"This server is {self.issuer}.")
        path = scope.get("raw_path", b"/").decode("latin-1").split("?")[0]
        query = scope["query_string"].decode("latin-1")
        # The path stays on our own host, even when it begins with two slashes.
        return wire.see_other(self.issuer + "/" + path.lstrip("/") + (f"?{query}" if query else ""))


def _fault(error: str, status: int, told: str) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    return wire.json({"error": error, "error_description": told}, status, headers)
