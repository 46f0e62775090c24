"""A load of whole connections, and a memory of what each was told before the server was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2

from endorse.core.change import AddClient
from endorse.phone import Browser, Phone, PhoneError, sandbox_code
from endorse.store import open_store
from tests import parts
from tests.flows.forked import an_app
from tests.flows.play import quiet_client
from tests.serving import CALLBACK, App

WORKERS = 3
PATIENCE = 30


class NotAnswered(Exception):
    """The server was away: whether what was asked has happened, nobody knows yet."""


@dataclass
class Entry:
    """One connection: what its phone, its browser and its app were told."""

    browser: Browser
    journey: str = ""
    told: str = "waiting"
    """What was answered last: `waiting`, `refused`, `approved`, `code`, `tokens` or `ended`."""
    asking: str = ""
    """What was asked and not answered."""
    code: str = ""
    access: str = ""
    refresh: str = ""
    refreshed: int = 0

    @asynccontextmanager
    async def doing(self, what: str) -> AsyncIterator[None]:
        """Ask for something; if the block ends well, it is what was told last."""
        self.asking = what
        yield
        self.asking, self.told = "", what


@dataclass
class Outside:
    """The world that the server does not end with: phones, browsers and an app."""

    issuer: str
    app: App
    http: httpx2.AsyncClient
    phones: list[Phone] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self.issuer.rsplit(":", 1)[1])

    async def enrol(self) -> None:
        """Give each worker a phone."""
        for _ in range(WORKERS):
            phone = Phone(self.issuer, self.http)
            await phone.enrol(await sandbox_code(self.issuer, self.http))
            self.phones.append(phone)

    async def post(self, path: str, **form: str) -> httpx2.Response:
        """Call an endpoint as the app; raises NotAnswered."""
        answer = await self.http.post(
            self.issuer + path,
            data=form,
            auth=httpx2.BasicAuth(self.app.client_id, self.app.secret),
        )
        if answer.status_code == 503:
            raise NotAnswered(path)
        assert answer.status_code < 500, answer.text
        return answer

    async def redeem(self, code: str) -> httpx2.Response:
        """Redeem a code."""
        return await self.post(
            "/token", grant_type="authorization_code", code=code, redirect_uri=CALLBACK
        )

    async def refresh(self, refresh_token: str) -> httpx2.Response:
        """Refresh."""
        return await self.post("/token", grant_type="refresh_token", refresh_token=refresh_token)

    async def opens(self, access_token: str) -> bool:
        """Whether an access token opens the bank's API."""
        bearer = {"Authorization": f"Bearer {access_token}"}
        answer = await self.http.get(self.issuer + "/v1/accounts", headers=bearer)
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200

    async def standing(self) -> int:
        """What an unknown access token is answered: 401, or 503 without a database."""
        bearer = {"Authorization": "Bearer unknown"}
        answer = await self.http.get(self.issuer + "/v1/accounts", headers=bearer)
        assert answer.status_code in (401, 503), answer.text
        return answer.status_code

    async def connect(self, phone: Phone) -> Entry:
        """A whole connection, with tokens that were refreshed once."""
        entry = Entry(Browser(self.http))
        await self._connect(entry, phone, refused=False)
        await self._use(entry, ending=False)
        return entry

    # --- the load ------------------------------------------------------------------------------

    async def run_until(self, some: asyncio.Event) -> list[asyncio.Task[None]]:
        """Begin the load; go on when the first of it has its tokens."""
        some.clear()
        work = [asyncio.create_task(self._work(phone, some)) for phone in self.phones]
        async with asyncio.timeout(PATIENCE):
            await some.wait()
        return work

    async def stop(self, work: Sequence[asyncio.Task[None]]) -> None:
        """End the load after the kill; whatever ended by itself was cut off, and no bug."""
        for task in work:
            task.cancel()
        for result in await asyncio.gather(*work, return_exceptions=True):
            fine = asyncio.CancelledError | httpx2.TransportError | NotAnswered | PhoneError
            assert isinstance(result, fine), repr(result)

    async def _work(self, phone: Phone, some: asyncio.Event) -> None:
        """Connect again and again: every fourth is refused, every second of the others ended."""
        number = len(self.entries)
        while True:
            number += 1
            entry = Entry(Browser(self.http))
            await self._connect(entry, phone, refused=number % 4 == 0)
            if entry.told == "approved":
                await self._use(entry, ending=number % 2 == 0)
                some.set()

    async def _connect(self, entry: Entry, phone: Phone, *, refused: bool) -> None:
        asked = {"response_type": "code", "client_id": self.app.client_id, "state": "s"}
        url = httpx2.URL(self.issuer + "/auth", params={**asked, "redirect_uri": CALLBACK})
        await entry.browser.open(str(url))
        await entry.browser.start()
        entry.journey = (await phone.claim(await entry.browser.frame())).journey
        self.entries.append(entry)
        number = (await entry.browser.until("claimed")).number
        if refused:
            async with entry.doing("refused"):
                await phone.refuse(entry.journey)
            return
        accounts = (await phone.match(entry.journey, number)).accounts
        review = await phone.review(entry.journey, [accounts[0].resource_id])
        async with entry.doing("approved"):
            await phone.approve(review)

    async def _use(self, entry: Entry, *, ending: bool) -> None:
        async with entry.doing("code"):
            location = await entry.browser.resume()
            entry.code = httpx2.URL(location).params["code"]
        async with entry.doing("tokens"):
            self._keep(entry, await self.redeem(entry.code))
        async with entry.doing("tokens"):
            self._keep(entry, await self.refresh(entry.refresh))
            entry.refreshed += 1
        if ending:
            async with entry.doing("ended"):
                assert (await self.post("/revoke", token=entry.refresh)).status_code == 200

    def _keep(self, entry: Entry, answer: httpx2.Response) -> None:
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        entry.access, entry.refresh = tokens["access_token"], tokens["refresh_token"]

    # --- after the restart ---------------------------------------------------------------------

    async def check(self) -> None:
        """What was answered is true, once each; each entry goes on from where it was."""
        for phone in self.phones:
            await phone.sign_in()
        for entry in self.entries:
            await self._check(entry)

    async def _check(self, entry: Entry) -> None:
        match entry.told:
            case "approved":
                # The browser had not come yet, or its way was cut off: it comes now.
                entry.code = httpx2.URL(await entry.browser.resume()).params["code"]
                assert (await self.redeem(entry.code)).status_code == 200
                assert (await self.redeem(entry.code)).status_code == 400
            case "code":
                # Redeemed now, or before: then it is a replay. At the second time it always is.
                await self.redeem(entry.code)
                assert (await self.redeem(entry.code)).status_code == 400
            case "tokens":
                alive = await self.opens(entry.access)
                assert alive or entry.asking == "ended"
                answer = await self.refresh(entry.refresh)
                assert answer.status_code == (200 if alive else 400), answer.text
                assert (await self.redeem(entry.code)).status_code == 400
            case "ended":
                assert not await self.opens(entry.access)
                assert (await self.refresh(entry.refresh)).status_code == 400
            case "refused":
                assert "code" not in httpx2.URL(await entry.browser.resume()).params


async def registered(database: str) -> Outside:
    """A new database with an app in it, and the world around the server that will serve it."""
    now = int(datetime.now(UTC).timestamp())
    app, client = an_app(now)
    store = await open_store(database)
    await store.change([AddClient(client)], now)
    await store.close()
    return Outside(f"http://localhost:{parts.free_port()}", app, quiet_client())
