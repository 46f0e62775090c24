"""A client of the fapi2 profile: it pushes its requests, signs its calls and proves its tokens."""

import json
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from bench.browser import SCOPE, Client, Tab, Tokens, challenge_of, expect, token_of
from bench.http import Answer, Broken, Connection, Stream
from bench.passkey import b64url
from bench.phone import jws
from bench.server import Facts

_CALLBACK = "https://app.example/callback"
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class StrictApp:
    """A registered app with its keys, and the nonce that the server gave it last."""

    def __init__(self, facts: Facts, client_id: str, key: ec.EllipticCurvePrivateKey) -> None:
        """Take the facts of its server, and the key that is registered for it."""
        self.facts = Facts(facts.issuer, client_id, "", _CALLBACK)
        self.host = facts.issuer.removeprefix("http://")
        self.nonce = ""
        self._key = key
        self._proof_key = ec.generate_private_key(ec.SECP256R1())
        self._proof_header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk_of(self._proof_key)}

    def assertion(self) -> dict[str, str]:
        """Write the form's part that shows this client (RFC 7523 2.2)."""
        now = int(time.time())
        client_id = self.facts.client_id
        claims = {"iss": client_id, "sub": client_id, "aud": self.facts.issuer, "iat": now}
        claims |= {"exp": now + 60, "jti": secrets.token_urlsafe(16)}
        text = jws(self._key, {"alg": "ES256", "kid": "bench"}, claims)
        return {"client_assertion": text, "client_assertion_type": _JWT_BEARER}

    def proof(self, method: str, path: str, token: str = "") -> str:
        """Write a DPoP proof for one call (RFC 9449 4.2)."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.facts.issuer + path,
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = challenge_of(token)
        if self.nonce:
            claims["nonce"] = self.nonce
        return jws(self._proof_key, self._proof_header, claims)

    def heard(self, answer: Answer) -> bool:
        """Keep the nonce of an answer; say whether the call must be made again with it."""
        self.nonce = answer.header(b"dpop-nonce") or self.nonce
        return answer.status in (400, 401) and b"use_dpop_nonce" in answer.head + answer.body

    def tab(self, connection: Connection, stream: Stream) -> Tab:
        """Give a tab that begins with a pushed request of this app."""
        return _StrictTab(self, connection, stream)

    def client(self, connection: Connection) -> Client:
        """Give the side of the app that redeems."""
        return StrictClient(self, connection)

    async def post(self, connection: Connection, path: str, form: dict[str, str]) -> Answer:
        """Post a form as this client, with a proof."""
        answer = None
        for _ in range(2):
            body = urlencode({**form, **self.assertion()}).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: application/json\r\n"
                f"User-Agent: bench-client\r\nDPoP: {self.proof('POST', path)}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            answer = await connection.send(head.encode() + body)
            if not self.heard(answer):
                return answer
        raise Broken(f"{path} asks for a nonce again and again: {answer}")


class _StrictTab(Tab):
    """A tab whose request was pushed."""

    def __init__(self, app: StrictApp, connection: Connection, stream: Stream) -> None:
        super().__init__(app.facts, connection, stream)
        self._app = app

    async def query(self) -> str:
        form = {
            "response_type": "code",
            "client_id": self._app.facts.client_id,
            "redirect_uri": _CALLBACK,
            "state": self.state,
            "scope": SCOPE,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        answer = await self._app.post(self._connection, "/par", form)
        expect(answer, 201, "/par")
        uri = msgspec.json.decode(answer.body)["request_uri"]
        return f"client_id={self._app.facts.client_id}&request_uri={quote(uri, safe='')}"


class StrictClient(Client):
    """The app, which proves its tokens."""

    def __init__(self, app: StrictApp, connection: Connection) -> None:
        """Call for this app on this connection."""
        super().__init__(app.facts, connection)
        self._app = app

    async def redeem(self, code: str, verifier: str) -> Tokens:
        """Exchange a code for tokens that are bound to the app's key."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": _CALLBACK,
            "code_verifier": verifier,
        }
        answer = await self._app.post(self._connection, "/token", form)
        return token_of(answer, "DPoP")

    async def accounts(self, access_token: str) -> int:
        """Give how many accounts the token opens."""
        answer = None
        for _ in range(2):
            answer = await self._connection.send(self.call(access_token))
            if not self._app.heard(answer):
                break
        if answer is None:
            raise AssertionError("the loop runs")
        expect(answer, 200, "/v1/accounts")
        return len(msgspec.json.decode(answer.body)["accounts"])

    def call(self, access_token: str) -> bytes:
        """Write a call of the bank's API with a new proof."""
        proof = self._app.proof("GET", "/v1/accounts", access_token)
        return (
            f"GET /v1/accounts HTTP/1.1\r\nHost: {self._app.host}\r\nAccept: application/json\r\n"
            f"Authorization: DPoP {access_token}\r\nDPoP: {proof}\r\n\r\n"
        ).encode()


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """Write the public half as a JWK (RFC 7518 6.2)."""
    numbers = key.public_key().public_numbers()
    x, y = (b64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def register(facts: Facts, database: str) -> StrictApp:
    """Register an app of the fapi2 profile beside the running server."""
    key = ec.generate_private_key(ec.SECP256R1())
    keys = {"keys": [{**jwk_of(key), "kid": "bench", "alg": "ES256", "use": "sig"}]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(keys))
        file.flush()
        line = [str(Path(sys.executable).parent / "endorse"), "client", "--database", database]
        line += ["add", "Budgetly Strict", "--profile", "fapi2", "--jwks", file.name]
        line += ["--redirect-uri", _CALLBACK, "--json"]
        done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return StrictApp(facts, msgspec.json.decode(done.stdout)["client_id"], key)
