"""Each lifetime ends at its second: just before it all is well, at it nothing is."""

from __future__ import annotations

import pytest

from endorse.core.policy import DAY
from endorse.phone import CodeNotAccepted, Phone, SignInRequired, WrongState, sandbox_code
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("age", [-1, 0, 6])
async def test_a_frame_counts_from_one_second_ahead_to_six_seconds_old(
    served: Served, age: int
) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    served.clock.move(2)
    frame = await tab.frame()
    served.clock.move(age)
    assert (await phone.claim(frame)).state == "claimed"
    served.clock.move(1)


@pytest.mark.parametrize("age", [-2, 7, 60])
async def test_an_older_frame_or_one_from_the_future_is_not_accepted(
    served: Served, age: int
) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    served.clock.move(2)
    frame = await tab.frame()
    served.clock.move(age)
    with pytest.raises(CodeNotAccepted):
        await phone.claim(frame)
    served.clock.move(2)
    assert await tab.state() == "waiting"


async def test_a_code_lapses_after_120_seconds_and_three_new_ones_may_follow(
    served: Served,
) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    for left in (3, 2, 1):
        served.clock.move(119)
        async with tab.listening() as page:
            assert await page.state() == {"state": "waiting", "expires_in": 1}
            last = await page.frame()
            early = await tab.post("/connect/{}/new-code")
            assert (early.status_code, early.json()["error"]) == (409, "wrong_state")
            served.clock.move(1)
            assert await page.state() == {"state": "lapsed", "expires_in": 0, "codes_left": left}
        with pytest.raises(CodeNotAccepted):
            await phone.claim(last)
        assert (await tab.post("/connect/{}/new-code")).json() == {"state": "waiting"}
        assert (await tab.frame()).split(".")[1] != last.split(".")[1]
    assert (await play.claimed(tab, phone)).state == "claimed"


async def test_after_the_fourth_code_the_request_is_over_and_leads_back_to_the_app(
    served: Served,
) -> None:
    tab = await play.begun(served)
    for _ in range(3):
        served.clock.move(120)
        assert (await tab.post("/connect/{}/new-code")).status_code == 200
    served.clock.move(120)
    async with tab.listening() as page:
        assert (await page.state())["state"] == "expired"
        assert await page.rest() == ["done"]
    assert (await tab.post("/connect/{}/new-code")).status_code == 409
    assert play.answered(await tab.resume())["error"] == "access_denied"


async def test_a_request_waits_ten_minutes_in_all(served: Served) -> None:
    tab = await play.begun(served)
    served.clock.move(599)
    assert await tab.state() == "lapsed"
    served.clock.move(1)
    assert await tab.state() == "expired"
    assert (await tab.post("/connect/{}/new-code")).status_code == 409
    assert play.answered(await tab.resume())["error"] == "access_denied"


@pytest.mark.parametrize("step", ["claimed", "matched", "review"])
async def test_a_phone_that_is_idle_for_120_seconds_loses_the_request(
    served: Served, step: str
) -> None:
    phone = await play.phone_of(served)
    tab, journey = await play.standing(served, phone, step)
    served.clock.move(119)
    assert await tab.state() == step
    served.clock.move(1)
    assert await tab.state() == "expired"
    with pytest.raises(WrongState):
        await phone.refuse(journey)
    assert play.answered(await tab.resume())["error"] == "access_denied"


async def test_each_step_of_the_phone_begins_the_idle_time_anew(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    journey = (await play.claimed(tab, phone)).journey
    served.clock.move(119)
    matched = await phone.match(journey, await play.number(served, journey))
    assert matched.expires_in == 120
    served.clock.move(119)
    review = await phone.review(journey, [matched.accounts[0].resource_id])
    # From here on it is the decision's own limit that comes first.
    assert review.expires_in == 300 - 2 * 119


async def test_the_decision_must_come_within_300_seconds_of_the_scan(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    for _ in range(2):
        served.clock.move(119)
        await phone.edit(review.journey)
        review = await phone.review(
            review.journey, [it.resource_id for it in review.consent.accounts]
        )
    assert review.expires_in == 62
    served.clock.move(62)
    with pytest.raises(WrongState):
        await phone.approve(review)


async def test_a_decision_in_the_last_second_counts(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    served.clock.move(119)
    assert (await phone.approve(review)).state == "approved"


async def test_the_browser_must_come_within_60_seconds_of_the_approval(served: Served) -> None:
    phone = await play.phone_of(served)
    in_time = await play.approved(served, phone)
    served.clock.move(59)
    assert "code" in play.answered(await in_time.resume())
    late = await play.approved(served, phone)
    before = len(await phone.connections())
    served.clock.move(60)
    answer = play.answered(await late.resume())
    assert (answer["error"], "code" in answer) == ("access_denied", False)
    assert await late.state() == "expired"
    assert len(await phone.connections()) == before


async def test_a_code_is_good_for_60_seconds(served: Served) -> None:
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone)
    served.clock.move(59)
    assert (await play.redeem(served, code)).status_code == 200
    code = await play.code_for(served, phone)
    served.clock.move(60)
    late = await play.redeem(served, code)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


async def test_an_access_token_is_good_for_300_seconds(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    served.clock.move(299)
    assert await play.opens(served, got["access_token"])
    served.clock.move(1)
    assert not await play.opens(served, got["access_token"])


async def test_a_grant_without_offline_access_ends_with_its_access_token(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope="accounts")
    [connection] = await phone.connections()
    assert (connection.valid_until - connection.created_at).total_seconds() <= 300
    served.clock.move(300)
    assert not await play.opens(served, got["access_token"])


async def test_a_grant_ends_after_the_days_that_the_client_is_registered_for(
    served: Served,
) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    served.clock.move(90 * DAY - 1)
    again = await play.refresh(served, got["refresh_token"])
    assert again.status_code == 200
    assert again.json()["expires_in"] == 1
    served.clock.move(1)
    assert not await play.opens(served, again.json()["access_token"])
    ended = await play.refresh(served, again.json()["refresh_token"])
    assert ended.json()["error"] == "invalid_grant"


async def test_an_enrolment_code_is_good_for_600_seconds(served: Served) -> None:
    for age, good in ((599, True), (600, False)):
        code = await sandbox_code(served.issuer, served.http, "anna")
        served.clock.move(age)
        phone = Phone(served.issuer, served.http, clock=served.clock)
        if good:
            await phone.enrol(code)
        else:
            with pytest.raises(CodeNotAccepted):
                await phone.enrol(code)


async def test_a_phone_is_signed_in_for_900_seconds(served: Served) -> None:
    phone = await play.somebody(served)
    served.clock.move(899)
    await phone.connections()
    served.clock.move(2)
    with pytest.raises(SignInRequired):
        await phone.connections()
    await phone.sign_in()
    await phone.connections()


async def test_a_page_that_was_open_for_600_seconds_must_be_opened_again(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    served.clock.move(600)
    assert (await tab.start()).status_code == 200
    await tab.open()
    served.clock.move(601)
    late = await tab.start()
    assert (late.status_code, late.json()["error"]) == (400, "invalid_request")


async def test_a_passkey_prompt_may_take_300_seconds(served: Served) -> None:
    phone = await play.phone_of(served)
    assert phone.passkey is not None
    for age, status in ((300, 200), (301, 403)):
        asked = await phone.call(
            "POST", "/phone/sign-in/options", {"phone_id": phone.phone_id}, signed_in=False
        )
        credential = phone.passkey.sign(asked.json()["options"], served.issuer)
        served.clock.move(age)
        body = {"phone_id": phone.phone_id, "credential": credential}
        answer = await phone.call("POST", "/phone/sign-in", body, signed_in=False)
        assert answer.status_code == status


async def test_a_signed_call_is_good_for_60_seconds_either_way(served: Served) -> None:
    for error, status in ((60, 200), (-60, 200), (61, 401), (-61, 401)):
        phone = await play.phone_of(served)
        phone._clock_error = error
        answer = await phone.call("GET", "/phone/connections")
        phone._clock_error = 0
        assert answer.status_code == status


async def test_a_phone_whose_clock_is_an_hour_wrong_learns_the_time_and_enrols(
    served: Served,
) -> None:
    phone = Phone(served.issuer, served.http, clock=lambda: served.clock() - 3600)
    person = await phone.enrol(await sandbox_code(served.issuer, served.http, "anna"))
    assert person.id == "anna"
    await phone.connections()
