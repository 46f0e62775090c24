"""What third parties call: the authorization endpoint, tokens, revocation, metadata."""

from typing import Any, Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.core import access, authorize, redeem, refusal
from endorse.core import client as clients
from endorse.core.authorize import Reply, Untrusted
from endorse.core.coding import b64url, fingerprint
from endorse.core.model import Client
from endorse.core.params import Params, parse
from endorse.core.policy import SCOPES
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.connect import show_start
from endorse.server.desk import Desk, log
from endorse.server.language import LANGUAGES, language_of
from endorse.server.pages import Pages
from endorse.store import reads

_TOO_MANY: Final = Refusal(
    "parameters_too_many", "invalid_request", 400, "There are more than 64 parameters."
)


async def authorization(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /auth`: show the page to a good request, and store nothing (RFC 6749 4.1.1)."""
    params = parse(request.scope["query_string"])
    if params is None:
        return _problem(desk, pages, Untrusted(_TOO_MANY.name, _TOO_MANY.told, ""))
    client = None
    client_id = params.text("client_id")
    if 0 < len(client_id) <= desk.law.parameter and "\0" not in client_id:
        client = await desk.store.read(lambda db: reads.registration(db, client_id))
    answer = authorize.present(params, client, desk.issuer, desk.law)
    if isinstance(answer, Untrusted):
        return _problem(desk, pages, answer)
    if isinstance(answer, Reply):
        no = answer.refusal
        log.info("refused: %s for client %s", no.name if no else "", client_id)
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


async def token(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /token`: a code or a refresh token for tokens (RFC 6749 4.1.3, 6)."""
    called = await _called(desk, request)
    if isinstance(called, Refusal):
        return _token_refused(called)
    params, client = called
    kind = params.text("grant_type")
    if not kind:
        return _token_refused(refusal.missing("grant_type", "RFC 6749 4.1.3"))
    if kind == "authorization_code":
        answer = await _redeem_code(desk, params, client)
    elif kind == "refresh_token":
        answer = await _refresh(desk, params, client)
    else:
        answer = refusal.GRANT_TYPE_UNSUPPORTED
    if isinstance(answer, Refusal):
        return _token_refused(answer)
    body: dict[str, Any] = {
        "access_token": answer.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
        "scope": " ".join(answer.scope),
    }
    if answer.refresh_token is not None:
        body["refresh_token"] = answer.refresh_token.reveal()
    return wire.json(body)


async def _redeem_code(desk: Desk, params: Params, client: Client) -> redeem.Tokens | Refusal:
    code_hash = fingerprint(params.text("code"))
    return await desk.settle(
        lambda db: reads.approval_by_code(db, code_hash),
        lambda both: redeem.code(
            params, client, *both, desk.keys.handles, desk.clock(), desk.fresh, desk.law
        ),
    )


async def _refresh(desk: Desk, params: Params, client: Client) -> redeem.Tokens | Refusal:
    held = redeem.read_refresh_token(params.text("refresh_token"), desk.keys.handles)
    grant_id = held.grant_id if held else ""
    return await desk.settle(
        lambda db: reads.grant(db, grant_id),
        lambda grant: redeem.refresh(
            params, client, held, grant, desk.keys.handles, desk.clock(), desk.fresh, desk.law
        ),
    )


async def revoke(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /revoke` (RFC 7009). The answer is `{}`: some clients insist on JSON."""
    called = await _called(desk, request)
    if isinstance(called, Refusal):
        return _token_refused(called)
    params, client = called
    text = params.text("token")
    token_hash = fingerprint(text)
    held = redeem.read_refresh_token(text, desk.keys.handles)
    grant_id = held.grant_id if held else ""

    async def facts(db: Any) -> tuple[Any, Any]:
        return await reads.access(db, token_hash), await reads.grant(db, grant_id)

    answer = await desk.settle(
        facts,
        lambda both: access.revoke(
            params, client, both[0], token_hash, held, both[1], desk.clock()
        ),
    )
    return _token_refused(answer) if isinstance(answer, Refusal) else wire.json({})


async def _called(desk: Desk, request: HttpRequest) -> tuple[Params, Client] | Refusal:
    """Read the form of a client and find out whose it is. Its query is not looked at."""
    raw = await wire.form(request, desk.law.body)
    if isinstance(raw, Refusal):
        return raw
    params = parse(raw)
    if params is None:
        return _TOO_MANY
    spec = "RFC 6749 3.2"
    no = params.check_all(desk.law, spec) or params.check(desk.law, spec, *params.values)
    if no is not None:
        return no
    header = wire.authorization(request)
    said = clients.credentials(params, header, desk.law)
    if isinstance(said, Refusal):
        return _unauthenticated(said, header)
    client = await desk.store.read(lambda db: reads.client(db, said.client_id))
    known = clients.authenticate(said, client, desk.clock())
    return _unauthenticated(known, header) if isinstance(known, Refusal) else (params, known)


def _unauthenticated(no: Refusal, header: str | None) -> Refusal:
    """Answer 401 to a client that tried the header, 400 to one that used the form (RFC 6749 5.2).

    A 401 must carry a challenge (RFC 9110 15.5.2), and clients that find one look no further: the
    developer would see "Basic" and not what is wrong.
    """
    if no.status != 401 or header is not None:
        return no
    return msgspec.structs.replace(no, status=400)


def _token_refused(no: Refusal) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="endorse"'} if no.status == 401 else None
    return wire.refused(no, headers)


async def describe(desk: Desk, _: HttpRequest) -> Response:
    """Answer `GET /.well-known/oauth-authorization-server` (RFC 8414 3)."""
    return wire.json(metadata(desk))


def metadata(desk: Desk) -> dict[str, Any]:
    """Describe this server (RFC 8414 2)."""
    issuer = desk.issuer
    auth = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": list(SCOPES),
        "ui_locales_supported": list(LANGUAGES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": auth,
        "revocation_endpoint_auth_methods_supported": auth,
        "authorization_response_iss_parameter_supported": True,
    }
