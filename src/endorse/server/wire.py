"""Bytes to structs and back, and the headers that every answer carries."""

import logging
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from endorse.core.coding import strict_json
from endorse.core.refusal import Refusal, page_of
from endorse.server import logbook
from endorse.server.exchange import WHOLE

T = TypeVar("T")

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_JSON: Final = "application/json"
_JSON_HEADERS: Final = [
    (name.lower().encode(), value.encode())
    for name, value in {**NO_STORE, "Content-Type": _JSON}.items()
]
_JSON_HEAD: Final = b"".join([b"%b: %b\r\n" % it for it in _JSON_HEADERS])
_FORM: Final = "application/x-www-form-urlencoded"
_CLIENT: Final = "endorse.client"
_LOGGED_AT_MOST: Final = 200

_log: Final = logging.getLogger("endorse")

TOO_LARGE: Final = Refusal(
    "body_too_large", "invalid_request", 413, "The body is larger than 64 KiB."
)
WRONG_TYPE: Final = Refusal(
    "wrong_content_type", "invalid_request", 415, f"Send the body as {_JSON}."
)
NOT_A_FORM: Final = Refusal(
    "wrong_content_type", "invalid_request", 400, f"Send the parameters as {_FORM}."
)
WRONG_METHOD: Final = Refusal(
    "wrong_method", "invalid_request", 405, "This address takes another method: see Allow."
)
NOT_FOUND: Final = Refusal("not_found", "not_found", 404, "There is nothing here.")
BROKEN_OFF: Final = Refusal("broken_off", "invalid_request", 400, "The body broke off.")


def header(request: Request, name: bytes) -> str:
    """Give the first header of this name, which is in small letters; "" for none.

    The framework's own `headers` are an object for each request, and search it no faster.
    """
    for known, value in request.scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return ""


def headers(request: Request, name: bytes) -> list[str]:
    """Give all headers of this name, which is in small letters."""
    return [str(value, "latin-1") for known, value in request.scope["headers"] if known == name]


async def body(request: Request, limit: int) -> bytes | Refusal:
    """Read a body; refuse one that is too large before it is read whole."""
    declared = header(request, b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        return TOO_LARGE
    whole: bytes = b""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return BROKEN_OFF
        whole += message.get("body", b"")
        if len(whole) > limit:
            return TOO_LARGE
        if not message.get("more_body", False):
            return whole


def has_type(request: Request, wanted: str) -> bool:
    """Say whether the body is declared as this media type, whatever its parameters."""
    return header(request, b"content-type").partition(";")[0].strip().lower() == wanted


def authorization(request: Request) -> str | None:
    """Give the Authorization header. One that came twice is joined, and no scheme takes that."""
    values = headers(request, b"authorization")
    return ", ".join(values) if values else None


async def form(request: Request, limit: int) -> bytes | Refusal:
    """Read the bytes of a form; `core.params.parse` reads them on."""
    if not has_type(request, _FORM):
        return NOT_A_FORM
    return await body(request, limit)


def decode(raw: bytes, kind: type[T]) -> T | Refusal:
    """Read JSON into a struct; or say at which place it is wrong."""
    try:
        # Of two members with one name msgspec takes the last, another reader perhaps the first.
        strict_json(raw)
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        told = f"The body is not what this call takes: {str(error)[:200]}."
        return Refusal("body_not_understood", "invalid_request", 400, told)


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer JSON that nobody may keep."""
    raw = msgspec.json.encode(value)
    if headers:
        return Response(raw, status, {**NO_STORE, **headers}, media_type=_JSON)
    return _Json(raw, status)


class _Json(Response):
    """JSON with the usual headers, which the framework would put together anew for each answer."""

    def __init__(self, raw: bytes, status: int) -> None:
        self.status_code = status
        self.background = None
        self.body = raw
        self._fields: list[tuple[bytes, bytes]] | None = None

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        """Give the headers to whoever reads or changes them, as the framework has them."""
        if self._fields is None:
            self._fields = [*_JSON_HEADERS, (b"content-length", b"%d" % len(self.body))]
        return self._fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: whole, where the server takes that and nobody may have changed a header."""
        if self._fields is None and WHOLE in scope.get("extensions", ()):
            status = self.status_code
            await send({"type": WHOLE, "status": status, "head": _JSON_HEAD, "body": self.body})
        else:
            await super().__call__(scope, receive, send)


class Refused(Response):
    """A refusal as JSON, with the address of its page; logged when it is sent.

    That address begins with the issuer, which the front door puts in the scope.
    """

    media_type = _JSON

    def __init__(
        self,
        no: Refusal,
        told: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        logged: bool = True,
    ) -> None:
        """Answer `told`, the members that say no in the shape of this API."""
        super().__init__(None, no.status, {**NO_STORE, **(headers or {})})
        self._no = no
        self._logged = logged
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        note(self._no, scope, self._logged)
        told = {**self._told, "error_uri": page_of(self._no, scope["app"].issuer)}
        self.body = msgspec.json.encode(told)
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def refused(no: Refusal, headers: Mapping[str, str] | None = None, logged: bool = True) -> Response:
    """Answer a refusal as JSON (RFC 6749 5.2)."""
    told = {"error": no.error, "error_description": no.told, **dict(no.also)}
    return Refused(no, told, headers, logged)


def known_as(request: Request, client_id: str) -> None:
    """Note which client this call says it is of, for the log."""
    request.scope[_CLIENT] = client_id


def note(no: Refusal, scope: Scope, logged: bool = True) -> None:
    """Count a refusal, and log it in one line: its name, which check failed, and whose call it was.

    Neither the address nor anything that was sent is in it, for that may be a secret in the wrong
    place; a `client_id` is none.
    """
    scope["app"].measures.refusals[no.name] += 1
    if not logged:
        return
    client = scope.get(_CLIENT)
    whose = f" for client {plain(client)}" if client else ""
    why = f": {plain(no.detail)}" if no.detail else ""
    written = f" ({no.spec})" if no.spec else ""
    _log.info(
        "refused %s%s%s%s",
        no.name,
        whose,
        why,
        written,
        extra=logbook.fields(refusal=no.name, client=client and plain(client), status=no.status),
    )


def plain(text: str) -> str:
    """Keep a text on its line of the log, and short."""
    return "".join(c if c.isprintable() else "?" for c in text[:_LOGGED_AT_MOST])


async def healthy(_desk: object, _request: Request) -> Response:
    """Answer `GET /healthz`: the process serves."""
    return json({"status": "ok"})


def see_other(location: str) -> Response:
    """Send the browser on by GET: never 302 or 307, which could carry a form along.

    See also RFC 9700 4.12.
    """
    return Response(None, 303, {"Location": location, **NO_STORE})
