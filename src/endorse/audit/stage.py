"""The cast of one attack: browsers that show what they hold, and phones of several people."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from endorse.audit.finding import GotThrough, NeedsClock, NotApplicable, Unclear
from endorse.audit.target import Target
from endorse.phone import (
    Browser,
    Claimed,
    Connect,
    Frame,
    JourneyEnded,
    Left,
    NotUnderstood,
    Page,
    Passkey,
    Phone,
    Progress,
    Refused,
    Review,
    SlowDown,
    State,
    sandbox_code,
)
from endorse.phone.encoding import b64url

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}

_START_LIMIT_ENDS = 61.0
_STARTS_AGAIN = 2
_FRAME_COMES = 3.0
"""Seconds after the page said its state. A code that moves comes with it, or within two."""


class Tab(Browser):
    """One tab of a browser, which can also send what no page would."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        super().__init__(http)
        self.verifier = secrets.token_urlsafe(32)
        self.paths = Connect("", "", "")
        self.sealed = ""

    async def open(self, authorize_url: str) -> Page | Left:
        """Open an authorization URL, and keep the sealed request that its page carries."""
        page = await super().open(authorize_url)
        self.sealed = "" if isinstance(page, Left) else page.request
        return page

    async def start(self) -> Connect:
        """Begin, and keep the journey's paths."""
        self.paths = await super().start()
        return self.paths

    @property
    def short(self) -> str:
        """The public handle of the page, as it stands in its address."""
        return self.paths.connect.rpartition("/")[2]

    async def frame(self) -> str:
        """The moving code of this moment. The attack is over where the page shows none."""
        frame = await self.shown()
        if frame is None:
            raise NotApplicable("The page shows no moving code.")
        return frame

    async def shown(self) -> str | None:
        """The moving code of this moment, or None where the page shows none."""
        clock, state = asyncio.get_running_loop().time, State("unknown")
        try:
            async with asyncio.timeout(None) as patience, aclosing(self.events()) as events:
                async for event in events:
                    if isinstance(event, Frame):
                        return event.text
                    if isinstance(event, State):
                        state = event
                        patience.reschedule(clock() + _FRAME_COMES)
        except TimeoutError:
            return None
        raise JourneyEnded(state.state, state.reason)

    @property
    def challenge(self) -> str:
        """The S256 code challenge of this tab's request (RFC 7636 4.2)."""
        return b64url(hashlib.sha256(self.verifier.encode()).digest())


class Stage:
    """What an attack acts with. Each attack has its own, with its own people."""

    def __init__(self, target: Target, http: httpx2.AsyncClient, first: int = 0) -> None:
        """Act on the target through `http`. `first` is the place of the first saved phone to use:
        the attacks take turns, for a person may approve only so often in an hour."""
        self.target = target
        self.http = http
        self._first = first
        self._taken = 0
        self._codes = True  # until a page showed none

    # Browsers

    async def opened(self, **changed: str | None) -> Tab:
        """A tab in which the client's authorization URL is open, and nothing has begun."""
        tab = Tab(self.http)
        page = await tab.open(self.target.authorize_url(tab.challenge, **changed))
        if isinstance(page, Left):
            raise Unclear(f"The authorization URL leads away at once, to {page.location}")
        return tab

    async def begun(self, **changed: str | None) -> Tab:
        """A tab whose journey waits for a phone."""
        tab = await self.opened(**changed)
        for _ in range(_STARTS_AGAIN):
            try:
                await tab.start()
            except SlowDown:
                # The server limits how often one address begins, which is as it should be.
                await self.wait(_START_LIMIT_ENDS, "the limit of starts from one address")
            else:
                return tab
        await tab.start()
        return tab

    async def code(self, tab: Tab) -> str | None:
        """Leave the page: the authorization code that the browser is sent away with, if any."""
        return code_in(await tab.resume())

    async def state(self, tab: Tab) -> State:
        """Where the page says that its journey stands."""
        async with aclosing(tab.events()) as events:
            async for event in events:
                if isinstance(event, State):
                    return event
        raise Unclear("The page's events ended without a state.")

    # Phones

    async def phone(self) -> Phone:
        """A phone that is signed in, of a person whom this attack has not used yet."""
        target, place = self.target, self._taken
        self._taken += 1
        if not target.saved:
            phone = Phone(target.issuer, self.http, clock=target.clock)
            await phone.enrol(await sandbox_code(target.issuer, self.http))
            return phone
        if place >= len(target.saved):
            raise NotApplicable(f"It takes the phones of {place + 1} people; give them (--phone).")
        return await self.saved((self._first + place) % len(target.saved))

    async def saved(self, place: int) -> Phone:
        """One of the phones that the auditor gave, signed in."""
        phone = Phone.from_dict(self.target.saved[place], self.http, clock=self.target.clock)
        await phone.sign_in()
        return phone

    async def phones(self, count: int) -> list[Phone]:
        """Phones of so many people."""
        return [await self.phone() for _ in range(count)]

    async def is_sandbox(self) -> bool:
        """Whether the server is a sandbox, whose limits are wide on purpose."""
        return (await self.get("/phone/sandbox/people")).status_code == httpx2.codes.OK

    # The honest way

    async def claimed(self, tab: Tab, phone: Phone) -> Claimed:
        """Scan what the tab shows; where it shows nothing, use the phone's passkey on the page."""
        frame = await tab.shown() if self._codes else None
        self._codes = frame is not None
        return await (self.come_near(tab, phone) if frame is None else phone.claim(frame))

    async def come_near(self, tab: Tab, phone: Phone) -> Claimed:
        """Use the phone's passkey on the page. The attack is over where the page asks for none."""
        try:
            options = await tab.near_options()
        except (Refused, NotUnderstood):
            seen = "The page shows no moving code, and asks for no passkey."
            raise NotApplicable(seen) from None
        before = {it.journey for it in await phone.journeys()}
        await tab.come_near(own_passkey(phone).sign(options, self.target.issuer))
        new = [it for it in await phone.journeys() if it.journey not in before]
        if len(new) != 1:
            raise Unclear(f"A passkey used on one page put {len(new)} requests on its phone.")
        return new[0]

    async def number(self, tab: Tab) -> int | None:
        """The number that the page of a claimed journey shows, or None where it asks for none."""
        return (await tab.until("claimed", "matched")).number

    async def reviewed(self, tab: Tab, phone: Phone) -> Review:
        """Scan, type the number and choose every account."""
        claimed = await self.claimed(tab, phone)
        return await self.chosen(phone, claimed, await self.number(tab))

    async def chosen(self, phone: Phone, claimed: Claimed, number: int | None) -> Review:
        """Type the number and choose every account."""
        matched = await phone.match(claimed.journey, number if claimed.asks_number else None)
        accounts = [account.resource_id for account in matched.accounts]
        return await phone.review(claimed.journey, accounts)

    async def approved(self, tab: Tab, phone: Phone) -> Progress:
        """Scan, type the number, choose every account and approve."""
        claimed = await self.claimed(tab, phone)
        review = await self.chosen(phone, claimed, await self.number(tab))
        return await self.signed(phone, claimed, review)

    async def signed(self, phone: Phone, claimed: Claimed, review: Review) -> Progress:
        """Approve; under a warning only when there was time to read it."""
        await self.warned(claimed)
        return await phone.approve(review)

    async def warned(self, claimed: Claimed) -> None:
        """Let the time pass in which the person reads a warning, if there is one."""
        if claimed.hint.wait:
            await self.wait(claimed.hint.wait + 1, "the time to read the warning")

    # The client

    async def token(self, form: dict[str, str], **changed: str | None) -> httpx2.Response:
        """Call the token endpoint as the client, with another id or secret if `changed`."""
        return await self.client_call("/token", form, **changed)

    async def client_call(
        self, path: str, form: dict[str, str], **changed: str | None
    ) -> httpx2.Response:
        """Call one of the client's endpoints, its credentials in the form."""
        who = {
            "client_id": self.target.client_id,
            "client_secret": self.target.client_secret,
            **changed,
        }
        named = {name: value for name, value in who.items() if value is not None}
        return await self.http.post(self.target.issuer + path, data={**form, **named})

    async def redeem(self, tab: Tab, code: str, **changed: str | None) -> httpx2.Response:
        """Redeem a code as the client that asked for it; a field set to None is left out."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.target.redirect_uri,
            "code_verifier": tab.verifier,
        }
        who = {name: changed.pop(name) for name in tuple(changed) if name.startswith("client_")}
        form.update(changed)
        return await self.token({k: v for k, v in form.items() if v is not None}, **who)

    async def tokens(self, tab: Tab, code: str) -> dict[str, Any]:
        """What a good redemption gives. The attack is over where the secret is missing or wrong."""
        answer = await self.redeem(tab, code)
        body: dict[str, Any] = answer.json()
        if body.get("error") == "invalid_client":
            raise NotApplicable("It takes the client's secret; give it (--client-secret).")
        if answer.status_code != httpx2.codes.OK:
            raise Unclear(f"A good code was refused: {body}")
        return body

    async def opens(self, access_token: str) -> bool:
        """Whether an access token opens the bank's accounts."""
        bearer = {"Authorization": f"Bearer {access_token}"}
        answer = await self.http.get(self.target.issuer + "/v1/accounts", headers=bearer)
        if answer.status_code not in (200, 401, 403):
            raise Unclear(f"The accounts answered {answer.status_code}.")
        return answer.status_code == httpx2.codes.OK

    # Plain calls, and waiting

    async def metadata(self) -> dict[str, Any]:
        """The server's metadata (RFC 8414 3); empty where it has none."""
        answer = await self.get("/.well-known/oauth-authorization-server")
        found: dict[str, Any] = answer.json() if answer.is_success else {}
        return found

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """GET a path without any cookie."""
        return await self.http.get(self.target.issuer + path, headers=headers)

    async def claims(self, phone: Phone, text: str) -> httpx2.Response:
        """Claim with a text that the phone itself might not even send."""
        return await phone.call("POST", "/phone/claim", {"code": text})

    async def wait(self, seconds: float, reason: str, so_far: str = "") -> None:
        """Let time pass. Raises `NeedsClock` where that takes longer than is allowed.

        `so_far` says what the attack has seen already.
        """
        if seconds > self.target.patience:
            raise NeedsClock(f"{so_far} It takes {seconds:.0f} s more: {reason}.".strip())
        await self.target.wait(seconds)


async def refused(work: Awaitable[object], through: str) -> Refused:
    """Expect a refusal; what is accepted got through. `through` says what that means."""
    try:
        await work
    except Refused as no:
        return no
    raise GotThrough(through)


def must_fail(answer: httpx2.Response, through: str) -> None:
    """Expect an answer that says no; any other got through."""
    if answer.is_success or code_in(answer.headers.get("Location", "")) is not None:
        raise GotThrough(through)


def code_in(location: str) -> str | None:
    """The authorization code in a redirect's address."""
    found = parse_qs(urlsplit(location).query).get("code")
    return found[0] if found else None


def body_of(frame: str) -> list[str]:
    """The parts of a frame's text after `#`: kind, handle, second and mac."""
    _, mark, rest = frame.partition("#")
    parts = rest.split(".")
    if not mark or len(parts) != 4:
        raise Unclear(f"The frame {frame!r} has other parts than kind, handle, second and mac.")
    return parts


def with_body(frame: str, parts: Sequence[str]) -> str:
    """A frame's text with other parts after `#`."""
    return frame.partition("#")[0] + "#" + ".".join(parts)


def own_passkey(phone: Phone) -> Passkey:
    """The passkey of an enrolled phone."""
    if phone.passkey is None:
        raise Unclear("The phone has no passkey.")
    return phone.passkey
