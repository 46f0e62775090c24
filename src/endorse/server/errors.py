"""The page of each refusal, to which every `error_uri` leads: stable, in English, for developers.

It is made from the refusals themselves, so that what it says is what is answered.
"""

import importlib
import pkgutil
import re
from functools import cache
from types import ModuleType
from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

import endorse.core
import endorse.server
from endorse.core import refusal, registration
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal
from endorse.server.desk import Desk
from endorse.server.pages import Pages

_RFC: Final = re.compile(r"RFC (\d+)(?: ([A-Z]|[0-9]+(?:\.[0-9]+)*))?")
_LAW: Final = Policy()

_MADE: Final = (
    # What is refused with words of its own each time, with words that fit them all.
    refusal.missing("NAME", ""),
    refusal.doubled("NAME", "RFC 6749 3.1"),
    refusal.too_long("NAME", _LAW.parameter),
    refusal.not_text("NAME"),
    refusal.too_early(3),
    refusal.wrong_state("waiting", "approve"),
    refusal.wrong_digits(2),
    registration.bad_redirect_uri("A redirect URI cannot be registered; the answer says why."),
    registration.bad_metadata("The registration is not good; the answer says what to mend."),
    refusal.accounts_number(2, 5),
    Refusal(
        "parameter_wrong",
        "FORMAT_ERROR",
        400,
        "A parameter of the bank's API is not in the form that it must have; the answer names it.",
    ),
    Refusal(
        "body_not_understood",
        "invalid_request",
        400,
        "The body is not the JSON that this call takes; the answer names the place.",
    ),
    Refusal(
        "name_not_good",
        "invalid_request",
        400,
        "The name of the phone cannot be shown to people; the answer says why.",
    ),
    # What the page at the authorization endpoint says, from which nothing is redirected.
    Refusal(
        "client_id_missing",
        "",
        400,
        "The parameter client_id is missing. Send it once.",
        "RFC 6749 4.1.1",
    ),
    Refusal(
        "client_unknown",
        "",
        400,
        "No client with this client_id is registered.",
        "RFC 6749 4.1.2.1",
    ),
    Refusal(
        "redirect_uri_missing",
        "",
        400,
        "The parameter redirect_uri is missing. Send it once, with a registered value.",
        "RFC 6749 3.1.2.3",
    ),
    Refusal(
        "redirect_uri_mismatch",
        "",
        400,
        "The redirect_uri is not registered for this client. It must match exactly, character for "
        "character.",
        "RFC 9700 2.1",
    ),
)

_OFTEN: Final = {
    "client_not_authenticated": (
        (
            "The client is registered at another server: a sandbox has its own, and a new database "
            "knows none."
        ),
        "The secret was replaced, and its older one has run out.",
        "With HTTP Basic, client_id and secret are form-encoded before they are joined.",
    ),
    "client_authenticated_twice": (
        "A library sends HTTP Basic by itself, and the form holds client_secret too.",
    ),
    "code_not_good": (
        (
            "The page that takes the callback ran twice: a reload, a prefetch, or two workers. The "
            "second use also ends the tokens of the first."
        ),
        "redirect_uri differs from the one at the authorization endpoint.",
        "The code_verifier of another tab was sent: keep one for each state.",
        "The code waited for more than a minute.",
    ),
    "refresh_token_not_good": (
        "The refresh token before the newest was kept. Store the new one before you use it.",
        "The person ended the connection on the phone.",
        "An older refresh token was used once more, which ends the connection.",
    ),
    "access_token_not_good": (
        "It lives for minutes: refresh it when `expires_in` is over, or when this comes.",
        "The person ended the connection on the phone.",
    ),
    "redirect_uri_mismatch": (
        "A slash at the end, http for https, another port, or a query that is not registered.",
    ),
    "pkce_method": (
        "code_challenge_method was left out, which means plain (RFC 7636 4.3): send S256.",
        "The challenge was padded with `=`, or is the verifier itself.",
    ),
    "pkce_required": ("The library needs to be told to use PKCE with S256.",),
    "scope_unknown": ("The client is registered for fewer scopes than it asks for.",),
    "parameter_doubled": ("A library adds a parameter that the URL already holds.",),
    "invalid_proof": (
        "The clock is wrong: the answer holds the server's `time`.",
        "htu holds another host, a query, or http for https.",
        "The same proof was sent twice.",
    ),
}
"""What the cause has been, where a developer would look long for it."""


class _Row(msgspec.Struct, frozen=True):
    """One way in which a name is answered."""

    status: int
    error: str
    told: str


@cache
def catalogue() -> dict[str, tuple[Refusal, ...]]:
    """Give every refusal that this server can answer, by its name."""
    found: dict[str, list[Refusal]] = {}
    constants = [
        value
        for module in _modules(endorse.core, endorse.server)
        for value in vars(module).values()
        if isinstance(value, Refusal)
    ]
    for no in (*constants, *_MADE):
        kinds = found.setdefault(no.name, [])
        if no not in kinds:
            kinds.append(no)
    return {name: tuple(found[name]) for name in sorted(found)}


def links(spec: str) -> list[tuple[str, str]]:
    """Give each RFC section that a `spec` names: its words and its address."""
    return [
        (match[0], f"https://www.rfc-editor.org/rfc/rfc{match[1]}" + _place(match[2]))
        for match in _RFC.finditer(spec)
    ]


async def index(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /errors`: the name of every refusal."""
    return pages.developers_page("refusals.html", 200, names=list(catalogue()))


async def show(desk: Desk, pages: Pages, request: HttpRequest) -> Response:
    """Answer `GET /errors/{name}`: what it means, what to do, and where that is written."""
    name = request.path_params["name"]
    kinds = catalogue().get(name)
    if kinds is None:
        return pages.developers_page("refusals.html", 404, names=list(catalogue()))
    spec = ", ".join(dict.fromkeys(no.spec for no in kinds if no.spec))
    return pages.developers_page(
        "refusal.html",
        200,
        refusal=name,
        rows=list(dict.fromkeys(_Row(no.status, no.error, no.told) for no in kinds)),
        often=_OFTEN.get(name, ()),
        spec=spec,
        links=links(spec),
    )


def _place(section: str | None) -> str:
    if not section:
        return ""
    return f"#{'section' if section[0].isdigit() else 'appendix'}-{section}"


def _modules(*packages: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(found.name)
        for package in packages
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    ]
