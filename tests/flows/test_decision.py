"""How it is decided: refused, cancelled, stopped; and that no other phone has a say."""

from __future__ import annotations

import pytest

from endorse.phone import AlreadyScanned, CodeNotAccepted, NotFound, WrongState
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("step", ["claimed", "matched", "review"])
async def test_a_refusal_on_the_phone_is_told_to_the_app(served: Served, step: str) -> None:
    phone = await play.phone_of(served)
    tab, journey = await play.standing(served, phone, step)
    assert (await phone.refuse(journey)).state == "rejected"
    answer = play.answered(await tab.resume())
    assert (answer["error"], answer["iss"]) == ("access_denied", served.issuer)
    with pytest.raises(WrongState) as refused:
        await phone.match(journey, await play.number(served, journey))
    assert refused.value.state == "rejected"


@pytest.mark.usefixtures("one_server")
async def test_a_cancel_on_the_page_ends_it_for_the_phone_at_once(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    watching = await play.waiting(served, phone.watch(review.journey, "review"))
    assert (await tab.post("/connect/{}/cancel")).json() == {"state": "cancelled"}
    assert (await watching).state == "cancelled"
    with pytest.raises(WrongState):
        await phone.approve(review)
    assert play.answered(await tab.resume())["error"] == "access_denied"
    again = await tab.post("/connect/{}/cancel")
    assert (again.status_code, again.json()["state"]) == (409, "cancelled")


async def test_a_second_scan_by_another_person_stops_the_journey(served: Served) -> None:
    first, second = await play.phone_of(served, "anna"), await play.phone_of(served, "bram")
    tab = await play.begun(served)
    async with tab.listening() as page:
        frame = await page.frame()
        journey = (await first.claim(frame)).journey
        await page.state("claimed")
        # Frames go on, so that the other scan stays possible.
        with pytest.raises(AlreadyScanned):
            await second.claim(await page.frame())
        assert (await page.state("killed"))["reason"] == "already_scanned"
        assert await page.rest() == ["done"]
    with pytest.raises(WrongState):
        await first.match(journey, await play.number(served, journey))
    with pytest.raises(CodeNotAccepted):
        await second.claim(frame)
    assert play.answered(await tab.resume())["error"] == "access_denied"


async def test_the_same_phone_may_scan_twice(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    frame = await tab.frame()
    assert await phone.claim(frame) == await phone.claim(frame)
    assert await tab.state() == "claimed"


async def test_once_the_first_phone_went_on_a_second_scan_changes_nothing(served: Served) -> None:
    first, second = await play.phone_of(served, "anna"), await play.phone_of(served, "bram")
    tab = await play.begun(served)
    frame = await tab.frame()
    journey = (await first.claim(frame)).journey
    await first.match(journey, await play.number(served, journey))
    with pytest.raises(CodeNotAccepted):
        await second.claim(frame)
    assert await tab.state() == "matched"


async def test_a_journey_of_another_phone_does_not_exist(served: Served) -> None:
    first, second = await play.phone_of(served, "anna"), await play.phone_of(served, "bram")
    review = await play.reviewed(await play.begun(served), first)
    with pytest.raises(NotFound):
        await second.match(review.journey, 10)
    for call in (second.edit, second.refuse, second.disown):
        with pytest.raises(NotFound):
            await call(review.journey)
    with pytest.raises(NotFound):
        await second.watch(review.journey, "review")
    assert first.passkey is not None
    signed = first.passkey.sign(review.options, served.issuer)
    with pytest.raises(NotFound):
        await second.approve(review, signed)
