"""A browser without a JavaScript engine: opens the page, follows its events, comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import msgspec

from endorse.phone.answers import JsonObject
from endorse.phone.errors import JourneyEnded, NotReachable, NotUnderstood, PhoneError
from endorse.phone.issuer import Issuer, is_loopback
from endorse.phone.page import sealed_request, words_of
from endorse.phone.stream import Done, Event, EventReader, Frame, State
from endorse.phone.wire import read, send

_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) EndorseHeadless"
_JSON = "application/json"
_MOST_REDIRECTS = 5
_MOST_RECONNECTS = 5


class Connect(msgspec.Struct, frozen=True):
    """The paths of one begun journey, as `POST /auth/start` answers them."""

    connect: str
    events: str
    resume: str


class Standing(msgspec.Struct, frozen=True):
    """The state after the person pressed a button on the page."""

    state: str
    link: str = ""
    letters: str = ""


class WayBack(msgspec.Struct, frozen=True):
    """Where the return page sends the browser that began."""

    resume: str


@dataclass(frozen=True, slots=True)
class Page:
    """The authorization page, open and not begun."""

    issuer: Issuer
    request: str


@dataclass(frozen=True, slots=True)
class Left:
    """The browser was sent away from the issuer, to `location`, and did not follow."""

    location: str


class Browser:
    """One tab with its own cookies. Its methods raise a `PhoneError`.

    The order is `open`, `start`, `events` until a final state, `resume`.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        *,
        user_agent: str = _USER_AGENT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """A new tab that speaks through `http`. `sleep` waits before a broken stream reopens."""
        self._http = http
        self._user_agent = user_agent
        self._sleep = sleep
        # Of its own, so that tabs and phones can share an HTTP client and no cookies.
        self._cookies = httpx2.Cookies()
        self._page: Page | None = None
        self._connect: Connect | None = None

    async def open(self, authorize_url: str) -> Page | Left:
        """Open an authorization URL.

        Gives the page, or where the browser was sent: an error that goes back to the client at
        once. Raises `NotUnderstood` with the page's words if the page offers no start.
        """
        url = authorize_url
        for _ in range(_MOST_REDIRECTS):
            issuer = Issuer.of(url)
            answer = await self._send("GET", url, accept="text/html")
            if not answer.has_redirect_location:
                self._page = Page(issuer, sealed_request(answer.text))
                return self._page
            target = urljoin(url, answer.headers["Location"])
            if not (issuer.owns(target) or _is_other_name(url, target)):
                return Left(answer.headers["Location"])
            url = target
        raise NotUnderstood(f"{urlsplit(url).path} redirects more than {_MOST_REDIRECTS} times.")

    def take_over(self, issuer: str, connect: Connect, cookie: tuple[str, str]) -> None:
        """Go on with a journey that another browser began, by the (name, value) of its cookie.

        For whoever may know the cookie: it is all that tells this browser from a stranger's.
        """
        known = Issuer.parse(issuer)
        self._page, self._connect = Page(known, ""), connect
        # Python's cookie jars call a host without a dot by this other name (RFC 2965 1).
        domain = known.host if "." in known.host or ":" in known.host else f"{known.host}.local"
        self._cookies.set(*cookie, domain=domain, path="/")

    async def start(self) -> Connect:
        """Begin the journey of the page that is open, as its script does."""
        page = self._opened()
        answer = await self._post(page.issuer, "/auth/start", {"request": page.request})
        connect = read(answer, Connect)
        for path in (connect.connect, connect.events, connect.resume):
            if not page.issuer.owns(urljoin(page.issuer.url, path)):
                raise NotUnderstood(f"The page leads away from its issuer, to {path}.")
        self._connect = connect
        return connect

    async def events(self) -> AsyncGenerator[Event, None]:
        """The page's states and frames until it is done; reopens a broken stream as browsers do.

        Close it (`contextlib.aclosing`) when leaving early.
        """
        url = self._url_of(self._begun().events)
        retry = 1.0
        for _ in range(_MOST_RECONNECTS):
            answer = await self._send("GET", url, accept="text/event-stream", stream=True)
            try:
                if answer.status_code == 204:
                    return
                await _check_stream(answer)
                reader = EventReader()
                async for piece in _pieces(answer):
                    for event in reader.feed(piece):
                        yield event
                        if isinstance(event, Done):
                            return
                    retry = reader.retry
            finally:
                await answer.aclose()
            await self._sleep(retry)
        raise NotReachable(f"The event stream broke {_MOST_RECONNECTS} times.")

    async def frame(self) -> str:
        """Look once: the text of the moving code on the page. Raises `JourneyEnded` if none is."""
        async with aclosing(self.events()) as events:
            state = State("unknown")
            async for event in events:
                if isinstance(event, Frame):
                    return event.text
                if isinstance(event, State):
                    state = event
        raise JourneyEnded(state.state, state.reason)

    async def until(self, *states: str) -> State:
        """Look on until the journey is in one of `states`. Raises `JourneyEnded` if it never is."""
        async with aclosing(self.events()) as events:
            state = State("unknown")
            async for event in events:
                if isinstance(event, State):
                    state = event
                    if state.state in states:
                        return state
        raise JourneyEnded(state.state, state.reason)

    async def cancel(self) -> str:
        """Press "Cancel". Gives the state after it."""
        return (await self._press("cancel")).state

    async def new_code(self) -> str:
        """Press "New code". Gives the state after it."""
        return (await self._press("new-code")).state

    async def open_app(self) -> str:
        """Press "Open the bank's app". Gives the link that the app on this device opens."""
        return (await self._press("app")).link

    async def show_code(self) -> str:
        """Press "Show the code instead". Gives the state after it."""
        return (await self._press("code")).state

    async def spell(self) -> str:
        """Press "I can't scan". Gives the short code that the page shows."""
        return (await self._press("letters")).letters

    async def come_back(self, return_url: str) -> None:
        """Open the link that the app gave after the approval; then `resume` gives the answer.

        Raises `Refused` in a browser that did not begin.
        """
        issuer = self._opened().issuer
        nonce = return_url.removeprefix(issuer.at("/return#"))
        read(await self._post(issuer, "/return", {"nonce": nonce}), WayBack)

    async def resume(self) -> str:
        """Leave the page. Gives the `Location` that leads back to the client, not followed."""
        answer = await self._send("GET", self._url_of(self._begun().resume), accept="text/html")
        if not answer.has_redirect_location:
            said = words_of(answer.text)
            raise NotUnderstood(f"The way back answered {answer.status_code}. It says: {said}")
        location: str = answer.headers["Location"]
        return location

    async def near_options(self) -> JsonObject:
        """Press "Use your passkey". Gives what the page asks of it: `Passkey.sign` answers."""
        return read(await self._post_to("near/options"), JsonObject)

    async def come_near(self, credential: JsonObject) -> str:
        """Hand in the passkey's answer, as the page's script does. Gives the state after it."""
        return read(await self._post_to("near", {"credential": credential}), Standing).state

    async def call(
        self,
        method: str,
        path: str,
        *,
        accept: str = _JSON,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one call with this tab's cookies, and judge nothing.

        For tests that send what the other methods never would.
        """
        url = self._opened().issuer.at(path)
        return await self._send(method, url, accept=accept, headers=headers, form=form)

    async def _post_to(self, button: str, body: JsonObject | None = None) -> httpx2.Response:
        path = f"{self._begun().connect}/{button}"
        return await self._post(self._opened().issuer, path, {}, body)

    async def _press(self, button: str) -> Standing:
        path = f"{self._begun().connect}/{button}"
        return read(await self._post(self._opened().issuer, path, {}), Standing)

    async def _post(
        self, issuer: Issuer, path: str, form: dict[str, str], body: JsonObject | None = None
    ) -> httpx2.Response:
        headers = {"Origin": issuer.url, "Sec-Fetch-Site": "same-origin"}
        return await self._send(
            "POST", issuer.at(path), accept=_JSON, headers=headers, form=form, body=body
        )

    async def _send(
        self,
        method: str,
        url: str,
        *,
        accept: str,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        body: JsonObject | None = None,
        stream: bool = False,
    ) -> httpx2.Response:
        named = {"Accept": accept, "User-Agent": self._user_agent, **(headers or {})}
        sent: dict[str, Any] = {"data": form} if body is None else {"json": body}
        request = self._http.build_request(method, url, headers=named, **sent)
        request.headers.pop("Cookie", None)
        self._cookies.set_cookie_header(request)
        answer = await send(self._http, request, stream=stream)
        self._cookies.extract_cookies(answer)
        return answer

    def _url_of(self, path: str) -> str:
        return urljoin(self._opened().issuer.url, path)

    def _opened(self) -> Page:
        if self._page is None:
            raise PhoneError("No page is open.", what_to_do="Call `open` first.")
        return self._page

    def _begun(self) -> Connect:
        if self._connect is None:
            raise PhoneError("No journey has begun.", what_to_do="Call `start` first.")
        return self._connect


def _is_other_name(url: str, target: str) -> bool:
    """Whether the target is the same page on another name of this computer."""
    here, there = urlsplit(url), urlsplit(target)
    return (
        is_loopback(here.hostname or "")
        and is_loopback(there.hostname or "")
        and (here.scheme, here.port, here.path, here.query)
        == (there.scheme, there.port, there.path, there.query)
    )


async def _check_stream(answer: httpx2.Response) -> None:
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.status_code != 200 or kind != "text/event-stream":
        raise NotUnderstood(
            f"The event stream answered {answer.status_code} with {kind or 'nothing'}."
        )


async def _pieces(answer: httpx2.Response) -> AsyncGenerator[str, None]:
    """The text of a stream until it ends or breaks."""
    try:
        async for piece in answer.aiter_text():
            yield piece
    except httpx2.TransportError:
        return
