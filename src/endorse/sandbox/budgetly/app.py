"""Budgetly's pages: connect, come back, look at accounts, disconnect."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from endorse.sandbox.budgetly import reading
from endorse.sandbox.budgetly.gate import Gate, origin_of
from endorse.sandbox.budgetly.memory import Connections
from endorse.sandbox.budgetly.trouble import Declined, Ended, Trouble

if TYPE_CHECKING:
    import httpx2

    from endorse.sandbox.budgetly.connection import Connection
    from endorse.sandbox.budgetly.link import Link

HERE = Path(__file__).parent
COOKIE = "budgetly"

_DAYS_SHOWN = 45
_CODE = re.compile(r"[ -~]{1,80}")


def create_app(
    issuer: str,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    session_secret: str,
    *,
    clock: Callable[[], float] = time.time,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Starlette:
    """Budgetly as an ASGI app; it answers at the host of `redirect_uri`, whose path is /callback.

    `issuer` is the bank's server, of which only the metadata address is assumed; nothing is asked
    of it before someone connects. `session_secret` signs the cookie. `clock` gives seconds since
    1970. `transport` replaces the network in tests.
    """
    pages = _Pages(clock, lambda: _link(issuer, client_id, client_secret, redirect_uri, transport))
    own_origin = origin_of(redirect_uri)
    return Starlette(
        routes=[
            Route("/", pages.home),
            Route("/connect", pages.connect, methods=["POST"]),
            Route("/callback", pages.callback),
            Route("/accounts", pages.accounts),
            Route("/disconnect", pages.disconnect, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[
            Middleware(Gate, own_origin=own_origin, issuer=issuer),
            Middleware(
                SessionMiddleware,
                secret_key=session_secret,
                session_cookie=COOKIE,
                https_only=own_origin.startswith("https:"),
            ),
        ],
        lifespan=pages.lifespan,
    )


def _link(
    issuer: str,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    transport: httpx2.AsyncBaseTransport | None,
) -> Link:
    # Imported at the first use, so that the app starts at once.
    from endorse.sandbox.budgetly.link import Link  # noqa: PLC0415

    return Link(issuer, client_id, client_secret, redirect_uri, transport)


class _Pages:
    def __init__(self, clock: Callable[[], float], make_link: Callable[[], Link]) -> None:
        self._clock = clock
        self._make_link = make_link
        self._connections = Connections()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True
        )

    @cached_property
    def _link(self) -> Link:
        return self._make_link()

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Close all connections at the end."""
        yield
        await self._connections.close()

    async def home(self, request: Request) -> Response:
        """GET /"""
        if self._connection(request):
            return RedirectResponse("/accounts", 303)
        return self._page("home.html", notice=request.session.pop("notice", None))

    async def connect(self, request: Request) -> Response:
        """POST /connect: off to the bank."""
        try:
            return RedirectResponse(await self._link.begin(request), 303)
        except Trouble as trouble:
            return self._problem(trouble.reason, trouble.detail)

    async def callback(self, request: Request) -> Response:
        """GET /callback: the bank's answer."""
        try:
            connection = await self._link.finish(request)
        except Declined:
            return self._home_with(request, "declined")
        except Trouble as trouble:
            return self._problem(trouble.reason, trouble.detail)
        older = self._forget(request)
        if older:
            await older.revoke()
            await older.close()
        # A fresh id: nobody can have fixed it before the bank was connected.
        visitor = request.session["visitor"] = secrets.token_urlsafe(24)
        await self._connections.keep(visitor, connection)
        return RedirectResponse("/accounts", 303)

    async def accounts(self, request: Request) -> Response:
        """GET /accounts"""
        connection = self._connection(request)
        if connection is None:
            return RedirectResponse("/", 303)
        since = datetime.fromtimestamp(self._clock(), UTC).date() - timedelta(days=_DAYS_SHOWN)
        try:
            accounts = await connection.accounts()
            details = await connection.details(accounts, since)
        except Ended:
            self._forget(request)
            await connection.close()
            return self._home_with(request, "ended")
        except Trouble as trouble:
            return self._problem(trouble.reason, trouble.detail)
        cards = [reading.card(one, *detail) for one, detail in zip(accounts, details, strict=True)]
        totals = reading.totals([balances for balances, _ in details])
        return self._page("accounts.html", cards=cards, totals=totals)

    async def disconnect(self, request: Request) -> Response:
        """POST /disconnect: end it at the bank, then forget it here."""
        connection = self._forget(request)
        if connection is None:
            return RedirectResponse("/", 303)
        confirmed = await connection.revoke()
        await connection.close()
        return self._home_with(request, "disconnected" if confirmed else "disconnected_here")

    def _connection(self, request: Request) -> Connection | None:
        return self._connections.get(request.session.get("visitor", ""))

    def _forget(self, request: Request) -> Connection | None:
        return self._connections.forget(request.session.pop("visitor", ""))

    def _home_with(self, request: Request, notice: str) -> Response:
        request.session["notice"] = notice
        return RedirectResponse("/", 303)

    def _problem(self, reason: str, detail: str) -> Response:
        status = 502 if reason in {"unreachable", "unreadable"} else 400
        shown = detail if _CODE.fullmatch(detail) else ""
        return self._page("problem.html", status, reason=reason, detail=shown)

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values), status)
