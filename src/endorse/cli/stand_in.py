"""Somebody who decides a sandbox's requests in place of people, with a headless phone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import click
import httpx2

from endorse.phone import (
    Browser,
    Connect,
    Phone,
    PhoneError,
    decide,
    decide_asked,
    open_client,
    sandbox_code,
)
from endorse.server.stand_in import Started

_PATIENCE: Final = 60


class StandIn:
    """Approves as one person of the sandbox, and refuses some clients.

    Each step is a real call over HTTP to the sandbox's own socket, with the issuer as its host: so
    it also works where a TLS proxy stands before the issuer.
    """

    def __init__(self, issuer: str, port: int, person: str, refused: tuple[str, ...]) -> None:
        """Be `person` at the sandbox that listens on `port`."""
        self._issuer = issuer
        self._person = person
        self._refused = refused
        self._http = open_client(issuer, _ToPort(port))
        self._phone = Phone(issuer, self._http, name="Stand-in")
        # A person has one live claim, and a newer one ends it.
        self._one_at_a_time = asyncio.Lock()

    async def began(self, started: Started) -> None:
        """Decide a request that just began; say on standard error what went wrong."""
        await self._in_turn(started.client_id, self._decide(started))

    async def asked(self, client_id: str, journey: str, person_id: str) -> None:
        """Decide what a client asked the person on their phone, if it is this one's."""
        await self._in_turn(client_id, self._decide_asked(client_id, journey, person_id))

    async def _in_turn(self, client_id: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._one_at_a_time, asyncio.timeout(_PATIENCE):
                await work
        except (PhoneError, TimeoutError) as problem:
            said = str(problem) or f"nothing came of it in {_PATIENCE} s"
            click.echo(f"A request of {client_id} was not decided: {said}", err=True)

    async def _decide_asked(self, client_id: str, journey: str, person_id: str) -> None:
        await self._be_ready()
        if self._phone.person is not None and self._phone.person.id == person_id:
            await decide_asked(self._phone, journey, refuse=client_id in self._refused)

    async def _decide(self, started: Started) -> None:
        await self._be_ready()
        here = f"/connect/{started.short}"
        browser = Browser(self._http)
        browser.take_over(
            self._issuer,
            Connect(here, f"{here}/events", f"/resume/{started.short}"),
            (started.cookie_name, started.browser_secret.reveal()),
        )
        refuse = started.client_id in self._refused
        await decide(browser, self._phone, started.ways, refuse=refuse)

    async def _be_ready(self) -> None:
        phone = self._phone
        if phone.passkey is None:
            await phone.enrol(await sandbox_code(self._issuer, self._http, self._person))
        elif not phone.is_signed_in():
            await phone.sign_in()


class _ToPort(httpx2.AsyncHTTPTransport):
    """Sends every request to one port of this machine, whatever its address says."""

    def __init__(self, port: int) -> None:
        super().__init__(trust_env=False)
        self._port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # The Host header was written before this from the address itself, and stays.
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)
