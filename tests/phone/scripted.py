"""A small scripted server for the phone's tests, written from the interface alone.

It checks each proof with `cryptography` and each passkey answer with `webauthn`: other libraries
than those the phone uses.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx2
import webauthn
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from tests.phone.checks import b64, canonical, challenge, creation_options, proof_claims

ISSUER = "http://localhost:8000"
QID = "q" * 22
FRAME = f"{ISSUER}/q#1.{QID}.3.{'m' * 22}"
CALLBACK = "http://127.0.0.1:8001/callback?state=a%20b"
CLIENT = {"client_id": "c1", "name": "Budget", "legal_name": "Budget B.V.", "verified": True}
ACCOUNTS = [
    {
        "resourceId": "r1",
        "iban": "NL00TEST0000000001",
        "name": "Current",
        "product": "Plus",
        "currency": "EUR",
        "ownerName": "Anna de Vries",
        "balance": {"amount": "1234.56", "currency": "EUR"},
    },
    {
        "resourceId": "r2",
        "iban": "NL00TEST0000000002",
        "name": "Savings",
        "product": "Save",
        "currency": "EUR",
        "ownerName": "Anna de Vries",
        "balance": {"amount": "9.00", "currency": "EUR"},
    },
]


@dataclass
class ScriptedBank:
    """Answers as the interface says; `script` replaces single answers by (method, path)."""

    time: float = 1_000_000.0
    script: dict[tuple[str, str], Callable[[httpx2.Request], httpx2.Response]] = field(
        default_factory=dict
    )
    edit_document: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
    streams: list[list[bytes | str]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    jtis: set[str] = field(default_factory=set)
    registered: Any = None
    device: str = ""
    state: str = "waiting"
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    document: str = ""
    sign_in_challenge: bytes = b""

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        call = (request.method, request.url.path)
        self.calls.append(call)
        self.requests.append(request)
        if call in self.script:
            return self.script[call](request)
        if request.url.path.startswith("/phone/sandbox/"):
            return self._sandbox(request)
        if request.url.path.startswith("/phone/"):
            assert "Cookie" not in request.headers
            refused = self._check_proof(request)
            return refused or self._phone(request)
        return self._browser(request)

    # The phone's side

    def _check_proof(self, request: httpx2.Request) -> httpx2.Response | None:
        claims = proof_claims(request.headers["DPoP"])
        assert claims["htm"] == request.method
        assert claims["htu"] == f"{ISSUER}{request.url.raw_path.decode()}"
        assert claims["bsh"] == b64(hashlib.sha256(request.content).digest())
        assert claims["jti"] not in self.jtis
        self.jtis.add(claims["jti"])
        if abs(claims["iat"] - self.time) > 60:
            return self.error(401, "invalid_proof", time=self.time)
        self.device = claims["thumbprint"]
        authorization = request.headers.get("Authorization")
        if authorization is None:
            assert "ath" not in claims
            return None
        assert authorization == "DPoP s3ssion"
        assert claims["ath"] == b64(hashlib.sha256(b"s3ssion").digest())
        return None

    def error(self, status: int, name: str, **more: object) -> httpx2.Response:
        return httpx2.Response(status, json={"error": name, "error_description": "No.", **more})

    def _phone(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/phone/")
        body = json.loads(request.content) if request.content else {}
        if path in {"enrol/options", "enrol", "sign-in/options", "sign-in"}:
            return self._join(path, body)
        if "Authorization" not in request.headers:
            return self.error(401, "sign_in_required")
        if path == "connections":
            return httpx2.Response(200, json={"connections": [self._connection()]})
        if path.startswith("connections/"):
            grant_id = path.removeprefix("connections/")
            return httpx2.Response(
                200, json={"grant_id": grant_id, "ended_at": "2026-08-25T15:04:05Z"}
            )
        return self._journey(path, body)

    def _join(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        person = {"id": "anna", "name": "Anna de Vries"}
        if path == "enrol/options":
            if body["code"] != "c0de":
                return self.error(404, "code_not_accepted")
            return httpx2.Response(
                200,
                json={
                    "person": person,
                    "bank": {"name": "Sandbox Bank"},
                    "options": creation_options(),
                    "time": self.time,
                },
            )
        if path == "enrol":
            self.registered = webauthn.verify_registration_response(
                credential=body["credential"],
                expected_challenge=b"enrol-challenge-32-bytes-long!!!",
                expected_rp_id="localhost",
                expected_origin=ISSUER,
                require_user_verification=True,
            )
            assert body["name"]
        if path == "sign-in/options":
            if body["phone_id"] != "p1":
                return self.error(404, "phone_not_known")
            self.sign_in_challenge = b"sign-in-challenge-32-bytes-long!"
            return httpx2.Response(
                200,
                json={"options": self.request_options(self.sign_in_challenge), "time": self.time},
            )
        if path == "sign-in":
            self.verify(body["credential"], self.sign_in_challenge)
        return httpx2.Response(
            201 if path == "enrol" else 200,
            json={
                "phone_id": "p1",
                "person": person,
                "session": "s3ssion",
                "expires_in": 900,
                "time": self.time,
            },
        )

    def request_options(self, challenge: bytes) -> dict[str, Any]:
        options = webauthn.generate_authentication_options(
            rp_id="localhost",
            challenge=challenge,
            allow_credentials=[PublicKeyCredentialDescriptor(id=self.registered.credential_id)],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        decoded: dict[str, Any] = json.loads(webauthn.options_to_json(options))
        return decoded

    def verify(self, credential: dict[str, Any], challenge: bytes) -> None:
        webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id="localhost",
            expected_origin=ISSUER,
            credential_public_key=self.registered.credential_public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )

    def _journey(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        if path == "claim":
            if body["code"] != FRAME:
                return self.error(404, "code_not_accepted")
            self.reach("claimed")
            started = {"seconds_ago": 2, "browser": "Chrome on Linux"}
            return self._at(client=CLIENT, started=started, expires_in=300)
        if body["journey"] != QID:
            return self.error(404, "not_found")
        if path == "match" and body.get("number") != NUMBER:
            return self.error(409, "number_wrong")
        if path in {"match", "edit"}:
            self.reach("matched")
            return self._at(
                scope=["accounts", "balances"],
                recurring=True,
                valid_until="2027-02-21T15:04:05Z",
                accounts=ACCOUNTS,
                expires_in=280,
            )
        if path == "review":
            self.reach("review")
            self.document = canonical(self.edit_document(self._document(body["accounts"])))
            options = self.request_options(challenge(self.document))
            return self._at(document=self.document, options=options, expires_in=270)
        if path == "approve":
            if self.state != "review":
                return self.error(409, "wrong_state", state=self.state)
            self.verify(body["credential"], challenge(self.document))
            self.reach("approved")
        if path == "refuse":
            self.reach("rejected")
        return self._at()

    def reach(self, state: str) -> None:
        self.state = state
        self.reached.setdefault(state, asyncio.Event()).set()

    def _at(self, **more: object) -> httpx2.Response:
        return httpx2.Response(200, json={"journey": QID, "state": self.state, **more})

    def _document(self, chosen: list[str]) -> dict[str, Any]:
        names = ("currency", "iban", "name", "resourceId")
        return {
            "accounts": [
                {name: one[name] for name in names}
                for one in ACCOUNTS
                if one["resourceId"] in chosen
            ],
            "client": CLIENT,
            "device": self.device,
            "issuer": ISSUER,
            "locale": "en",
            "nonce": b64(b"n" * 16),
            "person": "anna",
            "recurring": True,
            "request": b64(b"d" * 32),
            "scope": ["accounts", "balances"],
            "texts": "1",
            "type": "endorse-consent-v1",
            "valid_until": "2027-02-21T15:04:05Z",
        }

    def _connection(self) -> dict[str, Any]:
        names = ("resourceId", "iban", "name", "currency")
        return {
            "grant_id": "g1",
            "client": CLIENT,
            "scope": ["accounts"],
            "accounts": [{name: ACCOUNTS[0][name] for name in names}],
            "created_at": "2026-08-25T15:04:05Z",
            "last_used_at": None,
            "valid_until": "2027-02-21T15:04:05Z",
            "ended_at": None,
        }

    def _sandbox(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/phone/sandbox/people":
            people = [{"id": "anna", "name": "Anna de Vries", "accounts": 5}]
            return httpx2.Response(200, json={"people": people})
        if json.loads(request.content)["person"] not in {"anna", None}:
            return self.error(404, "not_found")
        return httpx2.Response(200, json={"code": "c0de", "link": f"{ISSUER}/phone#enrol.c0de"})

    # The browser's side

    def _browser(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/auth":
            return httpx2.Response(200, html=PAGE)
        if path == "/auth/start":
            assert request.headers["Origin"] == ISSUER
            assert request.headers["Sec-Fetch-Site"] == "same-origin"
            assert request.headers["Accept"] == "application/json"
            assert parse_qs(request.content.decode()) == {"request": ["seal+ed/&="]}
            paths = {"connect": "/connect/k1", "events": "/connect/k1/events"}
            return httpx2.Response(
                200,
                json={**paths, "resume": "/resume/k1"},
                headers={"Set-Cookie": "tx_k1=B; HttpOnly; SameSite=Lax; Path=/"},
            )
        if request.headers.get("Cookie") != "tx_k1=B":
            return httpx2.Response(404, html="<p>Not here.</p>")
        if path == "/connect/k1/events":
            if not self.streams:
                return httpx2.Response(204)
            return httpx2.Response(
                200,
                headers={"Content-Type": "text/event-stream"},
                stream=_Stream(self, self.streams.pop(0)),
            )
        if path.startswith("/connect/k1/"):
            return httpx2.Response(200, json={"state": "cancelled"})
        assert path == "/resume/k1"
        answer = {"approved": "code=abc", "rejected": "error=access_denied"}[self.state]
        return httpx2.Response(303, headers={"Location": f"{CALLBACK}&{answer}"})


class _Stream(httpx2.AsyncByteStream):
    """Pieces of an event stream; a piece that is text waits until the journey reaches it."""

    def __init__(self, bank: ScriptedBank, pieces: list[bytes | str]) -> None:
        self._bank = bank
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if piece == BREAK:
                raise httpx2.ReadError("the connection broke")
            if isinstance(piece, bytes):
                yield piece
                continue
            await self._bank.reached.setdefault(piece, asyncio.Event()).wait()
            said: dict[str, object] = {"state": piece}
            if piece == "claimed":
                said["number"] = NUMBER
            yield b"event: state\ndata: " + json.dumps(said).encode() + b"\n\n"

    async def aclose(self) -> None:
        """Nothing to close."""


NUMBER = 47
BREAK = b"break"
PAGE = """<!doctype html><title>Connect</title><script>var x = "<form>";</script>
<form action="/search" method="post"><input name="request" value="other"></form>
<form action="/auth/start" method="post">
<input type="hidden" name="request" value="seal+ed/&amp;=">
<button>Continue</button></form>"""

WAITING = b'retry: 0\nevent: state\ndata: {"state":"waiting","expires_in":118}\n\n'


def frame(text: str = FRAME) -> bytes:
    return f"event: frame\ndata: {text}\n\n".encode()
