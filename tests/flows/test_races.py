"""At the same moment, on two servers with one database: exactly one wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from endorse.phone import AlreadyScanned, CodeNotAccepted, Phone, PhoneError, sandbox_code
from endorse.store.connection import Connection
from tests import parts
from tests.flows import play
from tests.flows.nodes import doubled
from tests.serving import Served

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("races")]

ROUNDS = 25 if parts.SOAK else 3


@pytest.fixture(scope="module", autouse=True)
async def two_servers(served: Served) -> AsyncIterator[None]:
    """Two servers behind one address."""
    async with doubled(served):
        yield


@pytest.fixture(scope="module")
async def crowd(served: Served, two_servers: None) -> list[Phone]:
    """The phones of 50 people."""
    return [await play.somebody(served) for _ in range(50)]


def kinds(results: list[Any]) -> Counter[str]:
    """How often each answer came: `error` of a refusal, or the status."""
    named = []
    for result in results:
        if isinstance(result, httpx2.Response):
            body = result.json()
            named.append(body.get("error") or str(result.status_code))
        elif isinstance(result, PhoneError):
            named.append(result.code)
        elif isinstance(result, BaseException):
            raise result
        else:
            named.append(result.state if hasattr(result, "state") else "200")
    return Counter(named)


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_of_30_redemptions_one_answers_and_the_others_revoke_its_grant(
    served: Served, _round: int
) -> None:
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone)
    answers = await play.together(*(play.redeem(served, code) for _ in range(30)))
    assert kinds(answers) == {"200": 1, "invalid_grant": 29}
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await play.opens(served, won["access_token"])
    dead = await play.refresh(served, won["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"


async def test_a_code_never_makes_two_grants(served: Served) -> None:
    async def grants(db: Connection) -> int:
        row = await db.one("SELECT count(*) FROM grants")
        assert row is not None
        return int(row[0])

    phone = await play.phone_of(served)
    before = await served.desk.store.read(grants)
    codes = [await play.code_for(served, phone) for _ in range(5)]
    await play.together(*(play.redeem(served, code) for code in codes * 4))
    assert await served.desk.store.read(grants) == before + 5


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_of_50_claims_by_50_people_one_wins(
    served: Served, crowd: list[Phone], _round: int
) -> None:
    tab = await play.begun(served)
    frame = await tab.frame()
    results = await play.together(*(phone.claim(frame) for phone in crowd))
    # The second scan stops the journey, and then there is no code any more.
    counted = kinds(results)
    assert counted == {"claimed": 1, "already_scanned": 1, "code_not_accepted": 48}
    assert await tab.state() == "killed"
    assert play.answered(await tab.resume())["error"] == "access_denied"


async def test_of_two_claims_the_first_stands_until_the_second_stops_it(
    served: Served, crowd: list[Phone]
) -> None:
    for first, second in zip(crowd[::2][:10], crowd[1::2][:10], strict=True):
        frame = await (await play.begun(served)).frame()
        results = await play.together(first.claim(frame), second.claim(frame))
        assert kinds(results) == {"claimed": 1, "already_scanned": 1}
        assert not any(isinstance(result, CodeNotAccepted) for result in results)
        assert any(isinstance(result, AlreadyScanned) for result in results)


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_approve_refuse_and_cancel_at_once_have_one_outcome(
    served: Served, _round: int
) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    work = [
        phone.approve(review),
        phone.refuse(review.journey),
        tab.post("/connect/{}/cancel"),
        phone.edit(review.journey),
    ]
    order = work[_round % 4 :] + work[: _round % 4]
    results = await play.together(*order)
    state = await tab.state()
    assert state in ("approved", "rejected", "cancelled")
    won = [
        result.state if hasattr(result, "state") else result.json()["state"]
        for result in results
        if not isinstance(result, PhoneError)
        and not (isinstance(result, httpx2.Response) and result.status_code != 200)
    ]
    # An edit may come first: then the approval is of a document that is dead.
    assert [one for one in won if one != "matched"] == [state]
    answer = play.answered(await tab.resume())
    assert ("code" in answer) == (state == "approved")


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_an_approval_that_is_sent_many_times_counts_once(served: Served, _round: int) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    results = await play.together(*(phone.approve(review) for _ in range(8)))
    assert kinds(results) == {"approved": 1, "wrong_state": 7}
    locations = await play.together(*(tab.resume() for _ in range(8)))
    [location] = {answer.headers["location"] for answer in locations}
    assert "code=" in location


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_an_enrolment_code_that_many_phones_use_at_once_enrols_one(
    served: Served, _round: int
) -> None:
    code = await sandbox_code(served.issuer, served.http)
    phones = [Phone(served.issuer, served.http, clock=served.clock) for _ in range(6)]
    results = await play.together(*(phone.enrol(code) for phone in phones))
    assert kinds(results) == {"200": 1, "enrolment_code_used": 5}
    [enrolled] = [phone for phone in phones if phone.phone_id is not None]
    await enrolled.sign_in()


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_refreshes_at_once_get_the_same_successor(served: Served, _round: int) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    work = (play.refresh(served, got["refresh_token"]) for _ in range(10))
    answers = await play.together(*work)
    assert kinds(answers) == {"200": 10}
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    assert (await play.refresh(served, successor)).status_code == 200


async def test_new_codes_asked_for_at_once_count_once(served: Served) -> None:
    tab = await play.begun(served)
    served.clock.move(120)
    answers = await play.together(*(tab.post("/connect/{}/new-code") for _ in range(6)))
    assert kinds(answers)["wrong_state"] == 5
    served.clock.move(120)
    async with tab.listening() as page:
        assert (await page.state("lapsed"))["codes_left"] == 2


async def test_the_end_of_a_connection_at_the_moment_of_a_refresh_leaves_nothing_alive(
    served: Served,
) -> None:
    for _ in range(5):
        phone = await play.somebody(served)
        got = await play.tokens(served, phone)
        [connection] = await phone.connections()
        ended, refreshed = await play.together(
            phone.end(connection.grant_id), play.refresh(served, got["refresh_token"])
        )
        assert not isinstance(ended, BaseException)
        assert refreshed.status_code in (200, 400)
        alive = [got, refreshed.json()] if refreshed.status_code == 200 else [got]
        for tokens in alive:
            assert not await play.opens(served, tokens["access_token"])
            assert (await play.refresh(served, tokens["refresh_token"])).status_code == 400
