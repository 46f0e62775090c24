"""The works at a server where people sign in on a page and consent on the next."""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlencode

import msgspec

from bench import calls, works
from bench.browser import challenge_of
from bench.calls import basic, good, same
from bench.http import Broken, Connection
from bench.load import Lane, Work
from bench.passkey import Passkey
from bench.visitor import Visitor

CLIENT, MACHINE = "budgetly", "clearing"
CALLBACK = "http://127.0.0.1:3000/callback"

T = TypeVar("T")


class _Tokens(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str = ""


_TOKENS = msgspec.json.Decoder(_Tokens)


@dataclass(frozen=True)
class Ways:
    """Where a server has what, and what its forms are to be filled in with."""

    authorize: str
    token: str
    introspect: str
    api: str
    scope: str
    api_says: bytes
    """What an answer of the API holds when the token is good."""
    sign_in: Mapping[str, str] = field(default_factory=lambda: {"name": "{}", "password": "open"})
    """The fields of the sign-in; {} becomes the person."""
    consent: Mapping[str, str] = field(default_factory=dict)
    asking: Mapping[str, str] = field(default_factory=dict)
    """More parameters of the authorization request."""
    api_scope: str = ""
    """The scope that the API asks for, if it is another."""
    own_client: str = CLIENT
    """The client that gets tokens of its own."""
    passkey: Passkey | None = None
    """What people sign in with, in place of a password."""


class Web:
    """A running server of that kind, and what it takes to ask it for each work."""

    def __init__(self, port: int, ways: Ways, secret: str) -> None:
        """Speak to this port; both clients have the same secret."""
        self._port = port
        self._host = f"127.0.0.1:{port}"
        self._ways = ways
        self._app = basic(CLIENT, secret)
        self._own = basic(ways.own_client, secret)
        self.works: Mapping[str, works.Prepare] = {
            works.FLOW: self._flow,
            works.CODE: self._code,
            works.REFRESH: self._refresh,
            works.CREDENTIALS: self._credentials,
            works.INTROSPECTION: self._introspection,
            works.API: self._api,
        }

    async def _flow(self, at_once: int) -> Work:
        def lane(it: int) -> Lane:
            connection = Connection(self._port)

            async def turn() -> None:
                await self._whole(connection, it)

            return Lane(turn, connection.close)

        return Work([lane(it) for it in range(at_once)])

    async def _code(self, at_once: int) -> Work:
        codes = deque(await self._made(at_once, self._approved))
        units = len(codes)

        def lane() -> Lane:
            connection = Connection(self._port)

            async def turn() -> None:
                await self._redeem(connection, *codes.popleft())

            return Lane(turn, connection.close)

        return Work([lane() for _ in range(at_once)], units)

    async def _refresh(self, at_once: int) -> Work:
        # Of many grants: who refreshes the same one over and over asks for what nobody does.
        held = deque(await self._made(at_once, self._whole))

        def lane() -> Lane:
            connection = Connection(self._port)

            async def turn() -> None:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": held.popleft().refresh_token,
                }
                request = calls.post(self._host, self._ways.token, form, self._app)
                held.append(_TOKENS.decode(good(await connection.send(request)).body))

            return Lane(turn, connection.close)

        return Work([lane() for _ in range(at_once)])

    async def _credentials(self, at_once: int) -> Work:
        form = {"grant_type": "client_credentials", "scope": "directory"}
        request = calls.post(self._host, self._ways.token, form, self._own)
        return Work([same(self._port, request, b'"access_token"') for _ in range(at_once)])

    async def _introspection(self, at_once: int) -> Work:
        def lane(tokens: _Tokens) -> Lane:
            form = {"token": tokens.access_token}
            request = calls.post(self._host, self._ways.introspect, form, self._app)
            return same(self._port, request, b'"active"', b"true")

        return Work([lane(it) for it in await self._tokens(at_once)])

    async def _api(self, at_once: int) -> Work:
        def lane(tokens: _Tokens) -> Lane:
            request = calls.get(self._host, self._ways.api, f"Bearer {tokens.access_token}")
            return same(self._port, request, self._ways.api_says)

        return Work([lane(it) for it in await self._tokens(at_once, self._ways.api_scope)])

    async def _tokens(self, count: int, scope: str = "") -> list[_Tokens]:
        """Give the tokens of as many approvals of as many people."""
        connections = [Connection(self._port) for _ in range(count)]
        made = await asyncio.gather(
            *(self._whole(connection, it, scope) for it, connection in enumerate(connections))
        )
        for connection in connections:
            connection.close()
        return made

    async def _made(self, at_once: int, make: Callable[[Connection, int], Awaitable[T]]) -> list[T]:
        """Give what so many people can make in the time for it, each on a connection."""
        connections = [Connection(self._port) for _ in range(at_once)]
        things = await works.made(
            [partial(make, connection, it) for it, connection in enumerate(connections)]
        )
        for connection in connections:
            connection.close()
        return things

    async def _whole(self, connection: Connection, person: int, scope: str = "") -> _Tokens:
        code, verifier = await self._approved(connection, person, scope)
        return await self._redeem(connection, code, verifier)

    async def _approved(
        self, connection: Connection, person: int, scope: str = ""
    ) -> tuple[str, str]:
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        asked = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "scope": scope or self._ways.scope,
            "state": state,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **self._ways.asking,
        }
        visitor = Visitor(connection, f"http://{self._host}")
        await visitor.go(f"{self._ways.authorize}?{urlencode(asked, quote_via=quote)}")
        await self._approve(visitor, f"person-{person}")
        to, _, query = visitor.left_for.partition("?")
        said = parse_qs(query)
        if to != CALLBACK or said.get("state") != [state] or "code" not in said:
            raise Broken(f"the browser was sent to {visitor.left_for!r}")
        return said["code"][0], verifier

    async def _approve(self, visitor: Visitor, person: str) -> None:
        """Sign in on the page that is shown, consent on the next, and be sent to the callback."""
        fields = {name: to.format(person) for name, to in self._ways.sign_in.items()}
        if self._ways.passkey is not None:
            challenge = visitor.hidden()["challenge"]
            answer = self._ways.passkey.signed(challenge, f"http://{self._host}")
            fields["passkey"] = msgspec.json.encode(answer).decode()
        await visitor.submit(fields)
        await visitor.submit(self._ways.consent)

    async def _redeem(self, connection: Connection, code: str, verifier: str) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        request = calls.post(self._host, self._ways.token, form, self._app)
        answer = good(await connection.send(request))
        return _TOKENS.decode(answer.body)
