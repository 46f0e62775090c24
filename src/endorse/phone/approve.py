"""Plays a whole approval: the browser that begins, and the phone that scans and decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx2

from endorse.phone.answers import Account, Claimed, Matched, Progress
from endorse.phone.browser import Browser, Left
from endorse.phone.consent import Consent
from endorse.phone.details import at_most
from endorse.phone.errors import (
    AccountNotKnown,
    CodeNotAccepted,
    ConsentNotTrusted,
    JourneyEnded,
    NotEnrolled,
    PhoneError,
    TookTooLong,
)
from endorse.phone.issuer import Issuer
from endorse.phone.phone import Phone
from endorse.phone.sandbox_route import sandbox_code
from endorse.phone.stream import Frame, State
from endorse.phone.wire import open_client

_LEAVING = {"approved", "rejected", "cancelled"}
_OVER = {"killed", "expired", "redirected", "lapsed"}
_MOST_SCANS = 3
_TIME_TO_CHOOSE = timedelta(minutes=10)


def approve_url(
    authorize_url: str,
    person: str | None = None,
    accounts: Sequence[str] = (),
    refuse: bool = False,
    *,
    phone: Mapping[str, object] | None = None,
    timeout: float = 60.0,
) -> str:
    """Approve (or refuse) an authorization URL, and give the URL that leads back to the client.

    The final redirect is not followed. `person` is an id or name of the sandbox's people; without
    one a fresh person is invented. `accounts` are IBANs; without any, all accounts are chosen.
    `phone` is a saved phone (`Phone.to_dict`) to use in place of a new one, the only way outside
    a sandbox. `timeout` is in seconds, for everything together. Raises a `PhoneError`.

    Blocks. In a running event loop, await `approve_url_async`.
    """
    if _loop_is_running():
        raise PhoneError(
            "approve_url blocks, and an event loop is running here.",
            code="event_loop_running",
            what_to_do="Await approve_url_async instead.",
        )
    return asyncio.run(_approve_saved(authorize_url, person, accounts, refuse, phone, timeout))


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def approve_url_async(
    authorize_url: str,
    person: str | None = None,
    accounts: Sequence[str] = (),
    refuse: bool = False,
    *,
    phone: Phone | None = None,
    http: httpx2.AsyncClient | None = None,
    timeout: float = 60.0,  # noqa: ASYNC109 - the same argument as of the blocking form
) -> str:
    """As `approve_url`, in an event loop.

    `phone` is an enrolled phone, `http` the client to speak through.
    """
    try:
        async with asyncio.timeout(timeout), _client(http, authorize_url) as client:
            browser = Browser(client)
            page = await browser.open(authorize_url)
            if isinstance(page, Left):
                return page.location
            ready = await _ready(phone, page.issuer, person, client)
            return await _play(browser, ready, accounts, refuse)
    except TimeoutError:
        raise TookTooLong(f"The approval did not end in {timeout:g} s.") from None


async def _approve_saved(
    authorize_url: str,
    person: str | None,
    accounts: Sequence[str],
    refuse: bool,
    saved: Mapping[str, object] | None,
    timeout: float,  # noqa: ASYNC109 - handed on
) -> str:
    async with _client(None, authorize_url) as http:
        phone = None if saved is None else Phone.from_dict(saved, http)
        return await approve_url_async(
            authorize_url, person, accounts, refuse, phone=phone, http=http, timeout=timeout
        )


@asynccontextmanager
async def _client(http: httpx2.AsyncClient | None, url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The given client, left open, or one of our own."""
    if http is not None:
        yield http
        return
    async with open_client(url) as own:
        yield own


async def _ready(
    phone: Phone | None, issuer: Issuer, person: str | None, http: httpx2.AsyncClient
) -> Phone:
    """A phone that is signed in, before a frame is on the screen: frames live only seconds."""
    if phone is None:
        phone = Phone(issuer.url, http)
        await phone.enrol(await sandbox_code(issuer.url, http, person))
        return phone
    if person is not None:
        raise PhoneError(
            "Both a person and a phone were given.",
            what_to_do="Name the person, or give a phone that is enrolled already.",
        )
    if phone.issuer != issuer:
        raise PhoneError(
            f"The phone belongs to {phone.issuer.url}, the page to {issuer.url}.",
            what_to_do="Use a phone that is enrolled at the server of the authorization URL.",
        )
    if not phone.is_signed_in():
        await phone.sign_in()
    return phone


async def _play(browser: Browser, phone: Phone, accounts: Sequence[str], refuse: bool) -> str:
    await browser.start()
    await _by_moving_code(browser, phone, accounts, refuse)
    return await browser.resume()


async def decide(
    browser: Browser,
    phone: Phone,
    ways: Sequence[str],
    *,
    accounts: Sequence[str] = (),
    refuse: bool = False,
) -> None:
    """Approve or refuse the journey that `browser` began, by the first of `ways` it may take.

    Afterwards the browser may leave (`resume`). `accounts` are IBANs; without any all are chosen.
    Raises a `PhoneError`, also where there is no known way.
    """
    way = next((way for way in ways if way in _BY), None)
    if way is None:
        raise PhoneError("This request takes no way that is known here.")
    await _BY[way](browser, phone, accounts, refuse)


async def decide_asked(
    phone: Phone, journey: str, *, accounts: Sequence[str] = (), refuse: bool = False
) -> None:
    """Approve or refuse what a client asks this phone's person by itself. Raises a `PhoneError`."""
    claimed = await phone.take(journey)
    if refuse:
        await phone.refuse(journey)
        return
    await _approve(phone, claimed, None, accounts)


async def _by_moving_code(
    browser: Browser, phone: Phone, accounts: Sequence[str], refuse: bool
) -> None:
    scans = 0
    claimed: Claimed | None = None
    decided = refuse
    async with aclosing(browser.events()) as events:
        async for event in events:
            if isinstance(event, Frame) and claimed is None:
                scans += 1
                try:
                    claimed = await phone.claim(event.text)
                except CodeNotAccepted:
                    # A slow machine can be late for one frame, as a person can.
                    if scans == _MOST_SCANS:
                        raise
                    continue
                if refuse:
                    await phone.refuse(claimed.journey)
            elif isinstance(event, State) and event.number is not None and claimed is not None:
                # A stream that opens anew tells its state again.
                if not decided:
                    decided = True
                    await _approve(phone, claimed, event.number, accounts)
            elif isinstance(event, State) and event.state in _LEAVING:
                return
            elif isinstance(event, State) and event.state in _OVER:
                raise JourneyEnded(event.state, event.reason)
    raise JourneyEnded("lost", "the page's events ended without a decision")


async def _by_link(browser: Browser, phone: Phone, accounts: Sequence[str], refuse: bool) -> None:
    claimed = await phone.claim(await browser.open_app())
    if refuse:
        await phone.refuse(claimed.journey)
        return
    done = await _approve(phone, claimed, None, accounts)
    await browser.come_back(done.return_url or "")


async def _by_letters(
    browser: Browser, phone: Phone, accounts: Sequence[str], refuse: bool
) -> None:
    claimed = await phone.claim(await browser.spell())
    if refuse:
        await phone.refuse(claimed.journey)
        return
    await _approve(phone, claimed, (await browser.until("claimed")).number, accounts)


async def _by_nearness(
    browser: Browser, phone: Phone, accounts: Sequence[str], refuse: bool
) -> None:
    if phone.passkey is None:
        raise NotEnrolled("This phone is not enrolled.")
    before = {held.journey for held in await phone.journeys()}
    await browser.come_near(phone.passkey.sign(await browser.near_options(), phone.issuer.url))
    (claimed,) = [held for held in await phone.journeys() if held.journey not in before]
    if refuse:
        await phone.refuse(claimed.journey)
        return
    await _approve(phone, claimed, None, accounts)


_BY: Final[dict[str, Callable[[Browser, Phone, Sequence[str], bool], Awaitable[None]]]] = {
    "qr": _by_moving_code,
    "link": _by_link,
    "short_code": _by_letters,
    "near": _by_nearness,
}


async def _approve(
    phone: Phone, claimed: Claimed, number: int | None, accounts: Sequence[str]
) -> Progress:
    matched = await phone.match(claimed.journey, number)
    fitting = choose(matched.accounts, accounts)
    most = at_most(matched.authorization_details) if not accounts else None
    chosen = [account.resource_id for account in fitting[:most]]
    review = await phone.review(
        claimed.journey, chosen, message=claimed.binding_message, changes=matched.changes
    )
    _check_same(review.consent, claimed, matched)
    # Under a warning an approval counts only when there was time to read it.
    await asyncio.sleep(claimed.hint.wait)
    return await phone.approve(review)


def choose(accounts: Sequence[Account], ibans: Sequence[str]) -> list[Account]:
    """The accounts with these IBANs, or all without any. Raises `AccountNotKnown`.

    Accounts in several currencies can share an IBAN; naming it chooses them all.
    """
    wanted = {_bare(iban) for iban in ibans}
    missing = wanted - {_bare(account.iban) for account in accounts}
    if missing:
        known = ", ".join(account.iban for account in accounts)
        raise AccountNotKnown(f"No account {', '.join(sorted(missing))}. The person has: {known}.")
    return [account for account in accounts if not wanted or _bare(account.iban) in wanted]


def _bare(iban: str) -> str:
    return "".join(iban.split()).upper()


def _check_same(consent: Consent, claimed: Claimed, matched: Matched) -> None:
    """What is signed must be what the earlier screens showed."""
    client = claimed.client
    shown = (client.client_id, client.name, client.legal_name, client.verified)
    signed = consent.client
    if shown != (signed.client_id, signed.name, signed.legal_name, signed.verified):
        raise ConsentNotTrusted("The document names another client than the scan.")
    if set(consent.scope) != set(matched.scope) or consent.recurring != matched.recurring:
        raise ConsentNotTrusted("The document asks for something else than the phone showed.")
    # The end counts from the review, so it may be later by the minutes spent on choosing.
    if not timedelta(0) <= consent.valid_until - matched.valid_until <= _TIME_TO_CHOOSE:
        raise ConsentNotTrusted("The document ends at another time than the phone showed.")
