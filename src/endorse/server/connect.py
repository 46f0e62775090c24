"""The page on which a browser waits: begin, show the present state, cancel, go back."""

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import authorize, connect
from endorse.core.change import Decision
from endorse.core.coding import fingerprint, same
from endorse.core.journey import State
from endorse.core.model import Client, Journey, Request
from endorse.core.params import parse
from endorse.core.refusal import SLOW_DOWN, Refusal
from endorse.server import wire
from endorse.server.browser import browser_name
from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.pages import Pages
from endorse.store import reads

_COOKIE_LIVES: Final = 1800
_FOREIGN: Final = Refusal(
    "not_from_our_page", "invalid_request", 403, "This may only be sent from our own page."
)
_SEAL_BROKEN: Final = Refusal(
    "page_too_old", "invalid_request", 400, "This page is too old. Start again in the app."
)


_Act = Callable[[Journey], Decision[Journey]]


def show_start(
    desk: Desk, pages: Pages, client: Client, request: Request, language: str
) -> Response:
    """Show who asks. The page carries the request sealed; nothing is stored yet."""
    sealed = desk.keys.requests.close(request, desk.clock())
    each = {"sealed": sealed, "retry_url": _retry_url(request)}
    facts = _facts(desk, client, request, state="start")
    return pages.kept_page("connect.html", language, each, **facts)


async def start(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /auth/start` from our own page: begin a journey and bind it to this browser."""
    if not _from_our_page(desk, request):
        return _no(pages, request, _FOREIGN)
    if not desk.starts.take(address(desk, request), desk.clock()):
        return _no(pages, request, SLOW_DOWN)
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return _no(pages, request, raw)
    params = parse(raw)
    sealed = params.text("request") if params and not params.doubled else ""
    lives = desk.law.sealed_request
    asked = desk.keys.requests.open(sealed, Request, desk.clock(), lives)
    if asked is None:
        return _no(pages, request, _SEAL_BROKEN)
    browser = browser_name(request.headers.get("user-agent", ""))

    async def no_facts(_: object) -> None:
        return None

    begun = await desk.settle(
        no_facts,
        lambda _: connect.begin(asked, desk.issuer, browser, desk.clock(), desk.fresh, desk.law),
    )
    if isinstance(begun, Refusal):
        return _no(pages, request, begun)
    short = begun.journey.short
    if _wants_json(request):
        here = f"/connect/{short}"
        paths = {"connect": here, "events": f"{here}/events", "resume": f"/resume/{short}"}
        answer = wire.json(paths)
    else:
        answer = wire.see_other(f"/connect/{short}")
    _set_cookie(desk, answer, short, begun.browser_secret, _COOKIE_LIVES)
    return answer


async def show(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /connect/{short}`: the present state, for the browser that began."""
    journey = await of_browser(desk, request)
    if journey is None:
        return _gone(pages, request)
    client_id = journey.request.returns_to.client_id
    client = await desk.store.read(lambda db: reads.registration(db, client_id))
    if client is None:
        return _gone(pages, request)
    facts = _facts(
        desk,
        client,
        journey.request,
        state=page_state(desk, journey),
        short=journey.short,
        reason=journey.reason,
        expires_in=expires_in(desk, journey),
        codes_left=connect.codes_left(journey, desk.law),
    )
    language = language_of(request.scope, journey.request.ui_locales)
    return pages.page("connect.html", language, retry_url=_retry_url(journey.request), **facts)


async def cancel(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/cancel`."""
    return await _act(desk, pages, request, lambda it: connect.cancel(it, desk.clock()))


async def new_code(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/new-code`: a fresh code for the same request."""
    return await _act(
        desk, pages, request, lambda it: connect.new_code(it, desk.clock(), desk.fresh, desk.law)
    )


async def resume(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /resume/{short}`: the redirect to the client, for the browser that began."""
    found = await of_browser(desk, request)
    if found is None:
        return _gone(pages, request)

    def decide(journey: Journey | None) -> Decision[authorize.Reply]:
        law, key = desk.law, desk.keys.handles
        return authorize.reply(journey or found, desk.clock(), key, desk.issuer, law)

    answer = await desk.settle(lambda db: reads.journey_by_short(db, found.short), decide)
    if isinstance(answer, Refusal):
        # There is nothing to fetch (any more): our own page says where the journey stands.
        return wire.see_other(f"/connect/{found.short}")
    leaving = wire.see_other(answer.location)
    # The cookie ends with the journey, but a lost redirect must be had again for a while.
    secret = request.cookies[cookie_name(desk, found.short)]
    _set_cookie(desk, leaving, found.short, secret, desk.law.code)
    return leaving


async def plain_camera(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /q`, which a plain camera app opens: scan with the bank's app, nothing else."""
    return pages.page("scan.html", language_of(request.scope))


async def of_browser(desk: Desk, request: HttpRequest) -> Journey | None:
    """Give the journey of this address if the browser holds its B; otherwise there is none."""
    short = str(request.path_params["short"])
    secret = request.cookies.get(cookie_name(desk, short))
    if not secret:
        return None
    journey = await desk.store.read(lambda db: reads.journey_by_short(db, short))
    if journey is None or not same(journey.browser_hash, fingerprint(secret)):
        return None
    return journey


def page_state(desk: Desk, journey: Journey) -> str:
    """Give the state as the page knows it: a code that ran out while waiting is `lapsed`."""
    state = journey.at(desk.clock())
    if state is State.WAITING and not connect.code_runs_out(journey, desk.clock(), desk.law):
        return "lapsed" if connect.codes_left(journey, desk.law) else State.EXPIRED.value
    return State.REDIRECTED.value if state is State.REDEEMED else state.value


def expires_in(desk: Desk, journey: Journey) -> int:
    """Give the seconds until this state is over."""
    now = desk.clock()
    if journey.state is State.WAITING:
        return connect.code_runs_out(journey, now, desk.law)
    return max(0, journey.expires_at - now)


def cookie_name(desk: Desk, short: str) -> str:
    """Name the cookie that holds B: one a journey, so that tabs do not mix.

    Without https the prefix and Secure are left out, because HTTP clients' cookie jars would
    not send it back; settings allow that on this machine's own sandbox alone.
    """
    return f"__Host-tx_{short}" if desk.settings.secure else f"tx_{short}"


def address(desk: Desk, request: HttpRequest) -> str:
    """Give the browser's address: the peer's, or what a trusted proxy says it forwarded."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "")
    if peer in desk.settings.trusted_proxies and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()[:64]
    return peer


async def _act(desk: Desk, pages: Pages, request: HttpRequest, decide: _Act) -> Response:
    if not _from_our_page(desk, request):
        return _no(pages, request, _FOREIGN)
    found = await of_browser(desk, request)
    if found is None:
        return _gone(pages, request)
    answer = await desk.settle(
        lambda db: reads.journey_by_short(db, found.short), lambda now: decide(now or found)
    )
    if not _wants_json(request):
        return wire.see_other(f"/connect/{found.short}")
    if isinstance(answer, Refusal):
        return wire.refused(answer)
    return wire.json({"state": page_state(desk, answer)})


def _set_cookie(desk: Desk, answer: Response, short: str, secret: str, lives: int) -> None:
    answer.set_cookie(
        cookie_name(desk, short),
        secret,
        max_age=lives,
        path="/",
        secure=desk.settings.secure,
        httponly=True,
        samesite="lax",
    )


def _no(pages: Pages, request: HttpRequest, no: Refusal) -> Response:
    """Refuse: in JSON to the script, on a page to a person whose browser runs none."""
    headers = {"Retry-After": "60"} if no.status == 429 else {}
    if _wants_json(request):
        return wire.refused(no, headers)
    answer = _gone(pages, request, no.status)
    answer.headers.update(headers)
    return answer


def _gone(pages: Pages, request: HttpRequest, status: int = 404) -> Response:
    return pages.page("gone.html", language_of(request.scope), status)


def _from_our_page(desk: Desk, request: HttpRequest) -> bool:
    """Say whether our own page sent this (Fetch Metadata; else Origin, which "null" fails)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") == desk.issuer


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _facts(desk: Desk, client: Client, request: Request, **facts: Any) -> dict[str, Any]:
    return {
        "sealed": None,
        "short": None,
        "reason": None,
        "expires_in": None,
        "codes_left": 0,
        "client": client,
        "scope": request.scope,
        "code_seconds": desk.law.code_shown,
        "step_seconds": desk.law.idle,
        **facts,
    }


def _retry_url(request: Request) -> str:
    return "/auth?" + authorize.query(request)
