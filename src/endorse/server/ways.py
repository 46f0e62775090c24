"""The other ways from the page to a phone: the app on the same device, and the short code."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import connect, ways
from endorse.server import wire
from endorse.server.connect import act, present, shown_letters, wants_json
from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.pages import Pages


async def open_app(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/app`: a link for the bank's app on this device, good once."""
    done = await act(
        desk, pages, request, lambda it: connect.open_app(it, desk.clock(), desk.fresh, desk.law)
    )
    if isinstance(done, Response):
        return done
    link = ways.link(desk.issuer, done.lid)
    if wants_json(request):
        return present(desk, request, done.journey, link=link)
    return wire.see_other(link)


async def show_code(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/code`: the code again in place of the link."""
    done = await act(
        desk, pages, request, lambda it: connect.show_code(it, desk.clock(), desk.fresh, desk.law)
    )
    return done if isinstance(done, Response) else present(desk, request, done)


async def spell(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/letters`: a short code for a person who cannot scan."""
    key = desk.keys.handles
    done = await act(
        desk, pages, request, lambda it: connect.spell(it, key, desk.clock(), desk.fresh, desk.law)
    )
    if isinstance(done, Response):
        return done
    return present(desk, request, done, letters=shown_letters(desk, done, desk.clock()) or "")


async def app_link(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /a`, which opens where no app takes the link: its script hands it to `/phone`."""
    return pages.page("app.html", language_of(request.scope))
