"""The requests of a client, as bytes: the same for every server that is compared."""

import base64
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from bench.http import Answer, Broken, Connection
from bench.load import Lane


def basic(client_id: str, secret: str) -> str:
    """Give the Authorization header of client_secret_basic (RFC 6749 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def post(host: str, path: str, form: Mapping[str, str], authorization: str) -> bytes:
    """Write the post of a form."""
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
        f"User-Agent: bench-client\r\nAuthorization: {authorization}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(host: str, path: str, authorization: str) -> bytes:
    """Write a call of an API."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
        f"User-Agent: bench-client\r\nAuthorization: {authorization}\r\n\r\n"
    ).encode()


def good(answer: Answer, *holds: bytes) -> Answer:
    """Give the answer back. Raises Broken unless it is a 200 and holds all these bytes."""
    if answer.status != 200 or not all(one in answer.body for one in holds):
        raise Broken(f"an answer is {answer.status}: {answer.body[:500].decode()}")
    return answer


def same(port: int, request: bytes, *holds: bytes) -> Lane:
    """Give the lane that sends one and the same request over and over."""
    connection = Connection(port)

    async def turn() -> None:
        good(await connection.send(request), *holds)

    return Lane(turn, connection.close)
