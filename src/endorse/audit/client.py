"""Attacks on the client's end: codes, connections, and what one can do without the person."""

from __future__ import annotations

import asyncio
import secrets
import time
from urllib.parse import parse_qs, urlsplit

import httpx2

from endorse.audit.attack import attack
from endorse.audit.finding import Conclusion, GotThrough, NotApplicable, Unclear, held
from endorse.audit.stage import Stage, code_in, must_fail
from endorse.phone import Connection, NotUnderstood, Phone, Refused
from endorse.phone.issuer import is_loopback

_CODE_ENDS = 61.0
_DEAD_WITHIN = 1.0


@attack("12", "A stolen, injected or mixed-up authorization code")
async def stolen_code(stage: Stage) -> Conclusion:
    """Redeem a code as somebody else, with another verifier and address, twice, and too late."""
    phone, tab = await stage.phone(), await stage.begun()
    await stage.approved(tab, phone)
    location = await tab.resume()
    said = parse_qs(urlsplit(location).query)
    if said.get("iss") != [stage.target.issuer]:
        raise GotThrough(
            f"The answer does not say whose it is (RFC 9207): iss is {said.get('iss')}."
        )
    code = said.get("code", [""])[0]
    tries: dict[str, dict[str, str | None]] = {
        "with another verifier": {"code_verifier": secrets.token_urlsafe(32)},
        "without a verifier": {"code_verifier": None},
        "for another address": {"redirect_uri": f"{stage.target.redirect_uri}/other"},
        "by nobody's client": {"client_id": "no-such-client"},
        "with another secret": {"client_secret": secrets.token_urlsafe(32)},
        "without the secret": {"client_secret": None},
    }
    if stage.target.client_secret is None:
        raise NotApplicable("It takes the client's secret; give it (--client-secret).")
    for how, changed in tries.items():
        must_fail(await stage.redeem(tab, code, **changed), f"A code was redeemed {how}.")
    first = await stage.redeem(tab, code)
    burnt = "" if first.is_success else " A wrong try ends the code."
    if first.is_success:
        must_fail(await stage.redeem(tab, code), "A code was redeemed twice.")
        if await stage.opens(first.json()["access_token"]):
            raise GotThrough("After a code came twice, what it gave first still opens.")
    late = await stage.begun()
    await stage.approved(late, phone)
    code = await stage.code(late) or ""
    seen = f"Redeemed otherwise than by its client, or twice, it gave nothing.{burnt}"
    await stage.wait(_CODE_ENDS, "until a code is too old", seen)
    must_fail(await stage.redeem(late, code), "A code was redeemed after its minute.")
    return held(f"{seen} Nor did it after a minute.")


@attack("18", "Prompt bombing: requests on a phone that nobody scanned")
async def bombed(stage: Stage) -> Conclusion:
    """Try to bring a request onto a phone as a client alone."""
    phone = await stage.phone()
    person = phone.person.id if phone.person else ""
    before = await _told(phone)
    for hints in ({"login_hint": person}, {"login_hint_token": person}, {"id_token_hint": person}):
        try:
            tab = await stage.begun(**hints)
        except (NotUnderstood, Unclear):
            continue
        await tab.until("waiting")
    endpoint = str((await stage.metadata()).get("backchannel_authentication_endpoint", ""))
    if endpoint:
        path = urlsplit(endpoint).path
        for hint in ({"login_hint": person}, {"login_hint_token": person}, {}):
            answer = await stage.client_call(path, {"scope": "accounts", **hint})
            must_fail(answer, "A client that only knows who somebody is reached their phone.")
    if await _told(phone) - before:
        raise GotThrough("A request reached a phone that scanned nothing.")
    return held("Whatever a client does alone, the phone shows nothing.")


@attack("21", "Another person merges, changes or ends a connection")
async def merged(stage: Stage) -> Conclusion:
    """Act on a connection as another person, and name it in a request of one's own."""
    owner, other = await stage.phones(2)
    mine = await _connected(stage, owner)
    path = f"/phone/connections/{mine.grant_id}"
    first = mine.accounts[0].resource_id
    for method, at, body in (
        ("POST", f"{path}/narrow", {"accounts": [first]}),
        ("POST", f"{path}/renew", None),
        ("GET", f"{path}/evidence", None),
        ("DELETE", path, None),
    ):
        answer = await other.call(method, at, body)
        must_fail(answer, f"Another person's phone could {method} {at.rpartition('/')[2]}.")
    for action in ("merge", "replace"):
        named = {"grant_id": mine.grant_id, "grant_management_action": action}
        try:
            tab = await stage.begun(**named)
        except (NotUnderstood, Unclear):
            continue
        try:
            await stage.approved(tab, other)
        except Refused:
            continue
        await stage.tokens(tab, await stage.code(tab) or "")
    [after] = [it for it in await owner.connections() if it.grant_id == mine.grant_id]
    if _facts(after) != _facts(mine):
        raise GotThrough("Another person's approval changed the connection.")
    if mine.grant_id in {it.grant_id for it in await other.connections()}:
        raise GotThrough("Another person sees the connection as their own.")
    return held("To another person the connection does not exist, and it is unchanged.")


@attack("22", "After the end: tokens that go on working")
async def after_the_end(stage: Stage) -> Conclusion:
    """End a connection on the phone, and another as the client; use their tokens again."""
    phone = await stage.phone()
    tokens = await _tokens(stage, phone)
    [connection, *_] = await phone.connections()
    await phone.end(connection.grant_id)
    seconds = await _dies(stage, tokens["access_token"], "the person ended the connection")
    again = {"grant_type": "refresh_token", "refresh_token": tokens.get("refresh_token", "")}
    must_fail(await stage.token(again), "After the end a refresh token gave new tokens.")
    introspection = (await stage.metadata()).get("introspection_endpoint")
    if introspection:
        form = {"token": tokens["access_token"]}
        answer = await stage.client_call(urlsplit(introspection).path, form)
        if answer.is_success and answer.json().get("active"):
            raise GotThrough("After the end introspection calls the access token active.")
    tokens = await _tokens(stage, phone)
    await stage.client_call("/revoke", {"token": tokens.get("refresh_token", "")})
    await _dies(stage, tokens["access_token"], "the client revoked its refresh token")
    asked = "" if introspection else " There is no introspection here."
    return held(f"Access and refresh were dead within {max(seconds, 0.01):.2f} s.{asked}")


@attack("25", "An authorization URL sent to a victim")
async def sent_url(stage: Stage) -> Conclusion:
    """Bring a code of another browser to the client's redirect URI, without the state it keeps."""
    phone, state = await stage.phone(), secrets.token_urlsafe(16)
    try:
        tab = await stage.begun(state=state, code_challenge=None, code_challenge_method=None)
    except (NotUnderstood, Unclear):
        tab = await stage.begun(state=state)
    await stage.approved(tab, phone)
    location = await tab.resume()
    if parse_qs(urlsplit(location).query).get("state") != [state]:
        raise GotThrough("The server does not give the state back as it came.")
    if not is_loopback(urlsplit(location).hostname or ""):
        raise NotApplicable(
            "The state came back whole. A client elsewhere is not called from here."
        )
    try:
        await stage.http.get(location)
    except httpx2.TransportError:
        raise NotApplicable("The state came back whole. No client answers there.") from None
    code = code_in(location) or ""
    answer = await stage.redeem(tab, code)
    if answer.json().get("error") == "invalid_grant":
        answer = await stage.redeem(tab, code, code_verifier=None)
    if answer.json().get("error") == "invalid_client":
        raise NotApplicable("It takes the client's secret; give it (--client-secret).")
    must_pass = answer.is_success
    if not must_pass:
        raise GotThrough("The client redeemed a code that came without its own state.")
    return held("The client left the code alone: its state was none that it keeps.")


async def _told(phone: Phone) -> set[str]:
    """The journeys and notices that a phone can see."""
    journeys = {it.journey for it in await phone.journeys()}
    return journeys | {it.id for it in await phone.notices()}


async def _tokens(stage: Stage, phone: Phone) -> dict[str, str]:
    tab = await stage.begun()
    await stage.approved(tab, phone)
    tokens = await stage.tokens(tab, await stage.code(tab) or "")
    if not await stage.opens(tokens["access_token"]):
        raise Unclear("A fresh access token opens nothing.")
    return tokens


async def _connected(stage: Stage, phone: Phone) -> Connection:
    """A new connection of this person."""
    before = {it.grant_id for it in await phone.connections()}
    await _tokens(stage, phone)
    new = [it for it in await phone.connections() if it.grant_id not in before]
    if len(new) != 1:
        raise Unclear(f"One approval made {len(new)} connections.")
    return new[0]


async def _dies(stage: Stage, access_token: str, reason: str) -> float:
    """Expect a token to open nothing soon; gives the seconds it took."""
    began = time.perf_counter()
    while await stage.opens(access_token):
        if time.perf_counter() - began > _DEAD_WITHIN:
            raise GotThrough(f"A second after {reason}, its access token still opens.")
        await asyncio.sleep(0.1)
    return time.perf_counter() - began


def _facts(connection: Connection) -> tuple[object, ...]:
    """What another person could have changed of a connection."""
    ids = sorted(account.resource_id for account in connection.accounts)
    return ids, connection.scope, connection.valid_until, connection.ended_at
