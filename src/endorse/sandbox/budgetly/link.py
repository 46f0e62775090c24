"""The way to the bank and back: OAuth's authorization code flow, with Authlib.

This module is imported at the first use: Authlib and its HTTP client take a third of a second.
"""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.requests import Request

from endorse.sandbox.budgetly.connection import Connection
from endorse.sandbox.budgetly.trouble import Declined, Trouble

SCOPE = "accounts balances transactions offline_access"

_SECONDS = 10.0


class Link:
    """Budgetly as the bank knows it: one registered client of one issuer."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._redirect_uri = redirect_uri
        self._client_id = client_id
        self._client_secret = client_secret
        # One TLS context for all: making it takes longer than a request.
        self._http: dict[str, Any] = {
            "verify": ssl.create_default_context(),
            "timeout": _SECONDS,
            "trust_env": False,
        }
        if transport is not None:
            self._http["transport"] = transport
        self._bank = OAuth().register(
            "bank",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/oauth-authorization-server",
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", **self._http},
        )

    async def begin(self, request: Request) -> str:
        """Keep state and code verifier in the visitor's session; return the URL to go to."""
        await self._metadata()
        begun = await self._bank.create_authorization_url(self._redirect_uri)
        await self._bank.save_authorize_data(request, redirect_uri=self._redirect_uri, **begun)
        return str(begun["url"])

    async def finish(self, request: Request) -> Connection:
        """Turn the bank's answer into a connection.

        Checked in this order: each parameter once, our state (RFC 6749 10.12), the issuer
        (RFC 9207), an error, the code. Raises Declined or Trouble.
        """
        answer = _single(request)
        state = answer.get("state", "")
        if not await self._bank.framework.get_state_data(request.session, state):
            raise Trouble("state_missing" if not state else "state_unknown")
        metadata = await self._metadata()
        expected = metadata.get("authorization_response_iss_parameter_supported")
        if answer.get("iss", "" if expected else self._issuer) != self._issuer:
            raise Trouble("wrong_bank", f"iss: {answer.get('iss', 'missing')}")
        if "error" in answer:
            await self._bank.framework.clear_state_data(request.session, state)
            if answer["error"] == "access_denied":
                raise Declined
            raise Trouble("refused", answer["error"])
        if "code" not in answer:
            raise Trouble("incomplete", "code: missing")
        try:
            token = await self._bank.authorize_access_token(request)
        except OAuthError as error:
            raise Trouble("refused", error.error) from error
        except httpx2.HTTPError as error:
            raise Trouble("unreachable", type(error).__name__) from error
        except ValueError as error:
            raise Trouble("unreadable", "token endpoint") from error
        return Connection(self._client(token, metadata), self._issuer)

    def _client(self, token: dict[str, Any], metadata: Mapping[str, Any]) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            token=token,
            token_endpoint=metadata["token_endpoint"],
            revocation_endpoint=metadata.get("revocation_endpoint"),
            **self._http,
        )

    async def _metadata(self) -> Mapping[str, Any]:
        try:
            metadata: Mapping[str, Any] = await self._bank.load_server_metadata()
        except httpx2.HTTPError as error:
            raise Trouble("unreachable", type(error).__name__) from error
        except ValueError as error:
            raise Trouble("unreadable", "metadata") from error
        if metadata.get("issuer") != self._issuer:  # RFC 8414 3.3
            raise Trouble("wrong_bank", f"metadata issuer: {metadata.get('issuer')}")
        return metadata


def _single(request: Request) -> dict[str, str]:
    """The query's parameters; one that stands there twice is refused (RFC 6749 3.1)."""
    pairs = request.query_params.multi_items()
    answer = dict(pairs)
    if len(answer) != len(pairs):
        raise Trouble("incomplete", "a parameter came twice")
    return answer
