"""The ways in which input is broken on purpose, and how it is sent to the byte."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from endorse.phone import Phone
from endorse.phone.encoding import b64url
from tests.flows.listening import PATIENCE
from tests.serving import Served

LONG = "a" * 8192
FORM = "application/x-www-form-urlencoded"

NOT_TEXT = {
    "UTF-16": "%FF%FE%E9%00%22%6F",
    "latin-1": "caf%E9",
    "FF": "%FF",
    "overlong": "%C0%AF",
    "NUL": "x%00",
    "line break": "x%0D%0Ay",
    "surrogate": "%ED%A0%80",
}

Pairs = dict[str, str]
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Case:
    """One way to break one parameter: how it is called, and the whole query or form."""

    how: str
    raw: str


def cases(good: Pairs, name: str) -> Iterator[Case]:
    """Break one parameter of a good query or form in each way that its syntax allows."""
    rest = "".join(f"&{other}={quote(it, '')}" for other, it in good.items() if other != name)
    value = quote(good.get(name, "value"), "")
    yield Case("missing", rest[1:])
    yield Case("empty", f"{name}={rest}")
    yield Case("bare", f"{name}{rest}")
    yield Case("doubled", f"{name}={value}&{name}={value}{rest}")
    yield Case("doubled, empty first", f"{name}=&{name}={value}{rest}")
    yield Case("doubled otherwise", f"{name}={value}{rest}&{name}=x")
    yield Case("long", f"{name}={LONG}{rest}")
    for encoding, text in NOT_TEXT.items():
        yield Case(encoding, f"{name}={text}{rest}")


async def get(served: Served, path: str, query: str) -> httpx2.Response:
    """GET with this very query: nothing in it is escaped on the way."""
    url = httpx2.URL(served.url(path)).copy_with(query=query.encode("latin-1"))
    return await served.http.get(url)


async def post(served: Served, path: str, form: str | bytes, **headers: str) -> httpx2.Response:
    """POST this very form."""
    content = form.encode("latin-1") if isinstance(form, str) else form
    sent = {"Content-Type": FORM, **headers}
    return await served.http.post(served.url(path), content=content, headers=sent)


async def exchange(
    served: Served, method: str, target: bytes, headers: Headers, content: bytes = b""
) -> httpx2.Response:
    """Send these very bytes, which no HTTP client would, and read the answer."""
    host = served.desk.settings.issuer_host
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), b"Host: " + host.encode()]
    lines += [b"Connection: close", b"Content-Length: %d" % len(content)]
    lines += [name + b": " + value for name, value in headers]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + content)
    async with asyncio.timeout(PATIENCE):
        raw = await reader.read()
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *rest = head.split(b"\r\n")
    pairs = [line.partition(b": ") for line in rest]
    named = [(name, value) for name, _, value in pairs]
    return httpx2.Response(int(status.split()[1]), headers=named, content=body)


# --- JSON ---------------------------------------------------------------------------------------

WRONG_TYPES: dict[str, Any] = {
    "null": None,
    "number": 1,
    "float": 1.5,
    "true": True,
    "list": [],
    "list of lists": [[]],
    "object": {},
    "empty": "",
    "long": LONG,
}

RAW_VALUES = {
    "latin-1": b'"caf\xe9"',
    "FF": b'"\xff"',
    "overlong": b'"\xc0\xaf"',
    "lone surrogate": b'"\\ud800"',
    "surrogate bytes": b'"\xed\xa0\x80"',
    "control character": b'"a\x01b"',
    "unquoted": b"abc",
    "single quotes": b"'abc'",
    "open": b'"abc',
    "NaN": b"NaN",
    "huge number": b"1" + b"0" * 5000,
    "deep": b"[" * 20_000 + b"]" * 20_000,
}


def json_cases(good: dict[str, Any], name: str) -> Iterator[tuple[str, bytes]]:
    """Break one member of a good JSON object."""
    rest = {other: value for other, value in good.items() if other != name}
    around = json.dumps(rest)[1:-1].encode()
    comma = b"," if around else b""
    yield "missing", b"{%b}" % around
    for how, value in WRONG_TYPES.items():
        yield how, json.dumps({**rest, name: value}).encode()
    member = b'{"%b":' % name.encode()
    for how, raw in RAW_VALUES.items():
        yield how, member + raw + comma + around + b"}"
    value = json.dumps(good[name]).encode()
    again = b',"%b":' % name.encode()
    yield "doubled", member + value + again + value + comma + around + b"}"
    yield "doubled otherwise", member + b'"x"' + again + value + comma + around + b"}"


def bodies(good: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Break a good JSON body as a whole."""
    whole = json.dumps(good)
    yield "empty", b""
    for text in ("null", "[]", "1", '"x"', "true", "{", "}", "{]", "{'a':1}", "{} {}", whole + "x"):
        yield text[:8], text.encode()
    yield "a list of it", f"[{whole}]".encode()
    yield "UTF-16", whole.encode("utf-16")
    yield "UTF-32", whole.encode("utf-32")
    yield "UTF-8 with a mark", b"\xef\xbb\xbf" + whole.encode()
    yield "NUL in front", b"\0" + whole.encode()
    yield "a form", b"code=x&journey=y"
    yield "deep list", b"[" * 30_000
    yield "deep object", b'{"a":' * 10_000
    yield (
        "deep unknown member",
        whole[:-1].encode() + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    )
    yield "latin-1 in an unknown member", whole[:-1].encode() + b',"x":"\xe9"}'
    yield "broken off", whole[:-1].encode()


async def signed(
    phone: Phone,
    served: Served,
    path: str,
    content: bytes,
    *,
    method: str = "POST",
    session: bool = True,
    **changed: str | None,
) -> httpx2.Response:
    """Send a phone's call with a valid proof over any bytes; `changed` headers win."""
    text = phone._session if session else None
    proof = phone.device.proof(
        method,
        served.url(path),
        content,
        at=served.clock(),
        jti=b64url(secrets.token_bytes(16)),
        session=text,
    )
    headers: dict[str, str | None] = {"DPoP": proof, "Content-Type": "application/json"}
    if text is not None:
        headers["Authorization"] = f"DPoP {text}"
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    sent = {name: value for name, value in headers.items() if value is not None}
    url = served.url(path)
    return await served.http.request(method, url, content=content, headers=sent)


def is_json_error(answer: httpx2.Response) -> bool:
    """Whether an answer is an error in the shape of the APIs."""
    if answer.headers.get("content-type") != "application/json":
        return False
    told = answer.json()
    members = {"error", "error_description", "error_uri"}
    return set(told) - {"time", "state"} == members and all(
        isinstance(told[name], str) and told[name] for name in members
    )


# --- more than fits -----------------------------------------------------------------------------


async def flood(
    served: Served, path: str, headers: dict[str, str], at_most: int
) -> tuple[int, int]:
    """POST an endless chunked body; give the answer's status and the bytes sent before it came."""
    host = served.desk.settings.issuer_host
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
    head = {"Host": host, "Transfer-Encoding": "chunked", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode())
    first_line = asyncio.ensure_future(reader.readline())
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    sent = 0
    while not first_line.done() and sent < at_most:
        writer.write(chunk)
        sent += 4096
        await writer.drain()
        await asyncio.sleep(0)
    line = await asyncio.wait_for(first_line, PATIENCE)
    writer.close()
    return int(line.split()[1]), sent


async def declared(served: Served, path: str, headers: Headers, length: int) -> int:
    """Announce a body and send none of it; give the answer's status."""
    host = served.desk.settings.issuer_host
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
    lines = [f"POST {path} HTTP/1.1".encode(), b"Host: " + host.encode()]
    lines += [b"Content-Length: %d" % length, *(b"%b: %b" % pair for pair in headers)]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), PATIENCE)
    writer.close()
    return int(line.split()[1])
