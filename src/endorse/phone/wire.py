"""Sending over HTTP: one client for phones and browsers, without shared cookies."""

from __future__ import annotations

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx2
import msgspec

from endorse.phone.answers import ErrorAnswer
from endorse.phone.errors import NotReachable, NotUnderstood, Refused, refusal
from endorse.phone.issuer import Issuer

T = TypeVar("T")

# A watch is held for 20 s and a quiet event stream beats each 15 s.
_TIMEOUT = httpx2.Timeout(10.0, read=40.0)


def open_client(
    issuer: str, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """An HTTP client that follows no redirect and keeps no cookie, for any number of phones.

    `transport` says how requests get there, where that is not by their address.
    """
    plain = Issuer.of(issuer).url.startswith("http:")
    return httpx2.AsyncClient(
        timeout=_TIMEOUT,
        follow_redirects=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        # Plain http stays on this computer, out of reach of a proxy from the environment. It
        # needs no list of authorities, which takes 40 ms to load; without one no TLS succeeds.
        trust_env=not plain and transport is None,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True,
        transport=transport,
    )


async def send(
    http: httpx2.AsyncClient, request: httpx2.Request, *, stream: bool = False
) -> httpx2.Response:
    """Send one request and follow nothing. Raises `NotReachable`."""
    try:
        return await http.send(request, stream=stream, follow_redirects=False)
    except httpx2.TransportError as problem:
        reason = str(problem) or type(problem).__name__
        raise NotReachable(f"{request.url} did not answer: {reason}.") from problem


def read(answer: httpx2.Response, shape: type[T]) -> T:
    """The JSON of an answer as `shape`. Raises `Refused` or `NotUnderstood`."""
    if not answer.is_success:
        raise error_of(answer)
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise NotUnderstood(f"{_name(answer)} gave no {shape.__name__}: {problem}.") from problem


def error_of(answer: httpx2.Response) -> Refused | NotUnderstood:
    """The typed error that an unsuccessful answer stands for."""
    known = error_answer(answer)
    if known is None:
        return NotUnderstood(f"{_name(answer)} answered {answer.status_code}, not as documented.")
    message = known.error_description or f"{_name(answer)} answered {known.error}."
    return refusal(known.error, message, answer.status_code, known.state, known.tries_left)


def error_answer(answer: httpx2.Response) -> ErrorAnswer | None:
    """The error that an answer's body describes, if it does."""
    try:
        return msgspec.json.decode(answer.content, type=ErrorAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _name(answer: httpx2.Response) -> str:
    return f"{answer.request.method} {answer.request.url.path}"
