"""THE route table, and the application around it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from endorse.server import (
    bank,
    connect,
    connections,
    device,
    directory,
    enrol,
    errors,
    files,
    near,
    openapi,
    openapi_clients,
    payments,
    phone,
    phones,
    ready,
    resume,
    still,
    ways,
    wire,
)
from endorse.server.desk import Desk
from endorse.server.elsewhere import look_elsewhere
from endorse.server.files import BuiltFiles
from endorse.server.frontdoor import Frontdoor
from endorse.server.measures import Answer
from endorse.server.oauth import (
    authorization,
    backchannel,
    device_authorization,
    grants,
    introspection,
    jwks,
    metadata,
    par,
    registration,
    revocation,
    token,
    userinfo,
)
from endorse.server.pages import Pages
from endorse.server.stream import Events
from endorse.server.trail import forget_old, tell_head

_Plain = Callable[[Desk, Request], Awaitable[Response]]
_Paged = Callable[[Desk, Pages, Request], Awaitable[Response]]

FOR_CLIENTS: Final[tuple[tuple[str, str, _Plain], ...]] = (
    # what third parties call; it answers on the host for certificates too
    ("POST", "/par", par.push),
    ("POST", "/token", token.token),
    ("POST", "/v1/token", token.token),
    ("POST", "/device_authorization", device_authorization.offer),
    ("POST", "/introspect", introspection.introspect),
    ("POST", "/bc-authorize", backchannel.ask),
    ("POST", "/revoke", revocation.revoke),
    ("POST", "/register", registration.register),
    ("GET", "/register/{client_id}", registration.look),
    ("PUT", "/register/{client_id}", registration.change),
    ("DELETE", "/register/{client_id}", registration.remove),
    ("GET", "/grants/{grant_id}", grants.query),
    ("DELETE", "/grants/{grant_id}", grants.revoke),
    ("GET", "/.well-known/oauth-authorization-server", metadata.describe),
    ("GET", "/.well-known/openid-configuration", metadata.describe),
    ("GET", "/userinfo", userinfo.userinfo),
    ("POST", "/userinfo", userinfo.userinfo),
    ("GET", "/jwks", jwks.jwks),
    # the bank
    ("GET", "/v1/directory", directory.directory),
    ("GET", "/v1/accounts", bank.accounts),
    ("GET", "/v1/accounts/{account_id}", bank.account),
    ("GET", "/v1/accounts/{account_id}/balances", bank.balances),
    ("GET", "/v1/accounts/{account_id}/transactions", bank.transactions),
    ("POST", "/v1/payments/sepa-credit-transfers", payments.pay),
    ("GET", "/v1/payments/sepa-credit-transfers/{payment_id}", payments.payment),
    ("GET", "/v1/payments/sepa-credit-transfers/{payment_id}/status", payments.status),
)

ANSWERS: Final[tuple[tuple[str, str, _Plain], ...]] = (
    *FOR_CLIENTS,
    ("GET", "/openapi.json", openapi_clients.describe),
    # the phone
    ("GET", "/phone/openapi.json", openapi.describe),
    ("POST", "/phone/enrol/options", enrol.enrol_options),
    ("POST", "/phone/enrol", enrol.enrol_phone),
    ("POST", "/phone/sign-in/options", enrol.sign_in_options),
    ("POST", "/phone/sign-in", enrol.sign_in),
    ("POST", "/phone/claim", phone.claim),
    ("POST", "/phone/take", phone.take),
    ("POST", "/phone/match", phone.match),
    ("POST", "/phone/review", phone.review),
    ("POST", "/phone/edit", phone.edit),
    ("POST", "/phone/approve", phone.approve_),
    ("POST", "/phone/refuse", phone.refuse),
    ("POST", "/phone/disown", phone.disown),
    ("GET", "/phone/journeys", phone.journeys),
    ("POST", "/phone/watch", phone.watch),
    ("GET", "/phone/connections", connections.connections),
    ("DELETE", "/phone/connections/{grant_id}", connections.end),
    ("POST", "/phone/connections/{grant_id}/narrow", connections.narrow),
    ("POST", "/phone/connections/{grant_id}/renew", connections.renew),
    ("POST", "/phone/connections/{grant_id}/renew/approve", connections.approve_renewal),
    ("GET", "/phone/connections/{grant_id}/evidence", connections.evidence_),
    ("GET", "/phone/notices", connections.notices),
    ("POST", "/phone/notices/read", connections.notices_read),
    ("GET", "/phone/phones", phones.phones),
    ("POST", "/phone/phones/{phone_id}/confirm", phones.confirm),
    ("DELETE", "/phone/phones/{phone_id}", phones.revoke),
    ("GET", "/phone/sandbox/people", enrol.invented_people),
    ("POST", "/phone/sandbox/enrolments", enrol.be_somebody),
    # whoever looks after it
    ("GET", "/healthz", wire.healthy),
    ("GET", "/readyz", ready.tell_public),
)

PAGES: Final[tuple[tuple[str, str, _Paged], ...]] = (
    ("GET", "/auth", authorization.authorization),
    ("POST", "/auth", authorization.authorization),
    ("POST", "/auth/start", connect.start),
    ("GET", "/device", device.show),
    ("POST", "/device", device.typed),
    ("GET", "/connect/{short}", connect.show),
    ("GET", "/connect/{short}/code.svg", still.code_picture),
    ("POST", "/connect/{short}/cancel", connect.cancel),
    ("POST", "/connect/{short}/new-code", connect.new_code),
    ("POST", "/connect/{short}/app", ways.open_app),
    ("POST", "/connect/{short}/code", ways.show_code),
    ("POST", "/connect/{short}/letters", ways.spell),
    ("POST", "/connect/{short}/near/options", near.options),
    ("POST", "/connect/{short}/near", near.come),
    ("GET", "/resume/{short}", resume.resume),
    ("GET", "/return", resume.show_return),
    ("POST", "/return", resume.come_back),
    ("GET", "/a", ways.app_link),
    ("GET", "/q", connect.plain_camera),
    ("GET", "/phone", files.phone_app),
    ("GET", "/phone/sw.js", files.service_worker),
    ("GET", "/phone/manifest.webmanifest", files.web_manifest),
    ("GET", "/brand.css", files.brand_css),
    # whoever was refused something
    ("GET", "/errors", errors.index),
    ("GET", "/errors/{name}", errors.show),
)


def create_app(desk: Desk) -> Frontdoor:
    """Make the server's application from a desk whose store is open; it closes the store."""
    pages = Pages(desk.settings, scripted=desk.stand_in is None)
    rows: list[tuple[str, str, Answer]] = [
        *((method, path, partial(answer, desk, pages)) for method, path, answer in PAGES),
        *((method, path, partial(answer, desk)) for method, path, answer in ANSWERS),
    ]
    # The router looks at one after another, so those without a parameter, which are found at once
    # and stand here for who uses a wrong method, come last.
    rows.sort(key=lambda row: "{" not in row[1])
    if desk.traces is not None:
        row = desk.traces.row
        rows = [(method, path, row(method, path, answer)) for method, path, answer in rows]
    timed = desk.measures.timed
    table = [(method, path, timed(method, path, answer)) for method, path, answer in rows]
    routes = [
        Route("/connect/{short}/events", Events(desk), methods=["GET"]),
        *(Route(path, _Endpoint(answer), methods=[method]) for method, path, answer in table),
        Route("/static/{path:path}", BuiltFiles(), methods=["GET"]),
    ]
    # The router alone, without the framework's application around it: its two layers that turn
    # exceptions into answers cost every request about as much as finding the route.
    router = Router(routes, redirect_slashes=False, lifespan=lambda _: _life(desk))
    for_clients = {path.split("/")[1] for _, path, _ in FOR_CLIENTS}
    return Frontdoor(router, desk, pages, _found_at_once(table), for_clients)


def _found_at_once(table: Sequence[tuple[str, str, Answer]]) -> dict[tuple[str, str], Answer]:
    """Give the rows whose path has no parameter, by method and path: they need no router."""
    return {
        (spoken, path): answer
        for method, path, answer in table
        if "{" not in path
        for spoken in (("GET", "HEAD") if method == "GET" else (method,))
    }


class _Endpoint:
    """One row of the table as an ASGI application."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive, send))
        await answer(scope, receive, send)


@contextlib.asynccontextmanager
async def _life(desk: Desk) -> AsyncIterator[None]:
    work = (
        desk.waiting.run(),
        look_elsewhere(desk),
        desk.sweeper.run(),
        tell_head(desk),
        forget_old(desk),
    )
    tasks = [asyncio.create_task(it) for it in work]
    if desk.skew is not None:
        tasks.append(asyncio.create_task(desk.skew.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await desk.finish()
        await desk.store.close()
