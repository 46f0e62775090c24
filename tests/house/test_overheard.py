"""What listens for secrets in logs would hear one, in whatever shape it got there."""

from __future__ import annotations

import base64
import logging
import secrets
from typing import Any
from urllib.parse import quote

import pytest

from endorse.server.exchange import WHOLE
from tests import overheard
from tests.overheard import Overheard

SECRET = "Ab1" + secrets.token_urlsafe(32)


def told(kind: str) -> Overheard:
    """A listener that got to know the secret by one of the ways in which secrets travel."""
    heard = Overheard()
    credentials = base64.b64encode(f"an-app:{SECRET}".encode())
    match kind:
        case "bearer":
            heard.headers([(b"Authorization", f"Bearer {SECRET}".encode())])
        case "basic":
            heard.headers([(b"authorization", b"Basic " + credentials)])
        case "cookie":
            heard.headers([(b"cookie", f"tx_a=1; tx_b={SECRET}".encode())])
        case "set-cookie":
            heard.headers([(b"set-cookie", f"tx_b={SECRET}; Path=/; HttpOnly".encode())])
        case "proof":
            heard.headers([(b"dpop", f"eyJ0.eyJ1.{SECRET}".encode())])
        case "location":
            heard.headers([(b"location", f"https://app.example/?code={SECRET}&iss=x".encode())])
        case "form":
            heard.body("application/x-www-form-urlencoded", f"refresh_token={SECRET}".encode())
        case "json":
            heard.body("application/json", b'{"deep": [{"session": "%s"}]}' % SECRET.encode())
        case "page":
            heard.body("text/html", b'<input name="request" value="%s">' % SECRET.encode())
        case "frame":
            heard.body("text/event-stream", f"data: https://x/q#1.abc.2.{SECRET}\n\n".encode())
    return heard


KINDS = [
    "bearer",
    "basic",
    "cookie",
    "set-cookie",
    "proof",
    "location",
    "form",
    "json",
    "page",
    "frame",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_known_by_every_way_in_which_it_travels(kind: str) -> None:
    heard = told(kind)
    assert heard.found() == []
    heard.log(f"an INFO line\nrefused: it was {SECRET}, so no")
    assert len(heard.found()) == 2  # both its ends
    assert all("refused: it was" in line for line in heard.found())


@pytest.mark.parametrize(
    "line",
    [
        f"x{SECRET}x",
        f"half of it: {SECRET[:24]}",
        f"the other half: {SECRET[-24:]}",
        quote(f"https://app.example/?code={SECRET}", safe=""),
        f"%7B{SECRET}",
    ],
    ids=["whole", "beginning", "end", "quoted", "after a quoted letter"],
)
def test_a_secret_is_found_in_whatever_it_stands(line: str) -> None:
    heard = told("form")
    heard.log(line)
    assert heard.found()


def test_what_is_no_secret_may_be_logged() -> None:
    heard = told("form")
    heard.body("application/json", b'{"grant_id": "Zz9-AAAAAAAAAAAAAAAAAAAAA"}')
    heard.body("application/x-www-form-urlencoded", b"state=a-state-that-somebody-chose")
    heard.log("grant=Zz9-AAAAAAAAAAAAAAAAAAAAA a-state-that-somebody-chose")
    assert heard.found() == []


def test_a_record_counts_unless_a_client_wrote_it() -> None:
    for name, found in (("endorse", True), ("uvicorn.error", True), ("httpx2", False)):
        heard = told("form")
        heard.handle(logging.LogRecord(name, logging.DEBUG, "", 0, "%s", (SECRET,), None))
        assert bool(heard.found()) is found


@pytest.mark.anyio
async def test_an_answer_of_one_message_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Overheard()
    monkeypatch.setattr(overheard, "OVERHEARD", heard)

    async def serve(_self: Any, _scope: Any, _receive: Any, send: Any) -> None:
        body = b'{"access_token": "%b"}' % SECRET.encode()
        await send({"type": WHOLE, "status": 200, "head": b"", "body": body})

    async def never(*_: Any) -> None:
        pass

    scope = {"type": "http", "headers": [], "query_string": b""}
    await overheard.heard_by_servers(serve)(None, scope, never, never)
    heard.log(SECRET)
    assert heard.found()
