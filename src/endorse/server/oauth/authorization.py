"""The authorization endpoint: a good request gets the page, a bad one says what differs."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import alter, authorize, pushed, refusal_requests
from endorse.core.answer import Reply
from endorse.core.model import Client, Request
from endorse.core.params import Params, parse
from endorse.core.refusal import Refusal
from endorse.core.trust import Untrusted
from endorse.server import logbook, wire
from endorse.server.connect import show_start
from endorse.server.desk import Desk, log
from endorse.server.language import language_of
from endorse.server.leave import leave
from endorse.server.oauth.caller import TOO_MANY
from endorse.server.pages import Pages
from endorse.store import reads, requests


async def authorization(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `/auth`: show the page to a good request, and store nothing (RFC 6749 4.1.1).

    By GET the request is the query; by POST, from the client's own page, it is the form
    (OpenID Connect Core 3.1.2.1).
    """
    raw = request.scope["query_string"]
    if request.method == "POST":
        raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return _problem(desk, pages, Untrusted(raw.name, raw.told, ""), raw.status)
    params = parse(raw)
    if params is None:
        return _problem(desk, pages, Untrusted(TOO_MANY.name, TOO_MANY.told, ""))
    client = None
    client_id = params.text("client_id")
    if 0 < len(client_id) <= desk.law.parameter and "\0" not in client_id:
        client = await desk.store.client(client_id)
    answer = await _presented(desk, params, client)
    if isinstance(answer, Refusal):
        if answer.name == refusal_requests.REQUEST_URI_NOT_GOOD.name:
            return _too_old(pages, request, answer, client_id)
        return _problem(desk, pages, Untrusted(answer.name, answer.told, client_id))
    if isinstance(answer, Untrusted):
        return _problem(desk, pages, answer)
    if isinstance(answer, Reply):
        wire.known_as(request, client_id)
        if answer.refusal is not None:
            wire.note(answer.refusal, request.scope)
        return await leave(desk, pages, answer, language_of(request.scope))
    if client is None:
        raise AssertionError("a request without its client was let through")
    language = language_of(request.scope, answer.ui_locales)
    return show_start(desk, pages, client, answer, language)


async def _presented(
    desk: Desk, params: Params, client: Client | None
) -> Request | Untrusted | Reply | Refusal:
    """Decide about a request, with what is stored of it: read, never written."""
    if client is not None and ("request_uri" in params.values or "request_uri" in params.doubled):
        return await _pushed(desk, params, client)
    answer = authorize.present(params, client, desk.issuer, desk.clock(), desk.law)
    if not isinstance(answer, Request):
        return answer
    once = answer.once
    used = await desk.store.read(lambda db: requests.was_used(db, once)) if once else False
    return await _showable(desk, answer, client, used)


async def _pushed(desk: Desk, params: Params, client: Client) -> Request | Reply | Refusal:
    """Find the pushed request of a request_uri (RFC 9126 4)."""
    request_hash = pushed.hash_of(params, desk.law)
    if isinstance(request_hash, Refusal):
        return request_hash
    kept, used = await desk.store.read(lambda db: requests.pushed(db, request_hash))
    found = pushed.found(kept, used, client.client_id, desk.clock())
    return found if isinstance(found, Refusal) else await _showable(desk, found, client)


async def _showable(
    desk: Desk, request: Request, client: Client | None, used: bool = False
) -> Request | Reply:
    named = None
    if request.grant_id and client is not None:
        grant = await desk.store.read(lambda db: reads.grant(db, request.grant_id))
        named = alter.unnamed(request, grant, client, desk.clock())
    return authorize.showable(request, used, desk.issuer, named)


def _too_old(pages: Pages, request: HttpRequest, no: Refusal, client_id: str) -> Response:
    """Tell a person that the page is over: a history or a mail may have brought them here.

    Where the answer would go is not known (any more), so nothing is redirected.
    """
    wire.known_as(request, client_id)
    wire.note(no, request.scope)
    return pages.page("gone.html", language_of(request.scope), 400)


def _problem(desk: Desk, pages: Pages, problem: Untrusted, status: int = 400) -> Response:
    """Show a developer what differs. Nothing of the request is a link, and nothing redirects.

    The sandbox shows what is registered; a real server only names a reference, under which the
    operator finds it in the log: the registered addresses are the client's own business.
    """
    desk.measures.refusals[problem.name] += 1
    reference = logbook.request_id()
    received = problem.received or ""
    differences = [_apart(received, uri) for uri in problem.registered]
    log.warning(
        "refused %s: %s, client %r, received %r, registered: %s",
        reference,
        problem.name,
        problem.client_id,
        problem.received,
        ", ".join(f"{before}[{there}]{rest}" for _, (before, there, rest) in differences),
        extra=logbook.fields(
            refusal=problem.name, client=wire.plain(problem.client_id), status=status
        ),
    )
    compare = None
    if desk.settings.sandbox and received and differences:
        nearest = max(differences, key=lambda pair: len(pair[0][0]))
        compare = {"received": nearest[0], "registered": [there for _, there in differences]}
    rows = [("client_id", problem.client_id or "(none)")]
    if problem.received is not None:
        rows.append(("redirect_uri", received or "(none)"))
    return pages.developers_page(
        "problem.html",
        status,
        title="This connection cannot start",
        explanation=problem.told,
        rows=rows,
        compare=compare,
        reference=reference,
        refusal=problem.name,
        spec="RFC 6749 3.1.2.3, RFC 9700 2.1" if received else "RFC 6749 4.1.2.1",
    )


def _apart(received: str, registered: str) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Split both at the first differing character: (before, that character, after)."""
    pairs = zip(received, registered, strict=False)
    shorter = min(len(received), len(registered))
    at = next((place for place, (left, right) in enumerate(pairs) if left != right), shorter)

    def split(text: str) -> tuple[str, str, str]:
        return text[:at], text[at : at + 1], text[at + 1 :]

    return split(received), split(registered)
