"""The authorization endpoint: a good request gets the page, a bad one says what differs."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import authorize
from endorse.core.authorize import Reply, Untrusted
from endorse.core.coding import b64url
from endorse.core.params import parse
from endorse.server import wire
from endorse.server.connect import show_start
from endorse.server.desk import Desk, log
from endorse.server.language import language_of
from endorse.server.oauth.caller import TOO_MANY
from endorse.server.pages import Pages
from endorse.store import reads


async def authorization(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /auth`: show the page to a good request, and store nothing (RFC 6749 4.1.1)."""
    params = parse(request.scope["query_string"])
    if params is None:
        return _problem(desk, pages, Untrusted(TOO_MANY.name, TOO_MANY.told, ""))
    client = None
    client_id = params.text("client_id")
    if 0 < len(client_id) <= desk.law.parameter and "\0" not in client_id:
        client = await desk.store.read(lambda db: reads.registration(db, client_id))
    answer = authorize.present(params, client, desk.issuer, desk.law)
    if isinstance(answer, Untrusted):
        return _problem(desk, pages, answer)
    if isinstance(answer, Reply):
        wire.known_as(request, client_id)
        if answer.refusal is not None:
            wire.note(answer.refusal, request.scope)
        return wire.see_other(answer.location)
    if client is None:
        raise AssertionError("a request without its client was let through")
    language = language_of(request.scope, answer.ui_locales)
    return show_start(desk, pages, client, answer, language)


def _problem(desk: Desk, pages: Pages, problem: Untrusted) -> Response:
    """Show a developer what differs. Nothing of the request is a link, and nothing redirects.

    The sandbox shows what is registered; a real server only names a reference, under which the
    operator finds it in the log: the registered addresses are the client's own business.
    """
    reference = b64url(desk.fresh(6))
    received = problem.received or ""
    differences = [_apart(received, uri) for uri in problem.registered]
    log.warning(
        "refused %s: %s, client %r, received %r, registered: %s",
        reference,
        problem.name,
        problem.client_id,
        problem.received,
        ", ".join(f"{before}[{there}]{rest}" for _, (before, there, rest) in differences),
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
        400,
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
