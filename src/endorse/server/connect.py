"""The page on which a browser waits: begin, show the present state, cancel, new code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import authorize, connect, device, ways
from endorse.core.change import Decision
from endorse.core.coding import Secret, fingerprint, new_flow, same
from endorse.core.details import payment_of
from endorse.core.journey import State
from endorse.core.model import Client, Journey, Poll, Request
from endorse.core.params import parse
from endorse.core.refusal import SLOW_DOWN, Refusal
from endorse.server import logbook, wire
from endorse.server.browser import (
    address,
    browser_name,
    cookie,
    cookie_name,
    keep_lasting,
    lasting,
    set_cookie,
)
from endorse.server.desk import Desk
from endorse.server.language import language_of
from endorse.server.pages import Pages
from endorse.server.stand_in import Started
from endorse.store import polls, reads, requests
from endorse.store.connection import Connection

A = TypeVar("A")

_COOKIE_LIVES: Final = 1800
_NAME_READ: Final = 512  # characters of a User-Agent header; no browser sends as many
FOREIGN: Final = Refusal(
    "not_from_our_page", "invalid_request", 403, "This may only be sent from our own page."
)
_SEAL_BROKEN: Final = Refusal(
    "page_too_old", "invalid_request", 400, "This page is too old. Start again in the app."
)


class Opening(msgspec.Struct, frozen=True):
    """What the page carries, sealed, until the person's browser begins."""

    request: Request
    ways: tuple[str, ...]
    poll_hash: str = ""
    """What the client polls with, where no browser brings it the answer."""


def show_start(
    desk: Desk, pages: Pages, client: Client, request: Request, language: str
) -> Response:
    """Show who asks. The page carries the request sealed; nothing is stored yet."""
    if not request.flow:
        request = msgspec.structs.replace(request, flow=new_flow(desk.fresh))
    logbook.tell_page(request)
    opening = Opening(request, ways.offered(client, desk.law))
    sealed = desk.keys.requests.close(opening, desk.clock())
    each = {"sealed": sealed, "retry_url": _retry_url(desk, request)}
    facts = _facts(desk, client, request, ways=opening.ways, state="start")
    return pages.kept_page("connect.html", language, each, **facts)


async def start(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /auth/start` from our own page: begin a journey and bind it to this browser."""
    if not from_our_page(desk, request):
        return _no(pages, request, FOREIGN)
    if not desk.starts.take(address(desk, request), desk.clock()):
        return _no(pages, request, SLOW_DOWN)
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return _no(pages, request, raw)
    params = parse(raw)
    sealed = params.text("request") if params and not params.doubled else ""
    lives = desk.law.sealed_request
    opening = desk.keys.requests.open(sealed, Opening, desk.clock(), lives)
    if opening is None:
        return _no(pages, request, _SEAL_BROKEN)
    logbook.follow(opening.request.flow)
    known_as = lasting(desk, request)
    browser = connect.Browser(
        browser_name(wire.header(request, b"user-agent")[:_NAME_READ]),
        fingerprint(known_as),
        address(desk, request),
    )

    begun = await _begun(desk, opening, browser)
    if isinstance(begun, Refusal):
        return _no(pages, request, begun)
    short = begun.journey.short
    _tell_stand_in(desk, begun)
    if wants_json(request):
        here = f"/connect/{short}"
        paths = {"connect": here, "events": f"{here}/events", "resume": f"/resume/{short}"}
        answer = wire.json(paths)
    else:
        answer = wire.see_other(f"/connect/{short}")
    set_cookie(desk, answer, cookie_name(desk, short), begun.browser_secret, _COOKIE_LIVES)
    keep_lasting(desk, answer, known_as)
    return answer


async def _begun(desk: Desk, opening: Opening, browser: connect.Browser) -> connect.Begun | Refusal:
    """Begin a journey, for a client that polls only if nobody else did."""

    request, now = opening.request, desk.clock()

    async def facts(db: Connection) -> tuple[bool, Poll | None, bool]:
        if not opening.poll_hash:
            return await requests.is_spent(db, request, now), None, False
        poll, journey, *_ = await polls.poll(db, opening.poll_hash)
        return False, poll, journey is not None

    def decide(read: tuple[bool, Poll | None, bool]) -> Decision[connect.Begun]:
        spent, found, taken = read
        poll = device.startable(found, taken, now) if opening.poll_hash else None
        if isinstance(poll, Refusal):
            return Decision(poll)
        fresh, law = desk.fresh, desk.law
        offered = opening.ways
        return connect.begin(request, desk.issuer, browser, offered, now, fresh, law, spent, poll)

    return await desk.settle(facts, decide)


def _tell_stand_in(desk: Desk, begun: connect.Begun) -> None:
    if desk.stand_in is None:
        return
    journey = begun.journey
    started = Started(
        journey.request.returns_to.client_id,
        journey.short,
        journey.ways,
        cookie_name(desk, journey.short),
        Secret(begun.browser_secret),
    )
    desk.later(desk.stand_in.began(started))


async def show(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /connect/{short}`: the present state, for the browser that began."""
    journey = await of_browser(desk, request)
    if journey is None:
        return _gone(pages, request)
    client_id = journey.request.returns_to.client_id
    client = await desk.store.registration(client_id)
    if client is None:
        return _gone(pages, request)
    now = desk.clock()
    state = page_state(desk, journey, now)
    facts = _facts(
        desk,
        client,
        journey.request,
        ways=journey.ways,
        state=state,
        short=journey.short,
        still=shows_code(journey, state),
        number=shown_number(journey),
        letters=shown_letters(desk, journey, now),
        reason=journey.reason,
        expires_in=expires_in(desk, journey, now),
        codes_left=connect.codes_left(journey, desk.law),
        polled=journey.poll_hash is not None,
    )
    language = language_of(request.scope, journey.request.ui_locales)
    again = "/device" if journey.poll_hash is not None else _retry_url(desk, journey.request)
    return pages.page("connect.html", language, retry_url=again, **facts)


async def cancel(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/cancel`."""
    done = await act(desk, pages, request, lambda it: connect.cancel(it, desk.clock()))
    return done if isinstance(done, Response) else present(desk, request, done)


async def new_code(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `POST /connect/{short}/new-code`: a fresh code for the same request."""
    done = await act(
        desk, pages, request, lambda it: connect.new_code(it, desk.clock(), desk.fresh, desk.law)
    )
    return done if isinstance(done, Response) else present(desk, request, done)


async def plain_camera(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /q`, which a plain camera app opens: scan with the bank's app, nothing else."""
    return pages.page("scan.html", language_of(request.scope))


async def of_browser(desk: Desk, request: HttpRequest) -> Journey | None:
    """Give the journey of this address if the browser holds its B; otherwise there is none.

    See also RFC 9700 4.7.1.
    """
    short = str(request.path_params["short"])
    secret = cookie(request, cookie_name(desk, short))
    if not secret:
        return None
    journey = await desk.store.read(lambda db: reads.journey_by_short(db, short))
    logbook.follow(logbook.flow_in(journey))
    if journey is None or not same(journey.browser_hash, fingerprint(secret)):
        return None
    return journey


def page_state(desk: Desk, journey: Journey, now: int) -> str:
    """Give the state as the page knows it at this time.

    A code that ran out while waiting is `lapsed`; a request that waits for the app on this
    device is `app`, and stays in `review` after the approval: what went by link is completed by
    the return alone, never by the page that waits. Where no number is asked, a claim is shown
    as `matched`: there is nothing to do here. A stand-in returns without a page of its own, so
    there the page that waits is the one to leave.
    """
    state = journey.at(now)
    returned = desk.stand_in is not None and journey.may_resume
    if state is State.APPROVED and journey.way == "link" and not returned:
        return State.REVIEW
    if state is State.CLAIMED and journey.number is None:
        return State.MATCHED
    if state is State.WAITING and not connect.code_runs_out(journey, now, desk.law):
        return "lapsed" if connect.codes_left(journey, desk.law) else State.EXPIRED
    if state is State.WAITING and journey.lid_hash is not None:
        return "app"
    return State.REDIRECTED if state is State.REDEEMED else state


def shows_code(journey: Journey, state: str) -> bool:
    """Say whether the moving code is on the page in this state.

    After a scan it goes on, small, for a second scan that spoils the first.
    """
    if state == State.WAITING:
        return "qr" in journey.ways
    return state == State.CLAIMED and journey.way == "qr"


def shown_number(journey: Journey) -> int | None:
    """Give the number that this page shows, while a phone may still be asked for it."""
    return journey.number if journey.state is State.CLAIMED else None


def shown_letters(desk: Desk, journey: Journey, now: int) -> str | None:
    """Give the short code that this page shows, if there is one: two groups of four letters."""
    if journey.spelled_at is None or journey.state is not State.WAITING:
        return None
    if now >= journey.spelled_at + desk.law.short_code:
        return None
    letters = ways.short_code(desk.keys.handles, journey)
    return f"{letters[:4]}-{letters[4:]}"


def expires_in(desk: Desk, journey: Journey, now: int) -> int:
    """Give the seconds until this state is over."""
    if journey.state is State.WAITING:
        return connect.code_runs_out(journey, now, desk.law)
    return max(0, journey.expires_at - now)


async def act(
    desk: Desk,
    pages: Pages,
    request: HttpRequest,
    decide: Callable[[Journey], Decision[A]],
) -> A | Response:
    """Let the browser that began do something to its journey; a Response says that it may not."""
    if not from_our_page(desk, request):
        return _no(pages, request, FOREIGN)
    found = await of_browser(desk, request)
    if found is None:
        return _gone(pages, request)
    answer = await desk.settle(
        lambda db: reads.journey_by_short(db, found.short), lambda now: decide(now or found)
    )
    if not isinstance(answer, Refusal):
        return answer
    if wants_json(request):
        return wire.refused(answer)
    wire.note(answer, request.scope)
    return wire.see_other(f"/connect/{found.short}")


def present(desk: Desk, request: HttpRequest, journey: Journey, **more: str) -> Response:
    """Answer with where the journey stands: to the script in JSON, to a form with our own page."""
    if wants_json(request):
        return wire.json({"state": page_state(desk, journey, desk.clock()), **more})
    return wire.see_other(f"/connect/{journey.short}")


def _no(pages: Pages, request: HttpRequest, no: Refusal) -> Response:
    """Refuse: in JSON to the script, on a page to a person whose browser runs none."""
    headers = {"Retry-After": "60"} if no.status == 429 else {}
    if wants_json(request):
        return wire.refused(no, headers)
    wire.note(no, request.scope)
    answer = _gone(pages, request, no.status)
    answer.headers.update(headers)
    return answer


def _gone(pages: Pages, request: HttpRequest, status: int = 404) -> Response:
    return pages.page("gone.html", language_of(request.scope), status)


def from_our_page(desk: Desk, request: HttpRequest) -> bool:
    """Say whether our own page sent this (Fetch Metadata; else Origin, which "null" fails).

    See also RFC 9700 2.6.
    """
    sites = wire.headers(request, b"sec-fetch-site")
    if sites:
        return sites == ["same-origin"]
    return wire.header(request, b"origin") == desk.issuer


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script sent this, and not a person's browser by itself."""
    return "application/json" in wire.header(request, b"accept")


def _facts(desk: Desk, client: Client, request: Request, **facts: Any) -> dict[str, Any]:
    return {
        "sealed": None,
        "polled": False,
        "short": None,
        "still": False,
        "reason": None,
        "expires_in": None,
        "codes_left": 0,
        "number": None,
        "letters": None,
        "client": client,
        "scope": request.scope,
        "pays": payment_of(request.authorization_details) is not None,
        "code_seconds": desk.law.code_shown,
        "letters_seconds": desk.law.short_code,
        "step_seconds": desk.law.idle,
        **facts,
    }


def _retry_url(desk: Desk, request: Request) -> str:
    return "/auth?" + authorize.again(request, desk.keys.handles)
