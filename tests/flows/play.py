"""What the stories are told with: a browser tab that shows its cookie, and whole connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec

from endorse.core.model import Journey
from endorse.core.policy import WIDE
from endorse.phone import Claimed, Matched, Phone, Review, sandbox_code
from endorse.server.app import ANSWERS, PAGES
from endorse.store import reads
from tests.flows.listening import PATIENCE, Listening
from tests.serving import Served

QUICK = msgspec.structs.replace(WIDE, frame_every=0.1, amber_wait=10)
"""The sandbox's policy, with frames that no test has to wait for."""

T = TypeVar("T")

_MANY = httpx2.Limits(max_connections=None, max_keepalive_connections=20)

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
JSON = {"Accept": "application/json"}


def quiet_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """An HTTP client that keeps no cookie, so that a test sends only what it says."""
    return httpx2.AsyncClient(
        timeout=30,
        transport=transport or httpx2.AsyncHTTPTransport(verify=False, limits=_MANY),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        trust_env=False,
    )


class Tab:
    """One tab of a browser, which knows the secret B that its cookie holds."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.sealed = ""
        self.short = ""
        self.cookie = ""

    async def open(self, **changed: str | None) -> httpx2.Response:
        """Open the authorization URL; keep the request that the page carries."""
        answer = await self.served.http.get(self.served.authorize_url(**changed))
        found = re.search(r'name="request" value="([^"]+)"', answer.text)
        self.sealed = found[1] if found else ""
        return answer

    async def start(self) -> httpx2.Response:
        """Begin as the page's script does; keep the cookie."""
        answer = await self.served.http.post(
            self.served.url("/auth/start"),
            data={"request": self.sealed},
            headers={**SAME_ORIGIN, **JSON},
        )
        if answer.status_code == 200:
            self.short = answer.json()["connect"].removeprefix("/connect/")
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    async def get(self, path: str, cookie: str | None = None) -> httpx2.Response:
        """GET a path, `{}` standing for this journey's handle, with B or another cookie."""
        url = self.served.url(path.format(self.short))
        return await self.served.http.get(url, headers=self._cookies(cookie))

    async def post(
        self, path: str, cookie: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """POST to a path as the page's script does, with B or another cookie."""
        url = self.served.url(path.format(self.short))
        sent = {**SAME_ORIGIN, **JSON, **(headers or {}), **self._cookies(cookie)}
        return await self.served.http.post(url, headers=sent)

    def _cookies(self, cookie: str | None) -> dict[str, str]:
        cookie = self.cookie if cookie is None else cookie
        return {"Cookie": cookie} if cookie else {}

    async def resume(self) -> httpx2.Response:
        """Leave the page."""
        return await self.get("/resume/{}")

    @asynccontextmanager
    async def listening(self, last_event_id: str = "") -> AsyncIterator[Listening]:
        """Open the event stream."""
        headers = self._cookies(None) | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        url = self.served.url(f"/connect/{self.short}/events")
        async with self.served.http.stream("GET", url, headers=headers) as answer:
            stream = Listening(answer)
            try:
                yield stream
            finally:
                await stream.aclose()

    async def frame(self) -> str:
        """The moving code's text of this moment."""
        async with self.listening() as stream:
            return await stream.frame()

    async def number(self) -> int | None:
        """The number that the page shows."""
        async with self.listening() as stream:
            number: int | None = (await stream.state()).get("number")
            return number

    async def state(self) -> str:
        """The present state, as the event stream opens with it."""
        async with self.listening() as stream:
            state: str = (await stream.state())["state"]
            return state


async def begun(served: Served, **changed: str | None) -> Tab:
    """A tab whose journey waits for a phone."""
    tab = Tab(served)
    assert (await tab.open(**changed)).status_code == 200
    assert (await tab.start()).status_code == 200
    return tab


async def phone_of(served: Served, person: str = "anna") -> Phone:
    """This person's phone, just signed in."""
    phone = await served.phone(person)
    if served.clock() != phone._session_ends - served.desk.law.phone_session:
        await phone.sign_in()
    return phone


async def somebody(served: Served, person: str | None = None) -> Phone:
    """A new phone, of a person who never was there before unless one is named."""
    phone = Phone(served.issuer, served.http, clock=served.clock)
    await phone.enrol(await sandbox_code(served.issuer, served.http, person))
    return phone


async def number(served: Served, journey: str) -> int | None:
    """The number that the page of a claimed journey shows."""
    found = await served.desk.store.read(lambda db: reads.journey_by_qid(db, journey))
    return found.number if found else None


async def claimed(tab: Tab, phone: Phone) -> Claimed:
    """Scan what the tab shows."""
    return await phone.claim(await tab.frame())


async def matched(tab: Tab, phone: Phone, journey: str) -> Matched:
    """Type the number that the tab shows."""
    return await phone.match(journey, await tab.number())


async def reviewed(tab: Tab, phone: Phone, accounts: Sequence[str] = ()) -> Review:
    """Scan, type the number, and choose accounts by resource id (all unless named)."""
    journey = (await claimed(tab, phone)).journey
    asked = await matched(tab, phone, journey)
    chosen = accounts or [it.resource_id for it in asked.accounts]
    return await phone.review(journey, chosen, changes=asked.changes)


async def standing(served: Served, phone: Phone, step: str) -> tuple[Tab, str]:
    """A tab whose journey stands at "waiting", "claimed", "matched" or "review"; its handle."""
    tab = await begun(served)
    if step == "waiting":
        return tab, ""
    if step == "review":
        return tab, (await reviewed(tab, phone)).journey
    journey = (await claimed(tab, phone)).journey
    if step == "matched":
        await matched(tab, phone, journey)
    return tab, journey


async def approved(
    served: Served, phone: Phone, accounts: Sequence[str] = (), **changed: str | None
) -> Tab:
    """A tab whose journey this phone approved."""
    tab = await begun(served, **changed)
    await phone.approve(await reviewed(tab, phone, accounts))
    return tab


def answered(answer: httpx2.Response) -> dict[str, str]:
    """The parameters of a redirect back to the client, after checking that it is one."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    parts = urlsplit(location)
    pairs = parse_qsl(parts.query, strict_parsing=True, errors="strict")
    params = dict(pairs)
    assert len(params) == len(pairs), location
    return params


async def code_for(
    served: Served, phone: Phone, accounts: Sequence[str] = (), **changed: str | None
) -> str:
    """An authorization code that waits to be redeemed."""
    tab = await approved(served, phone, accounts, **changed)
    return answered(await tab.resume())["code"]


async def token(served: Served, path: str = "/token", **form: str) -> httpx2.Response:
    """Call the token endpoint as the app with a secret."""
    return await served.http.post(served.url(path), data=form, auth=served.app.basic)


async def redeem(served: Served, code: str, path: str = "/token") -> httpx2.Response:
    """Redeem a code as the app with a secret."""
    where = served.app.redirect_uri
    return await token(served, path, grant_type="authorization_code", code=code, redirect_uri=where)


async def refresh(served: Served, refresh_token: str, **form: str) -> httpx2.Response:
    """Refresh as the app with a secret."""
    return await token(served, grant_type="refresh_token", refresh_token=refresh_token, **form)


async def tokens(
    served: Served, phone: Phone, accounts: Sequence[str] = (), **changed: str | None
) -> dict[str, Any]:
    """What the token endpoint answers after a whole connection."""
    answer = await redeem(served, await code_for(served, phone, accounts, **changed))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def bank(served: Served, path: str, access_token: str) -> httpx2.Response:
    """Call the bank's API."""
    bearer = {"Authorization": f"Bearer {access_token}"}
    return await served.http.get(served.url(path), headers=bearer)


async def opens(served: Served, access_token: str) -> bool:
    """Whether an access token still opens the bank's API."""
    answer = await bank(served, "/v1/accounts", access_token)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def together(*work: Any) -> list[Any]:
    """Do things at the same moment; what one raises is its result."""
    return await asyncio.gather(*work, return_exceptions=True)


async def journey_of(tab: Tab) -> Journey:
    """The journey that a page waits for."""
    found = await tab.served.desk.store.read(lambda db: reads.journey_by_short(db, tab.short))
    assert found is not None
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Let the server work until something holds that it tells nobody."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


async def waiting(served: Served, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin something that waits for an event, and go on when the server has it waiting."""
    before = served.desk.waiting.count()
    task = asyncio.get_running_loop().create_task(work)
    await until(lambda: served.desk.waiting.count() > before or task.done())
    return task


def routes_of() -> set[tuple[str, str]]:
    """The path and method of each route of the application."""
    return {(path, method) for method, path, _ in (*ANSWERS, *PAGES)}
