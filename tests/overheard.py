"""What a test session sent and was answered, and what was logged meanwhile: no secret is in both.

Secrets are taken from where they travel: each request and answer of a server in this process, and
of every HTTP client of ours that speaks to a server in another one. Logs are all records in this
process, whatever their level, and what other processes wrote to their standard error.
"""

from __future__ import annotations

import contextlib
import logging
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import msgspec
import pytest

from endorse.server.exchange import WHOLE
from endorse.server.frontdoor import Frontdoor

NAMES = frozenset(
    """
    code session journey link return_url request request_uri state token access_token id_token
    refresh_token client_secret client_assertion code_verifier device_code auth_req_id nonce
    login_hint_token id_token_hint registration_access_token client_notification_token
    initial_access_token lid signature response
    """.split()  # noqa: SIM905 - thirty lines say no more
)
"""Under which names secrets travel in forms, queries and JSON."""
CLIENTS_OWN = ("httpx2", "httpcore", "asyncio", "hypothesis", "requests", "urllib3", "authlib")
"""Whose records tell what a test's client sent, which is no log of a server."""

WINDOW = 16
_PART = re.compile(r"[A-Za-z0-9_-]{16,}")
_SEALED = re.compile(rb'name="request" value="([^"]+)"')
_FRAME = re.compile(rb"data: \S*#(\S+)")
_TEXTUAL = ("application/json", "application/x-www-form-urlencoded")


class Overheard(logging.Handler):
    """All secrets and all logs of a session."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, str] = {}
        """The ends of each secret, with the name under which it travelled."""
        self.logged: dict[str, str] = {}
        """Each long enough word of the logs, with the line in which it came first."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record of this process."""
        if not record.name.startswith(CLIENTS_OWN):
            self.log(self.format(record))

    def log(self, text: str) -> None:
        """Note what was logged."""
        for line in text.splitlines():
            for word in (
                *_PART.findall(line),
                *(_PART.findall(unquote(line)) if "%" in line else ()),
            ):
                self.logged.setdefault(word, line)

    def secret(self, name: str, value: str) -> None:
        """Note a secret."""
        if value.startswith("eyJ") and value.count(".") == 2:
            # All but the signature of a token is as good as public.
            value = value.rsplit(".", 1)[1]
        for part in _PART.findall(unquote(value)):
            if not _is_random(part):
                continue
            self.known[part[-WINDOW:]] = name
            if not part.startswith("er_"):  # it begins with the id of its grant, which is none
                self.known[part.removeprefix("ec_").removeprefix("ea_")[:WINDOW]] = name

    def found(self) -> list[str]:
        """Each secret that was logged, by its name, with the line that holds it."""
        return [
            f"{self.known[word[at : at + WINDOW]]} in: {line}"
            for word, line in self.logged.items()
            for at in range(len(word) - WINDOW + 1)
            if word[at : at + WINDOW] in self.known
        ]

    # --- what travels ------------------------------------------------------------------------

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Note what the headers of a request or an answer hold."""
        for raw, value in headers:
            name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
            if name == "authorization":
                self.secret(name, _password(text))
            elif name == "dpop":
                self.secret(name, text)
            elif name in ("cookie", "set-cookie"):
                with contextlib.suppress(CookieError):
                    for cookie, morsel in SimpleCookie(text).items():
                        self.secret(f"cookie {cookie[:10]}", morsel.value)
            elif name == "location":
                parts = urlsplit(text)
                self.pairs(parts.query)
                self.pairs(parts.fragment)

    def pairs(self, text: str) -> None:
        """Note what a query or a form holds."""
        with contextlib.suppress(ValueError):
            for name, value in parse_qsl(text):
                if name in NAMES:
                    self.secret(name, value)

    def body(self, kind: str, body: bytes) -> None:
        """Note what a body of this media type holds."""
        if kind.startswith("application/json"):
            with contextlib.suppress(ValueError, RecursionError):  # a broken one, on purpose
                self._json(msgspec.json.decode(body))
        elif kind.startswith("application/x-www-form-urlencoded"):
            self.pairs(body.decode("latin-1"))
        elif kind.startswith("text/html"):
            for sealed in _SEALED.findall(body):
                self.secret("sealed request", sealed.decode())
        elif kind.startswith("text/event-stream"):
            for frame in _FRAME.findall(body):
                self.secret("frame", frame.decode())

    def _json(self, value: Any, name: str = "") -> None:
        if isinstance(value, str):
            if name in NAMES:
                self.secret(name, value)
        elif isinstance(value, dict):
            for inner, one in value.items():
                self._json(one, inner)
        elif isinstance(value, list):
            for one in value:
                self._json(one, name)


OVERHEARD = Overheard()


def _is_random(part: str) -> bool:
    """Say whether a word was drawn and not chosen, as far as its letters tell."""
    kinds = (str.isdigit, str.islower, str.isupper)
    return len(part) >= 20 and all(any(map(kind, part)) for kind in kinds)


def _password(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return rest
    with contextlib.suppress(ValueError):
        return unquote(b64decode(rest).decode("latin-1").partition(":")[2])
    return ""


def _kind(headers: Iterable[tuple[bytes, bytes]]) -> str:
    kinds = [value for name, value in headers if name.lower() == b"content-type"]
    return kinds[0].decode("latin-1").lower() if kinds else ""


# --- the two places to listen at --------------------------------------------------------------

Asgi = Callable[..., Awaitable[None]]


def heard_by_servers(serve: Asgi) -> Asgi:
    """Give an application that notes what it is asked and what it answers."""

    async def heard(self: Frontdoor, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await serve(self, scope, receive, send)
            return
        OVERHEARD.headers(scope["headers"])
        OVERHEARD.pairs(scope["query_string"].decode("latin-1"))
        asked = _kind(scope["headers"])
        told = ""
        body = b""

        async def hears() -> Any:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if body and not message.get("more_body", False):
                OVERHEARD.body(asked, body)
            return message

        async def says(message: Any) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                OVERHEARD.headers(message["headers"])
                told = _kind(message["headers"])
            elif message["type"] == WHOLE:
                OVERHEARD.body("application/json", message["body"])
            else:
                OVERHEARD.body(told, message.get("body", b""))
            await send(message)

        await serve(self, scope, hears, says)

    return heard


class _Heard(httpx2.AsyncByteStream):
    """The body of an answer, which is noted when it was read."""

    def __init__(self, stream: Any, kind: str) -> None:
        self._stream = stream
        self._kind = kind

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = b""
        async for part in self._stream:
            body += part
            if self._kind.startswith("text/event-stream"):
                OVERHEARD.body(self._kind, part)
            yield part
        OVERHEARD.body(self._kind, body)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _heard_by_clients(handle: Callable[..., Awaitable[httpx2.Response]]) -> Any:
    async def heard(self: Any, request: httpx2.Request) -> httpx2.Response:
        OVERHEARD.headers(request.headers.raw)
        OVERHEARD.pairs(request.url.query.decode("latin-1"))
        with contextlib.suppress(httpx2.RequestNotRead):
            OVERHEARD.body(_kind(request.headers.raw), request.content)
        answer = await handle(self, request)
        OVERHEARD.headers(answer.headers.raw)
        answer.stream = _Heard(answer.stream, _kind(answer.headers.raw))
        return answer

    return heard


@contextlib.contextmanager
def listening() -> Iterator[Overheard]:
    """Listen to all that is sent, answered and logged in this process."""
    logger, transport = logging.getLogger("endorse"), httpx2.AsyncHTTPTransport
    level = logger.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Frontdoor, "__call__", heard_by_servers(Frontdoor.__call__))
        by_client = _heard_by_clients(transport.handle_async_request)
        patch.setattr(transport, "handle_async_request", by_client)
        logger.setLevel(logging.INFO)
        logging.getLogger().addHandler(OVERHEARD)
        yield OVERHEARD
        logging.getLogger().removeHandler(OVERHEARD)
        logger.setLevel(level)
