"""Leaving the page: the redirect back to the client, and the return from the app by link."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import authorize, connect, refusal
from endorse.core.answer import Reply
from endorse.core.change import Decision
from endorse.core.coding import fingerprint, same
from endorse.core.model import Journey
from endorse.core.params import parse
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.browser import cookie, cookie_name, set_cookie
from endorse.server.connect import FOREIGN, from_our_page, of_browser, wants_json
from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.leave import leave
from endorse.server.pages import Pages
from endorse.store import reads, requests

_OTHER_BROWSER = Refusal(
    "other_browser", "other_browser", 404, "Return to the browser where you started."
)


async def resume(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /resume/{short}`: the redirect to the client, for the browser that began."""
    found = await of_browser(desk, request)
    if found is None:
        return pages.page("gone.html", language_of(request.scope), 404)

    def decide(read: tuple[Journey | None, bool]) -> Decision[Reply]:
        (journey, used), key = read, desk.keys.handles
        return authorize.reply(journey or found, desk.clock(), key, desk.issuer, desk.law, used)

    answer = await desk.settle(lambda db: requests.to_resume(db, found.short), decide)
    if isinstance(answer, Refusal):
        # There is nothing to fetch (any more): our own page says where the journey stands.
        wire.note(answer, request.scope)
        return wire.see_other(f"/connect/{found.short}")
    leaving = await leave(desk, pages, answer, language_of(request.scope, found.request.ui_locales))
    # The cookie ends with the journey, but a lost redirect must be had again for a while.
    name = cookie_name(desk, found.short)
    set_cookie(desk, leaving, name, cookie(request, name), desk.law.code)
    return leaving


async def show_return(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /return`, which the app opens: its script posts what stands after the #."""
    return pages.page("return.html", language_of(request.scope), here=True)


async def come_back(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /return` with the return nonce: only in the browser that began does it count.

    Another browser gets "return to the browser where you started" and consumes nothing.
    """
    if not from_our_page(desk, request):
        return _not_here(pages, request, FOREIGN)
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return _not_here(pages, request, raw)
    params = parse(raw)
    nonce = params.text("nonce") if params and not params.doubled else ""
    return_hash = fingerprint(nonce)
    found = await desk.store.read(lambda db: reads.journey_by_return(db, return_hash))
    if found is None or not _holds_secret(desk, request, found):
        return _not_here(pages, request, _OTHER_BROWSER)
    answer = await desk.settle(
        lambda db: reads.journey_by_return(db, return_hash),
        lambda journey: connect.come_back(journey, nonce, desk.clock()),
    )
    if isinstance(answer, Refusal) and answer.name == refusal.JOURNEY_NOT_FOUND.name:
        return _not_here(pages, request, _OTHER_BROWSER)
    path = f"/resume/{found.short}"
    return wire.json({"resume": path}) if wants_json(request) else wire.see_other(path)


def _holds_secret(desk: Desk, request: HttpRequest, journey: Journey) -> bool:
    secret = cookie(request, cookie_name(desk, journey.short))
    return bool(secret) and same(journey.browser_hash, fingerprint(secret))


def _not_here(pages: Pages, request: HttpRequest, no: Refusal) -> Response:
    if wants_json(request):
        return wire.refused(no)
    wire.note(no, request.scope)
    return pages.page("return.html", language_of(request.scope), no.status, here=False)
