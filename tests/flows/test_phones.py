"""A person's phones over HTTP: pending until confirmed, listed, revoked, lost and replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from endorse.core.coding import Secret
from endorse.core.policy import DAY
from endorse.phone import (
    AnotherPhonePending,
    EnrolmentCodeUsed,
    NotFound,
    Phone,
    PhoneError,
    PhoneNotKnown,
    PhonePending,
    SignInRequired,
    WrongDigits,
)
from endorse.server import phones as desk_side
from endorse.server.app import ANSWERS
from endorse.server.enrol import issue
from tests.flows import play
from tests.flows.nodes import doubled
from tests.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("phones")]

STRICT = msgspec.structs.replace(play.QUICK, confirm_phones=True)


@pytest.fixture(scope="module")
async def served(database: str) -> AsyncIterator[Served]:
    """A sandbox server that confirms phones as a bank's does, on each database."""
    async with serving(database, STRICT) as server, play.quiet_client() as http:
        server.http = http
        yield server


@pytest.fixture
def person(served: Served) -> str:
    """Somebody without any phone."""
    assert served.desk.invented is not None
    return served.desk.invented.new_person().id


async def code_for(served: Served, person: str) -> str:
    """An enrolment code of the bank."""
    code = await issue(served.desk, person)
    assert isinstance(code, Secret)
    return code.reveal()


async def joined(served: Served, person: str, name: str = "Phone") -> Phone:
    """A phone that joined, and waits for its digits."""
    # What comes later is later by a second, and so stands first on each list.
    served.clock.move(1)
    phone = Phone(served.issuer, served.http, name=name, clock=served.clock)
    await phone.enrol(await code_for(served, person))
    return phone


def digits_of(phone: Phone) -> str:
    """What the phone shows."""
    assert phone.digits is not None
    return phone.digits


def id_of(phone: Phone) -> str:
    """The id of an enrolled phone."""
    assert phone.phone_id is not None
    return phone.phone_id


def wrong(phone: Phone) -> str:
    """Other digits than the phone shows."""
    return f"{(int(digits_of(phone)) + 1) % 10**6:06}"


async def at_desk(served: Served, person: str, digits: str) -> str:
    """What the bank's desk is answered for these digits: the phone's state, or the refusal."""
    answer = await desk_side.confirm_at_desk(served.desk, person, digits)
    return getattr(answer, "name", "") if not hasattr(answer, "at") else answer.at(served.clock())


async def first_phone(served: Served, person: str, name: str = "First") -> Phone:
    """The person's first phone, confirmed by the desk."""
    phone = await joined(served, person, name)
    assert await at_desk(served, person, digits_of(phone)) == "usable"
    return phone


# --- joining -----------------------------------------------------------------------------------


async def test_a_new_phone_shows_whose_account_it_joins_and_its_digits(
    served: Served, person: str
) -> None:
    phone = await joined(served, person)
    assert phone.person is not None
    assert phone.person.id == person
    assert phone.pending is not None
    assert phone.pending.digits == phone.digits
    assert phone.pending.usable_from is None
    assert phone.pending.lapses_at is not None
    assert int(phone.pending.lapses_at.timestamp()) == served.clock() + DAY
    # Signing in tells the same again, so that the app can be closed meanwhile.
    before = phone.pending
    await phone.sign_in()
    assert phone.pending == before


async def test_that_a_phone_joined_is_news_to_the_others_and_not_to_itself(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    await first.confirm(id_of(second), digits_of(second))
    for phone, unread in ((first, True), (second, False)):
        told = await phone.notices()
        [one] = [it for it in told if (it.kind, it.phone_id) == ("phone_enrolled", second.phone_id)]
        assert one.unread is unread


async def test_a_pending_phone_is_refused_on_every_route_with_one_name(
    served: Served, person: str
) -> None:
    phone = await joined(served, person)
    other = await first_phone(served, served.desk.invented.new_person().id)  # type: ignore[union-attr]
    tab, journey = await play.standing(served, other, "claimed")
    tried = 0
    for method, path, _ in ANSWERS:
        if not path.startswith("/phone/") or any(
            part in path for part in ("/enrol", "/sign-in", "/sandbox", "openapi")
        ):
            continue
        filled = path.format(phone_id=id_of(phone), grant_id="g")
        body = {"journey": journey, "code": await tab.frame(), "digits": digits_of(phone)}
        answer = await phone.call(method, filled, body if method == "POST" else None)
        assert (answer.status_code, answer.json()["error"]) == (403, "phone_pending"), path
        tried += 1
    assert tried >= 13
    assert await tab.state() == "claimed"


async def test_the_desk_makes_an_only_phone_usable_at_once(served: Served, person: str) -> None:
    phone = await joined(served, person)
    assert await at_desk(served, person, digits_of(phone)) == "usable"
    # Its session was good before; nobody needs to sign in again.
    assert [one.state for one in await phone.phones()] == ["usable"]
    assert await at_desk(served, person, digits_of(phone)) == "usable"
    await phone.sign_in()
    assert phone.pending is None
    got = await play.tokens(served, phone)
    assert await play.opens(served, got["access_token"])


async def test_the_first_phone_makes_a_second_one_usable_at_once(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person, "Second")
    [new, old] = await first.phones()
    assert (new.name, new.state, new.this) == ("Second", "pending", False)
    assert (old.name, old.state, old.this) == ("First", "usable", True)
    spaced = f"{digits_of(second)[:3]} {digits_of(second)[3:]}"
    for _ in range(2):
        assert (await first.confirm(id_of(second), spaced)).state == "usable"
    assert {one.state for one in await second.phones()} == {"usable"}


async def test_the_list_of_phones_does_not_show_the_digits(served: Served, person: str) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    answer = await first.call("GET", "/phone/phones")
    assert answer.status_code == 200
    assert digits_of(second) not in answer.text
    assert "credential" not in answer.text


async def test_what_the_desk_confirms_beside_another_phone_waits_for_24_hours(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    for _ in range(2):
        assert await at_desk(served, person, digits_of(second)) == "waiting"
        served.clock.move(60)
    with pytest.raises(PhonePending):
        await second.phones()
    served.clock.move(DAY - 121)
    await second.sign_in()
    assert second.pending is not None
    assert second.pending.usable_from is not None
    assert int(second.pending.usable_from.timestamp()) == served.clock() + 1
    refused = await second.call("GET", "/phone/connections")
    assert refused.json()["usable_from"] == second.pending.usable_from.strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    served.clock.move(1)
    assert await second.connections() == ()
    await first.sign_in()
    assert {one.state for one in await first.phones()} == {"usable"}


async def test_the_first_phone_can_end_the_wait_or_the_phone(served: Served, person: str) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    assert await at_desk(served, person, digits_of(second)) == "waiting"
    assert (await first.confirm(id_of(second), digits_of(second))).state == "usable"
    third = await joined(served, person)
    assert await at_desk(served, person, digits_of(third)) == "waiting"
    await first.revoke_phone(id_of(third))
    served.clock.move(DAY)
    with pytest.raises(PhoneNotKnown):
        await third.sign_in()


async def test_three_wrong_digits_on_phone_and_desk_together_end_the_new_phone(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    left = []
    for _ in range(2):
        with pytest.raises(WrongDigits) as caught:
            await first.confirm(id_of(second), wrong(second))
        left.append(caught.value.tries_left)
    assert left == [2, 1]
    assert await at_desk(served, person, wrong(second)) == "wrong_digits"
    with pytest.raises(NotFound):
        await first.confirm(id_of(second), digits_of(second))
    assert await at_desk(served, person, digits_of(second)) == "no_phone_pending"
    with pytest.raises(SignInRequired):
        await second.phones()
    with pytest.raises(PhoneNotKnown):
        await second.sign_in()
    # The person can begin again.
    await first.confirm(id_of(third := await joined(served, person)), digits_of(third))


async def test_a_phone_of_another_person_can_neither_confirm_nor_revoke(
    served: Served, person: str
) -> None:
    stranger = await first_phone(served, person)
    assert served.desk.invented is not None
    victim = served.desk.invented.new_person().id
    phone = await joined(served, victim)
    for _ in range(4):
        with pytest.raises(NotFound):
            await stranger.confirm(id_of(phone), digits_of(phone))
        with pytest.raises(NotFound):
            await stranger.revoke_phone(id_of(phone))
    assert await at_desk(served, person, digits_of(phone)) == "no_phone_pending"
    assert await at_desk(served, victim, digits_of(phone)) == "usable"


async def test_a_phone_that_nobody_confirms_lapses_and_makes_room(
    served: Served, person: str
) -> None:
    phone = await joined(served, person)
    served.clock.move(DAY - 1)
    await phone.sign_in()
    late = Phone(served.issuer, served.http, clock=served.clock)
    with pytest.raises(AnotherPhonePending):
        await late.enrol(await code_for(served, person))
    served.clock.move(1)
    with pytest.raises(SignInRequired):
        await phone.phones()
    with pytest.raises(PhoneNotKnown):
        await phone.sign_in()
    await first_phone(served, person)


@pytest.mark.parametrize("digits", ["", "12345", "1234567", "12345a", "\uff11" * 6, "-12345"])
async def test_what_are_not_six_digits_does_not_count_as_a_try(
    served: Served, person: str, digits: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    path = f"/phone/phones/{id_of(second)}/confirm"
    for body in ({"digits": digits}, {}, {"digits": 123456}):
        assert (await first.call("POST", path, body)).status_code == 400
    assert (await first.confirm(id_of(second), digits_of(second))).state == "usable"


# --- a stolen code -----------------------------------------------------------------------------


async def test_a_thief_who_enrols_first_is_seen_and_gets_nothing(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    code = await code_for(served, person)
    served.clock.move(1)
    thief, honest = [Phone(served.issuer, served.http, clock=served.clock) for _ in range(2)]
    await thief.enrol(code)
    with pytest.raises(EnrolmentCodeUsed, match="Another phone has joined with this code"):
        await honest.enrol(code)
    # The honest phone has no digits that anybody could type for the thief.
    assert honest.digits is None
    with pytest.raises(AnotherPhonePending, match="tell your bank"):
        await honest.enrol(await code_for(served, person))
    told = (await first.notices())[0]
    assert (told.kind, told.phone_id, told.by) == ("phone_enrolled", thief.phone_id, "phone")
    await first.revoke_phone(id_of(thief))
    with pytest.raises(PhoneNotKnown):
        await thief.sign_in()
    await honest.enrol(await code_for(served, person))
    await first.confirm(id_of(honest), digits_of(honest))
    assert await honest.connections() == ()


async def test_two_phones_never_show_the_same_digits_for_one_code(
    served: Served, person: str
) -> None:
    thief = await joined(served, person)
    assert await at_desk(served, person, wrong(thief)) == "wrong_digits"


# --- losing a phone ----------------------------------------------------------------------------


async def test_a_revoked_phone_loses_session_and_journeys_at_once(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person, "Lost")
    await first.confirm(id_of(second), digits_of(second))
    got = await play.tokens(served, second)
    approved = await play.approved(served, second)
    tab, journey = await play.standing(served, second, "review")
    async with tab.listening() as page:
        assert (await page.state("review"))["state"] == "review"
        for _ in range(2):
            await first.revoke_phone(id_of(second))
        assert (await page.state("killed"))["state"] == "killed"
    with pytest.raises(SignInRequired):
        await second.match(journey, 10)
    assert play.answered(await tab.resume())["error"] == "access_denied"
    stopped = await served.desk.store.read(
        lambda db: db.one("SELECT reason FROM journeys WHERE short = $1", tab.short)
    )
    assert stopped is not None
    assert stopped[0] == "phone_revoked"
    # What the person had approved stays: it is theirs to end, on the list of connections.
    assert "code" in play.answered(await approved.resume())
    assert await play.opens(served, got["access_token"])
    assert len(await first.connections()) == 1


async def test_a_phone_can_revoke_itself(served: Served, person: str) -> None:
    first = await first_phone(served, person)
    await first.revoke_phone(id_of(first))
    for call in (first.phones(), first.revoke_phone(id_of(first))):
        with pytest.raises(SignInRequired):
            await call


async def test_a_lost_phone_is_replaced_at_the_desk(served: Served, person: str) -> None:
    lost = await first_phone(served, person, "Lost")
    got = await play.tokens(served, lost)
    ended = await desk_side.revoke_at_desk(served.desk, person)
    assert [phone.phone_id for phone in ended] == [lost.phone_id]  # type: ignore[union-attr]
    assert getattr(await desk_side.revoke_at_desk(served.desk, person), "error", "") == "not_found"
    with pytest.raises(SignInRequired):
        await lost.connections()
    new = await first_phone(served, person, "New")
    assert [one.name for one in await new.phones()] == ["New"]
    [connection] = await new.connections()
    await new.end(connection.grant_id)
    assert not await play.opens(served, got["access_token"])
    kinds = [notice.kind for notice in await new.notices()]
    assert set(kinds) >= {"phone_enrolled", "phone_confirmed", "phone_revoked"}


async def test_the_desk_revokes_one_phone_and_leaves_the_others(
    served: Served, person: str
) -> None:
    first = await first_phone(served, person)
    second = await joined(served, person)
    for _ in range(2):
        ended = await desk_side.revoke_at_desk(served.desk, person, id_of(second))
        assert [phone.phone_id for phone in ended] == [second.phone_id]  # type: ignore[union-attr]
    assert [one.phone_id for one in await first.phones()] == [first.phone_id]
    stranger = await desk_side.revoke_at_desk(served.desk, "anna", id_of(first))
    assert getattr(stranger, "error", "") == "not_found"


# --- at the same moment ------------------------------------------------------------------------


async def test_of_confirming_and_revoking_at_once_the_phone_never_outlives_the_revocation(
    served: Served, person: str
) -> None:
    async with doubled(served):
        first = await first_phone(served, person)
        for _ in range(3):
            second = await joined(served, person)
            results = await play.together(
                first.confirm(id_of(second), digits_of(second)),
                first.revoke_phone(id_of(second)),
                first.confirm(id_of(second), digits_of(second)),
            )
            for result in (results[0], results[2]):
                assert isinstance(result, NotFound) or result.state == "usable"
            assert not isinstance(results[1], BaseException)
            with pytest.raises(SignInRequired):
                await second.phones()


async def test_many_wrong_tries_at_once_are_three_and_no_more(served: Served, person: str) -> None:
    async with doubled(served):
        first = await first_phone(served, person)
        second = await joined(served, person)
        tries = (first.confirm(id_of(second), wrong(second)) for _ in range(9))
        results = await play.together(*tries)
        left = [one.tries_left for one in results if isinstance(one, WrongDigits)]
        assert set(left) == {0, 1, 2}
        assert sum(isinstance(one, NotFound) for one in results) == 6
        assert len(left) == 3


async def test_of_two_phones_that_revoke_each_other_at_once_one_at_least_is_gone(
    served: Served, person: str
) -> None:
    async with doubled(served):
        first = await first_phone(served, person)
        second = await joined(served, person)
        await first.confirm(id_of(second), digits_of(second))
        await play.together(first.revoke_phone(id_of(second)), second.revoke_phone(id_of(first)))
        alive = [one for one in (first, second) if await _lives(one)]
        assert len(alive) <= 1


async def _lives(phone: Phone) -> bool:
    try:
        await phone.phones()
    except PhoneError:
        return False
    return True
