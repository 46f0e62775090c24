"""What a connection is good for: reading accounts, until it ends."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import TypeVar

import httpx2
import msgspec
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from endorse.sandbox.budgetly.reading import (
    AccountList,
    BalanceList,
    BankAccount,
    BankBalance,
    BankTransaction,
    TransactionReport,
)
from endorse.sandbox.budgetly.trouble import Ended, Trouble

T = TypeVar("T")

_CALLS_AT_ONCE = 6


class Connection:
    """One visitor's access to a bank, refreshed when it runs out."""

    def __init__(self, client: AsyncOAuth2Client, issuer: str) -> None:
        self._client = client
        self._issuer = issuer
        self._refreshing = asyncio.Lock()

    async def accounts(self) -> tuple[BankAccount, ...]:
        """The accounts that the person chose."""
        found = await self._read("/v1/accounts", AccountList)
        return found.accounts if found else ()

    async def details(
        self, accounts: tuple[BankAccount, ...], since: date
    ) -> list[tuple[tuple[BankBalance, ...] | None, tuple[BankTransaction, ...] | None]]:
        """Balances and transactions of each account; None where the person did not share them."""
        gate = asyncio.Semaphore(_CALLS_AT_ONCE)

        async def read(path: str, kind: type[T], **query: str) -> T | None:
            async with gate:
                return await self._read(path, kind, **query)

        async def of(
            account: BankAccount,
        ) -> tuple[tuple[BankBalance, ...] | None, tuple[BankTransaction, ...] | None]:
            path = f"/v1/accounts/{account.resource_id}"
            balances, report = await asyncio.gather(
                read(f"{path}/balances", BalanceList),
                read(
                    f"{path}/transactions",
                    TransactionReport,
                    dateFrom=since.isoformat(),
                    bookingStatus="both",
                ),
            )
            entries = report.transactions if report else None
            return (
                balances.balances if balances else None,
                entries.pending + entries.booked if entries else None,
            )

        return list(await asyncio.gather(*(of(account) for account in accounts)))

    async def revoke(self) -> bool:
        """End the connection at the bank (RFC 7009); tell whether the bank confirmed it."""
        endpoint = self._client.metadata.get("revocation_endpoint")
        kind = "refresh_token" if self._client.token.get("refresh_token") else "access_token"
        try:
            answer: httpx2.Response = await self._client.revoke_token(  # type: ignore[no-untyped-call]
                endpoint, token=self._client.token[kind], token_type_hint=kind
            )
        except (httpx2.HTTPError, OAuthError):
            return False
        return answer.status_code == 200

    async def close(self) -> None:
        """Let go of the sockets."""
        await self._client.aclose()

    async def _read(self, path: str, kind: type[T], **query: str) -> T | None:
        used = self._client.token["access_token"]
        answer = await self._get(path, query)
        if answer.status_code == 401:
            await self._renew(used)
            answer = await self._get(path, query)
        if answer.status_code == 401:
            raise Ended
        if answer.status_code == 403:
            return None
        if answer.status_code != 200:
            raise Trouble("unreachable", f"{path}: {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise Trouble("unreadable", f"{path}: {error}") from error

    async def _get(self, path: str, query: Mapping[str, str]) -> httpx2.Response:
        try:
            # Authlib refreshes a token that has run out, once for all calls that wait for it.
            answer: httpx2.Response = await self._client.get(f"{self._issuer}{path}", params=query)
        except OAuthError as error:
            raise Ended from error
        except httpx2.HTTPError as error:
            raise Trouble("unreachable", type(error).__name__) from error
        return answer

    async def _renew(self, used: str) -> None:
        """Refresh a token that the bank refuses before its time, unless another call just did."""
        async with self._refreshing:
            if self._client.token["access_token"] != used:
                return
            if not self._client.token.get("refresh_token"):
                raise Ended
            try:
                await self._client.refresh_token()
            except OAuthError as error:
                raise Ended from error
            except httpx2.HTTPError as error:
                raise Trouble("unreachable", type(error).__name__) from error
