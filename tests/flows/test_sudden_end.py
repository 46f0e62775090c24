"""`kill -9` at any moment: what was answered is there, and nothing is there twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from endorse.phone import Browser, Phone, PhoneError, sandbox_code
from tests import parts
from tests.flows.play import quiet_client
from tests.serving import Sandbox, SandboxProcess, sandbox_process

pytestmark = pytest.mark.anyio

ROUNDS = 25 if parts.SOAK else 3
WORKERS = 4


@dataclass
class Entry:
    """What one browser and its app were told, as far as the server lived."""

    browser: Browser
    approved: bool = False
    code: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outside:
    """The world that the server does not end with."""

    facts: Sandbox
    http: httpx2.AsyncClient
    told: list[Entry] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)

    def authorize_url(self) -> str:
        asked = {
            "response_type": "code",
            "client_id": self.facts.client_id,
            "redirect_uri": self.facts.redirect_uri,
            "state": "s",
        }
        return str(httpx2.URL(self.facts.issuer + "/auth", params=asked))

    async def token(self, **form: str) -> httpx2.Response:
        return await self.http.post(
            self.facts.issuer + "/token",
            data=form,
            auth=httpx2.BasicAuth(self.facts.client_id, self.facts.client_secret),
        )

    async def redeem(self, code: str) -> httpx2.Response:
        return await self.token(
            grant_type="authorization_code", code=code, redirect_uri=self.facts.redirect_uri
        )

    async def refresh(self, refresh_token: str) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token)

    async def connect_for_ever(self, phone: Phone, some: asyncio.Event) -> None:
        """Connect again and again, and note each answer as it comes."""
        while True:
            entry = Entry(Browser(self.http))
            await entry.browser.open(self.authorize_url())
            await entry.browser.start()
            journey = (await phone.claim(await entry.browser.frame())).journey
            number = (await entry.browser.until("claimed")).number
            accounts = (await phone.match(journey, number)).accounts
            review = await phone.review(journey, [accounts[0].resource_id])
            self.told.append(entry)
            await phone.approve(review)
            entry.approved = True
            location = await entry.browser.resume()
            entry.code = httpx2.URL(location).params["code"]
            answer = await self.redeem(entry.code)
            if answer.status_code == 200:
                entry.tokens = answer.json()
                some.set()


async def _run_until_killed(outside: Outside, process: SandboxProcess, delay: float) -> None:
    some = asyncio.Event()
    phones = []
    for _ in range(WORKERS):
        phone = Phone(outside.facts.issuer, outside.http)
        await phone.enrol(await sandbox_code(outside.facts.issuer, outside.http))
        phones.append(phone)
    outside.phones += phones
    work = [asyncio.ensure_future(outside.connect_for_ever(phone, some)) for phone in phones]
    async with asyncio.timeout(30):
        await some.wait()
    await asyncio.sleep(delay)  # the moment is the point of the test
    process.process.kill()
    process.process.wait()
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        assert isinstance(result, PhoneError | httpx2.TransportError), repr(result)


def _check_stored(database: Path) -> None:
    """Every redeemed journey has its one grant, and every grant its one journey."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        redeemed = db.execute(
            "SELECT grant_id FROM journeys WHERE state = 'redeemed' OR grant_id IS NOT NULL"
        ).fetchall()
        grants = db.execute("SELECT grant_id FROM grants").fetchall()
        assert sorted(redeemed) == sorted(grants)
        assert len(set(grants)) == len(grants)
        [[fine]] = db.execute("PRAGMA integrity_check").fetchall()
        assert fine == "ok"


async def _check_told(outside: Outside) -> None:
    """What was answered is true after the restart, once each."""
    assert outside.told
    for entry in outside.told:
        if entry.tokens:
            refreshed = await outside.refresh(entry.tokens["refresh_token"])
            assert refreshed.status_code == 200, refreshed.text
            replay = await outside.redeem(entry.code)
            assert replay.json()["error"] == "invalid_grant"
            continue
        if entry.approved and not entry.code:
            # Approved, but the browser had not come yet: it comes now.
            entry.code = httpx2.URL(await entry.browser.resume()).params["code"]
            assert (await outside.redeem(entry.code)).status_code == 200
        if entry.code:
            answers = [await outside.redeem(entry.code) for _ in range(2)]
            assert [answer.status_code for answer in answers][-1] == 400
    for phone in outside.phones:
        await phone.sign_in()
    outside.told.clear()
    outside.phones.clear()


@contextlib.asynccontextmanager
async def _started(folder: Path, ports: tuple[int, int]) -> AsyncIterator[SandboxProcess]:
    database = f"--database=sqlite:///{folder / 'kept.sqlite3'}"
    options = (f"--port={ports[0]}", f"--app-port={ports[1]}", database)
    with sandbox_process(folder, *options) as process:
        yield process


async def test_a_sudden_end_loses_nothing_that_was_answered_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    moments = random.Random(20261123)
    ports = (0, 0)
    outside: Outside | None = None
    for number in range(ROUNDS + 1):
        async with _started(tmp_path, ports) as process, quiet_client() as http:
            if outside is None:
                outside = Outside(process.facts, http)
                ports = tuple(  # type: ignore[assignment]
                    int(url.rsplit(":", 1)[1]) for url in (process.facts.issuer, process.facts.app)
                )
            else:
                assert process.facts == outside.facts
                outside.http = http
                for entry in outside.told:
                    entry.browser._http = http
                for phone in outside.phones:
                    phone._http = http
                _check_stored(tmp_path / "kept.sqlite3")
                await _check_told(outside)
            if number < ROUNDS:
                await _run_until_killed(outside, process, moments.uniform(0, 0.6))
