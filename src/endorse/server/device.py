"""The page on which a person types what their device shows (RFC 8628 3.3).

What is opened by a link with the letters in it is the same page: the person still says that these
are the letters on the device, and sees who asks, before anything begins (RFC 8628 3.3.1, 5.4).
"""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import device, refusal, refusal_polling, ways
from endorse.core.model import Poll
from endorse.core.params import parse
from endorse.core.refusal import Refusal
from endorse.server import logbook, wire
from endorse.server.browser import address
from endorse.server.connect import FOREIGN, Opening, from_our_page
from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.pages import Pages
from endorse.store import polls


async def show(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /device`: the field for the letters, filled in if the address has them."""
    params = parse(request.scope["query_string"])
    letters = ways.typed(params.text("user_code")) if params else None
    return _page(pages, request, letters=_in_groups(letters) if letters else "")


async def typed(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /device`: who asks, and whether that device is here. Nothing begins by it."""
    if not from_our_page(desk, request):
        return _page(pages, request, FOREIGN)
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return _page(pages, request, raw)
    params = parse(raw)
    said = params.text("user_code") if params and not params.doubled else ""
    letters = ways.typed(said)
    poll = await _found(desk, letters) if letters else refusal_polling.USER_CODE_NOT_GOOD
    if isinstance(poll, Refusal):
        if not desk.user_codes.take(address(desk, request), desk.clock()):
            poll = refusal.SLOW_DOWN.because("too many wrong user codes from one address")
        wire.note(poll, request.scope)
        return _page(pages, request, poll)
    client = await desk.store.registration(poll.client_id)
    if client is None or letters is None:
        return _page(pages, request, refusal_polling.USER_CODE_NOT_GOOD)
    logbook.tell_page(poll.request)
    opening = Opening(poll.request, ways.offered(client, desk.law), poll.poll_hash)
    sealed = desk.keys.requests.close(opening, desk.clock())
    return _page(pages, request, letters=_in_groups(letters), client=client, sealed=sealed)


async def _found(desk: Desk, letters: str) -> Poll | Refusal:
    hashed = device.user_code_hash(desk.keys.handles, letters)
    poll, taken = await desk.store.read(lambda db: polls.poll_by_user_code(db, hashed))
    return device.startable(poll, taken, desk.clock())


def _in_groups(letters: str) -> str:
    return f"{letters[:4]}-{letters[4:]}"


def _page(pages: Pages, request: HttpRequest, no: Refusal | None = None, **facts: Any) -> Response:
    shown = {"letters": "", "client": None, "sealed": None, **facts}
    problem = "" if no is None else "busy" if no.status == 429 else "wrong"
    status = 200 if no is None else no.status
    language = language_of(request.scope)
    return pages.page("device.html", language, status, problem=problem, **shown)
