"""A browser's tab and the client behind it, with as little work of their own as can be."""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from urllib.parse import parse_qs, quote, urlencode

import msgspec

from bench.http import Answer, Broken, Connection, Stream
from bench.passkey import b64url
from bench.server import Facts

SCOPE = "accounts balances transactions offline_access"
_SEALED = re.compile(rb'name="request" value="([^"]+)"')
_BROWSER = (
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
)


class _Started(msgspec.Struct, frozen=True):
    connect: str
    events: str
    resume: str


class _State(msgspec.Struct, frozen=True):
    state: str
    number: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """The token endpoint's answer."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str


_STARTED = msgspec.json.Decoder(_Started)
_STATE = msgspec.json.Decoder(_State)
TOKENS = msgspec.json.Decoder(Tokens)
"""Reads the token endpoint's answer."""


class Tab:
    """One browser's wait for one approval; `open` begins it."""

    def __init__(self, facts: Facts, connection: Connection, stream: Stream) -> None:
        """Use these connections, which may have served other tabs before."""
        self._facts = facts
        self._connection = connection
        self._stream = stream
        self._host = facts.issuer.removeprefix("http://")
        self.state = secrets.token_urlsafe(16)
        self.verifier = secrets.token_urlsafe(32)
        self._cookie = ""
        self._started = _Started("", "", "")
        self.frame = ""
        """The newest frame on the screen."""
        self.frame_at = 0.0
        """The time.perf_counter() at which it came."""
        self.longest_gap = 0.0
        """The most seconds between two frames."""
        self.number: int | None = None
        """What the page shows for the phone, once it is claimed."""
        self.seen: dict[str, float] = {}
        """Each state by its name, with the time.perf_counter() at which it came first."""
        self._wanted = ""
        self._waiter: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Load the page, begin the journey and wait for the first frame."""
        sealed = await self._load()
        body = b"request=" + sealed
        answer = await self._connection.send(
            self._request("POST", "/auth/start", "application/json", same_origin=True)
            + b"Content-Type: application/x-www-form-urlencoded\r\n"
            + f"Origin: {self._facts.issuer}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        expect(answer, 200, "/auth/start")
        self._started = _STARTED.decode(answer.body)
        self._cookie = answer.header(b"set-cookie").split(";")[0]
        events = self._request("GET", self._started.events, "text/event-stream", same_origin=True)
        await self._stream.begin(events + b"\r\n", self._heard)
        await self._until("frame")
        if list(self.seen) != ["waiting"] or not self.frame.startswith(f"{self._facts.issuer}/q#1"):
            raise Broken(f"the stream began with {list(self.seen)} and {self.frame}")

    async def until(self, state: str) -> float:
        """Wait until the page knows this state; give the time at which it came."""
        if state not in self.seen:
            await self._until(state)
        return self.seen[state]

    async def resume(self, connection: Connection | None = None) -> tuple[str, float]:
        """Leave the page; give the code that came with the redirect, and when it came."""
        request = self._request("GET", self._started.resume, "text/html", same_origin=True)
        answer = await (connection or self._connection).send(request + b"\r\n")
        expect(answer, 303, "/resume")
        place, _, query = answer.header(b"location").partition("?")
        said = parse_qs(query)
        right = {"state": [self.state], "iss": [self._facts.issuer], "code": said.get("code", [])}
        if place != self._facts.redirect_uri or said != right or len(right["code"]) != 1:
            raise Broken(f"/resume leads to {answer.header(b'location')}")
        return right["code"][0], answer.at

    async def done(self, from_afar: bool = False) -> None:
        """Wait for the end of the stream; it must have told every state, in order.

        Where the phone called another server, the page may miss what was over when it looked.
        """
        await self._stream.end()
        told = ["waiting", "claimed", "matched", "review", "approved", "done"]
        if from_afar:
            told = [it for it in told if it in self.seen or it not in ("matched", "review")]
        if list(self.seen) != told:
            raise Broken(f"the stream told {list(self.seen)}")

    async def query(self) -> str:
        """Give the query of the authorization request."""
        return (
            f"response_type=code&client_id={self._facts.client_id}"
            f"&redirect_uri={quote(self._facts.redirect_uri, safe='')}&state={self.state}"
            f"&scope={quote(SCOPE)}&code_challenge={challenge_of(self.verifier)}"
            "&code_challenge_method=S256"
        )

    async def _load(self) -> bytes:
        query = await self.query()
        answer = await self._connection.send(
            self._request("GET", f"/auth?{query}", "text/html") + b"\r\n"
        )
        expect(answer, 200, "/auth")
        sealed = _SEALED.search(answer.body)
        if sealed is None or b"Budgetly" not in answer.body:
            raise Broken("the page names no client or has no form")
        return sealed[1]

    def _request(self, method: str, path: str, accept: str, same_origin: bool = False) -> bytes:
        cookie = f"Cookie: {self._cookie}\r\n" if self._cookie else ""
        site = "same-origin" if same_origin else "cross-site"
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept: {accept}\r\n{_BROWSER}"
            f"Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: navigate\r\n{cookie}"
        ).encode()

    def _heard(self, name: str, data: str) -> None:
        if name == "state":
            said = _STATE.decode(data)
            name, self.number = said.state, said.number or self.number
        now = time.perf_counter()
        if name == "frame":
            if self.frame:
                self.longest_gap = max(self.longest_gap, now - self.frame_at)
            self.frame, self.frame_at = data, now
        else:
            self.seen.setdefault(name, now)
        if name == self._wanted and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _until(self, event: str) -> None:
        self._wanted = event
        self._waiter = asyncio.get_running_loop().create_future()
        await asyncio.wait_for(self._waiter, 30)


class Client:
    """The third-party app: it exchanges codes, on one keep-alive connection."""

    def __init__(self, facts: Facts, connection: Connection) -> None:
        """Authenticate by client_secret_basic."""
        self._facts = facts
        self._connection = connection
        self._host = facts.issuer.removeprefix("http://")
        credentials = f"{quote(facts.client_id)}:{quote(facts.client_secret)}".encode()
        self._basic = base64.b64encode(credentials).decode()

    async def redeem(self, code: str, verifier: str) -> Tokens:
        """Exchange a code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._facts.redirect_uri,
            "code_verifier": verifier,
        }
        body = urlencode(form).encode()
        head = (
            f"POST /token HTTP/1.1\r\nHost: {self._host}\r\nAccept: application/json\r\n"
            f"User-Agent: bench-client\r\nAuthorization: Basic {self._basic}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        answer = await self._connection.send(head.encode() + body)
        return token_of(answer, "Bearer")

    async def accounts(self, access_token: str) -> int:
        """Give how many accounts the token opens."""
        head = (
            f"GET /v1/accounts HTTP/1.1\r\nHost: {self._host}\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {access_token}\r\n\r\n"
        )
        answer = await self._connection.send(head.encode())
        expect(answer, 200, "/v1/accounts")
        return len(msgspec.json.decode(answer.body)["accounts"])


def challenge_of(text: str) -> str:
    """Hash a text as PKCE and `ath` have it."""
    return b64url(hashlib.sha256(text.encode()).digest())


def token_of(answer: Answer, kind: str) -> Tokens:
    """Read the tokens of a whole approval, of this kind."""
    expect(answer, 200, "/token")
    tokens = TOKENS.decode(answer.body)
    if (tokens.token_type, tokens.scope) != (kind, SCOPE) or tokens.expires_in <= 0:
        raise Broken("the tokens are not what was approved")
    return tokens


def expect(answer: Answer, status: int, path: str) -> None:
    """Raise Broken unless the answer has this status."""
    if answer.status != status:
        raise Broken(f"{path} answered {answer.status}: {answer.body[:500].decode()}")
