"""A small scripted bank server for Budgetly's tests, written from the RFCs alone."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import anyio.lowlevel
import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER = "http://localhost:8000"
APP = "http://127.0.0.1:8001"
CALLBACK = f"{APP}/callback"
CLIENT = ("client-1", "s3cr3t")

ACCOUNTS = [
    {"resourceId": "r1", "iban": "NL02TEST0000000001", "currency": "EUR", "name": "Everyday"},
    {"resourceId": "r2", "iban": "NL02TEST0000000002", "currency": "SEK", "name": "<b>Cottage"},
]
BALANCES = {"r1": ("EUR", "1234.50"), "r2": ("SEK", "-20.00")}
ENTRIES = {
    "booked": [
        {
            "transactionAmount": {"currency": "EUR", "amount": "-12.30"},
            "bookingDate": "2026-11-20",
            "creditorName": "Greenleaf Market",
            "remittanceInformationUnstructured": "Card payment",
        },
        {
            "transactionAmount": {"currency": "EUR", "amount": "2100.00"},
            "bookingDate": "2026-11-19",
            "debtorName": "Studio Vuurtoren",
        },
    ],
    "pending": [
        {
            "transactionAmount": {"currency": "EUR", "amount": "-4.00"},
            "valueDate": "2026-11-23",
            "creditorName": "Station Espresso",
        }
    ],
}


@dataclass
class FakeIssuer:
    """Answers as scripted and notes every call."""

    lives: int = 300
    gives_refresh: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)
    away: bool = False
    unshared: bool = False
    together: int = 0
    """How many calls of /v1/accounts wait for each other before any is answered."""
    calls: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    requests: dict[str, dict[str, str]] = field(default_factory=dict)
    all_there: anyio.Event = field(default_factory=anyio.Event)

    def transport(self) -> httpx2.ASGITransport:
        """What Budgetly sends goes here instead of into the network."""
        return httpx2.ASGITransport(
            Starlette(
                routes=[
                    Route("/.well-known/oauth-authorization-server", self._metadata),
                    Route("/token", self._token, methods=["POST"]),
                    Route("/revoke", self._revoke, methods=["POST"]),
                    Route("/v1/accounts", self._accounts),
                    Route("/v1/accounts/{id}/balances", self._balances),
                    Route("/v1/accounts/{id}/transactions", self._transactions),
                ]
            )
        )

    def approve(self, authorize_url: str, **changes: str | None) -> str:
        """The callback URL after the person said yes; `changes` replace or drop parameters."""
        asked = self.asked(authorize_url)
        code = secrets.token_urlsafe(8)
        self.requests[code] = asked
        return self._callback({"code": code, "state": asked["state"], "iss": ISSUER}, changes)

    def refuse(self, authorize_url: str, **changes: str | None) -> str:
        """The callback URL after the person said no."""
        answer = {"error": "access_denied", "state": self.asked(authorize_url)["state"]}
        return self._callback({**answer, "iss": ISSUER}, changes)

    def asked(self, authorize_url: str) -> dict[str, str]:
        """The parameters of an authorization request, each of which stands there once."""
        assert authorize_url.startswith(f"{ISSUER}/auth?")
        query = parse_qs(urlsplit(authorize_url).query, strict_parsing=True)
        assert all(len(values) == 1 for values in query.values())
        return {name: values[0] for name, values in query.items()}

    def _callback(self, answer: dict[str, str], changes: dict[str, str | None]) -> str:
        changed = {**answer, **changes}
        return f"/callback?{urlencode({k: v for k, v in changed.items() if v is not None})}"

    def _note(self, request: Request) -> None:
        if self.away:
            raise httpx2.ConnectError("the bank is away")
        self.calls.append(request.url.path)

    async def _metadata(self, request: Request) -> Response:
        self._note(request)
        return JSONResponse(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "revocation_endpoint": f"{ISSUER}/revoke",
                "authorization_response_iss_parameter_supported": True,
                "code_challenge_methods_supported": ["S256"],
                **self.metadata,
            }
        )

    async def _token(self, request: Request) -> Response:
        self._note(request)
        form = await _form_of_client(request)
        await anyio.lowlevel.checkpoint()  # others may come in between, as over a network
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return JSONResponse({"error": "invalid_grant"}, 400)
            self.refresh.remove(form["refresh_token"])
        else:
            asked = self.requests.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not asked or asked["code_challenge"] != challenge:
                return JSONResponse({"error": "invalid_grant"}, 400)
            assert form["redirect_uri"] == asked["redirect_uri"] == CALLBACK
        answer: dict[str, Any] = {
            "access_token": secrets.token_urlsafe(8),
            "token_type": "Bearer",
            "expires_in": self.lives,
        }
        if self.gives_refresh:
            answer["refresh_token"] = secrets.token_urlsafe(8)
            self.refresh.add(answer["refresh_token"])
        self.access.add(answer["access_token"])
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def _revoke(self, request: Request) -> Response:
        self._note(request)
        form = await _form_of_client(request)
        self.revoked.append(form["token_type_hint"])
        self.refresh.discard(form["token"])
        self.access.clear()
        return JSONResponse({})

    async def _accounts(self, request: Request) -> Response:
        answer = self._answer(request, {"accounts": ACCOUNTS})
        if self.calls.count("/v1/accounts") >= self.together:
            self.all_there.set()
        await self.all_there.wait()
        return answer

    async def _balances(self, request: Request) -> Response:
        if self.unshared:
            return JSONResponse({"error": "insufficient_scope"}, 403)
        currency, amount = BALANCES[request.path_params["id"]]
        money = {"currency": currency, "amount": amount}
        wrong = {"currency": currency, "amount": "1"}
        balances = [
            {"balanceType": "closingBooked", "balanceAmount": wrong},
            {"balanceType": "interimAvailable", "balanceAmount": money},
        ]
        return self._answer(request, {"balances": balances})

    async def _transactions(self, request: Request) -> Response:
        if self.unshared:
            return JSONResponse({"error": "insufficient_scope"}, 403)
        assert request.query_params["bookingStatus"] == "both"
        assert request.query_params["dateFrom"] == "2026-10-09"
        shown = ENTRIES if request.path_params["id"] == "r1" else {"booked": []}
        return self._answer(request, {"transactions": shown})

    def _answer(self, request: Request, body: object) -> Response:
        self._note(request)
        kind, _, token = request.headers["authorization"].partition(" ")
        if kind != "Bearer" or token not in self.access:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(body)


async def _form_of_client(request: Request) -> dict[str, str]:
    expected = base64.b64encode(":".join(CLIENT).encode()).decode()
    assert request.headers["authorization"] == f"Basic {expected}"
    form = parse_qs((await request.body()).decode(), strict_parsing=True)
    return {name: values[0] for name, values in form.items()}
