"""The bank's API that an access token opens, in the Berlin Group's words (NextGenPSD2 AIS 1.3).

An account that the person did not choose does not exist for the token: 404, like one that no
bank ever had.
"""

import re
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.bank import Account, TransactionPage, UnknownAccount, UnknownCursor
from endorse.core import access, details
from endorse.core.change import TouchGrant
from endorse.core.model import Access
from endorse.core.params import Params, parse
from endorse.core.refusal import Refusal
from endorse.server import resource, wire
from endorse.server.desk import Desk

_NOTE_USE_EVERY: Final = 60
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_STATUSES: Final = ("booked", "pending", "both")

_UNKNOWN: Final = Refusal(
    "account_unknown",
    "RESOURCE_UNKNOWN",
    404,
    "There is no such account, or the person did not share it.",
    "NextGenPSD2 14.11",
)


async def accounts(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/accounts`: the accounts that the person chose."""
    opened = await opened_for(desk, request, *access.SHOWS_ACCOUNTS)
    if isinstance(opened, Refusal):
        return refused(desk, request, opened)
    return wire.json({"accounts": [_listed(it) for it in await _shared(desk, opened)]})


async def account(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/accounts/{id}`."""
    found = await _one(desk, request, *access.SHOWS_ACCOUNTS)
    if isinstance(found, Refusal):
        return refused(desk, request, found)
    return wire.json({"account": _listed(found)})


async def balances(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/accounts/{id}/balances`."""
    found = await _one(desk, request, "balances")
    if isinstance(found, Refusal):
        return refused(desk, request, found)
    try:
        known = await desk.bank.balances(found.resource_id)
    except UnknownAccount:
        return refused(desk, request, _UNKNOWN)
    return wire.json({"account": _reference(found), "balances": list(known)})


async def transactions(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/accounts/{id}/transactions`, a page at a time, the newest first."""
    opened = await opened_for(desk, request, "transactions")
    if isinstance(opened, Refusal):
        return refused(desk, request, opened)
    found = await _account(desk, request, opened)
    if isinstance(found, Refusal):
        return refused(desk, request, found)
    asked = _asked(request, desk.law.page_of_transactions)
    if isinstance(asked, Refusal):
        return refused(desk, request, asked)
    first, last = _within(asked, details.days(opened.authorization_details))
    if first and last and first > last:
        return wire.json(_listing(found, asked, TransactionPage(())))
    try:
        page = await desk.bank.transactions(
            found.resource_id, first, last, asked.after, asked.limit
        )
    except UnknownAccount:
        return refused(desk, request, _UNKNOWN)
    except UnknownCursor:
        return refused(desk, request, _wrong("after", "take it from the `next` link, unchanged"))
    return wire.json(_listing(found, asked, page))


async def opened_for(desk: Desk, request: HttpRequest, *any_of: str) -> Access | Refusal:
    """Find what the token opens, if it covers this and is not over.

    Without a scope to look for, what it opens must be found in its `authorization_details`.
    """
    opened = await resource.opened(desk, request)
    if isinstance(opened, Refusal):
        return opened
    now = desk.clock()
    no = access.check(opened, now, *any_of) if any_of else access.alive(opened, now)
    if no is not None:
        return no
    if opened.grant_id and now - (opened.last_used_at or 0) >= _NOTE_USE_EVERY:
        desk.later(desk.store.change([TouchGrant(opened.grant_id, now)], now))
    return opened


async def _shared(desk: Desk, opened: Access) -> list[Account]:
    chosen = set(opened.account_ids)
    held = await desk.bank.accounts(opened.person_id)
    return [account for account in held if account.resource_id in chosen]


async def _one(desk: Desk, request: HttpRequest, *any_of: str) -> Account | Refusal:
    opened = await opened_for(desk, request, *any_of)
    return opened if isinstance(opened, Refusal) else await _account(desk, request, opened)


async def _account(desk: Desk, request: HttpRequest, opened: Access) -> Account | Refusal:
    wanted = request.path_params["account_id"]
    shared = await _shared(desk, opened)
    return next((account for account in shared if account.resource_id == wanted), _UNKNOWN)


class _Link(msgspec.Struct, frozen=True):
    href: str


class _Links(msgspec.Struct, frozen=True):
    balances: _Link
    transactions: _Link


class _Listed(Account, frozen=True, kw_only=True):
    """An account, with where its balances and transactions are."""

    links: _Links = msgspec.field(name="_links")


def _listed(account: Account) -> _Listed:
    here = f"/v1/accounts/{account.resource_id}"
    links = _Links(_Link(f"{here}/balances"), _Link(f"{here}/transactions"))
    return _Listed(*msgspec.structs.astuple(account), links=links)


def _reference(account: Account) -> dict[str, str]:
    known = {"iban": account.iban, "currency": account.currency}
    return {name: value for name, value in known.items() if value is not None}


class _Asked(msgspec.Struct, frozen=True):
    """What of the transactions is asked for."""

    date_from: date | None
    date_to: date | None
    status: str
    after: str | None
    limit: int


def _asked(request: HttpRequest, at_most: int) -> _Asked | Refusal:
    params = parse(request.scope["query_string"])
    if params is None or params.doubled:
        return _wrong(params.doubled[0] if params else "query", "send each parameter once")
    days: list[date | None] = []
    for name in ("dateFrom", "dateTo"):
        day = _day(params.text(name))
        if day is None and params.text(name):
            return _wrong(name, "write it as 2026-01-31")
        days.append(day)
    if days[0] and days[1] and days[0] > days[1]:
        return _wrong("dateFrom", "it must not be after dateTo")
    status = params.text("bookingStatus") or "both"
    if status not in _STATUSES:
        return _wrong("bookingStatus", f"it must be one of {', '.join(_STATUSES)}")
    limit = _limit(params, at_most)
    if limit is None:
        return _wrong("limit", f"it must be a number from 1 to {at_most}")
    after = params.text("after")
    if len(after) > 128:
        return _wrong("after", "take it from the `next` link, unchanged")
    return _Asked(days[0], days[1], status, after or None, limit)


def _limit(params: Params, at_most: int) -> int | None:
    text = params.text("limit") or str(at_most)
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return None
    return int(text) if 1 <= int(text) <= at_most else None


def _day(text: str) -> date | None:
    if not _DATE.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _within(
    asked: _Asked, given: tuple[date | None, date | None]
) -> tuple[date | None, date | None]:
    """Give the days that are both asked for and given by the person."""
    firsts = [day for day in (asked.date_from, given[0]) if day is not None]
    lasts = [day for day in (asked.date_to, given[1]) if day is not None]
    return max(firsts, default=None), min(lasts, default=None)


def _listing(found: Account, asked: _Asked, page: TransactionPage) -> dict[str, Any]:
    here = f"/v1/accounts/{found.resource_id}"
    links = {"account": {"href": here}}
    if page.next is not None:
        links["next"] = {"href": f"{here}/transactions?{_query(asked, page.next)}"}
    listed: dict[str, Any] = {}
    if asked.status != "pending":
        listed["booked"] = page.booked
    if asked.status != "booked":
        listed["pending"] = page.pending
    return {"account": _reference(found), "transactions": {**listed, "_links": links}}


def _query(asked: _Asked, after: str) -> str:
    pairs = {
        "dateFrom": asked.date_from.isoformat() if asked.date_from else None,
        "dateTo": asked.date_to.isoformat() if asked.date_to else None,
        "bookingStatus": asked.status,
        "limit": str(asked.limit),
        "after": after,
    }
    return urlencode({name: value for name, value in pairs.items() if value is not None})


def _wrong(parameter: str, told: str) -> Refusal:
    return Refusal("parameter_wrong", "FORMAT_ERROR", 400, f"The parameter {parameter}: {told}.")


def refused(desk: Desk, request: HttpRequest, no: Refusal) -> Response:
    """Answer a refusal: Berlin Group's `tppMessages`, and RFC 6750's header where it is due."""
    code = _TPP_CODES.get(no.error, no.error)
    message = {"category": "ERROR", "code": code, "text": no.told}
    return wire.Refused(no, {"tppMessages": [message]}, resource.challenge(desk, request, no))


_TPP_CODES: Final = {
    "": "TOKEN_UNKNOWN",
    "invalid_token": "TOKEN_INVALID",
    "invalid_dpop_proof": "TOKEN_INVALID",
    "use_dpop_nonce": "TOKEN_INVALID",
    "insufficient_scope": "CONSENT_INVALID",
}
