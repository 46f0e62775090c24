"""The changes to a person's phones: what each does, and that it is not done without its guard."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from endorse.core.change import (
    Begin,
    ConfirmPhone,
    CountWrongDigits,
    Decision,
    Enrol,
    Issue,
    RevokePhone,
    TouchPhone,
)
from endorse.core.journey import State
from endorse.core.model import Phone
from endorse.store import Store, reads
from tests.store import looking, things
from tests.store.things import CODE, JOURNEY, NOW, PHONE

pytestmark = pytest.mark.anyio

USABLE = msgspec.structs.replace(PHONE, usable_from=NOW)
NEW = msgspec.structs.replace(
    PHONE,
    phone_id="new",
    credential_id="credential-new",
    enrolled_with="code-new",
    lapses_at=NOW + 9,
    enrolled_at=NOW + 1,
)


def joined(phone: Phone) -> list[Issue | Enrol]:
    """The changes by which a phone joins with a code of its own."""
    code = msgspec.structs.replace(CODE, code_hash=f"code of {phone.phone_id}")
    return [Issue(code), Enrol(phone, code.code_hash, NOW)]


async def put(store: Store, *phones: Phone) -> None:
    """Store these phones."""
    for phone in phones:
        await things.put(store, *joined(phone))


async def stored(store: Store, phone_id: str = "new") -> Phone:
    """A stored phone."""
    phone = await store.read(lambda db: reads.phone(db, phone_id))
    assert phone is not None
    return phone


async def test_a_phone_comes_back_with_all_that_it_was_enrolled_with(store: Store) -> None:
    await put(store, USABLE, NEW)
    assert await stored(store) == NEW
    assert await stored(store, "phone") == USABLE


async def test_a_persons_phones_without_revoked_ones_the_newest_first(store: Store) -> None:
    bens = msgspec.structs.replace(NEW, phone_id="b", credential_id="b", person_id="ben")
    gone = msgspec.structs.replace(USABLE, phone_id="g", credential_id="g")
    await put(store, USABLE, NEW, bens, gone)
    await things.put(store, RevokePhone(gone, "the bank", None, NOW))
    assert await store.read(lambda db: reads.phones_of(db, "anna", 9)) == [NEW, USABLE]
    assert await store.read(lambda db: reads.phones_of(db, "anna", 1)) == [NEW]
    assert await store.read(lambda db: reads.phones_of(db, "' OR 1=1", 9)) == []


async def test_one_phone_of_a_person_is_pending_and_no_second_one(store: Store) -> None:
    await put(store, NEW)
    second = msgspec.structs.replace(NEW, phone_id="second", credential_id="second")
    await things.put(store, joined(second)[0])
    assert not await store.change(joined(second)[1:], NOW)
    code = await store.read(lambda db: reads.enrolment(db, "code of second"))
    assert code is not None
    assert code.used_at is None
    # Once the first is decided, either way, another may come.
    await things.put(store, ConfirmPhone(NEW, NOW, "the bank", None))
    await things.put(store, *joined(second)[1:])
    await things.put(store, RevokePhone(second, "the bank", None, NOW))
    third = msgspec.structs.replace(NEW, phone_id="third", credential_id="third")
    await put(store, third)


async def test_a_confirmation_is_made_once(store: Store) -> None:
    await put(store, USABLE, NEW)
    confirm = ConfirmPhone(NEW, NOW + 5, "another phone", "phone")
    assert await store.change([confirm], NOW)
    assert (await stored(store)).usable_from == NOW + 5
    assert not await store.change([confirm], NOW)
    # A later decision knows the first, and may bring the time forward.
    known = await stored(store)
    assert await store.change([ConfirmPhone(known, NOW, "the bank", None)], NOW)
    assert (await stored(store)).usable_from == NOW


async def test_a_phone_that_was_revoked_or_mistyped_meanwhile_is_not_confirmed(
    store: Store,
) -> None:
    await put(store, USABLE, NEW)
    confirm = ConfirmPhone(NEW, NOW, "the bank", None)
    assert await store.change([CountWrongDigits(NEW, "the bank")], NOW)
    assert not await store.change([confirm], NOW)
    known = await stored(store)
    await things.put(store, RevokePhone(known, "the bank", None, NOW))
    assert not await store.change([ConfirmPhone(known, NOW, "the bank", None)], NOW)
    assert (await stored(store)).usable_from is None


async def test_a_revoked_phone_confirms_and_revokes_nothing(store: Store) -> None:
    await put(store, USABLE, NEW)
    await things.put(store, RevokePhone(USABLE, "the bank", None, NOW))
    for by_phone in ("phone", "nobody"):
        assert not await store.change([ConfirmPhone(NEW, NOW, "another phone", by_phone)], NOW)
        assert not await store.change([RevokePhone(NEW, "another phone", by_phone, NOW)], NOW)
    assert await stored(store) == NEW


async def test_a_phone_may_revoke_itself(store: Store) -> None:
    await put(store, USABLE)
    assert await store.change([RevokePhone(USABLE, "the phone itself", "phone", NOW)], NOW)
    assert (await stored(store, "phone")).revoked_at == NOW


async def test_a_phone_ends_once(store: Store) -> None:
    await put(store, USABLE)
    assert await store.change([RevokePhone(USABLE, "the bank", None, NOW + 1)], NOW)
    assert not await store.change([RevokePhone(USABLE, "the bank", None, NOW + 2)], NOW)
    assert (await stored(store, "phone")).revoked_at == NOW + 1


async def test_each_wrong_try_counts_once_also_when_many_come_at_once(
    store: Store, other: Store
) -> None:
    await put(store, NEW)

    def decide(phone: Phone | None) -> Decision[int]:
        assert phone is not None
        return Decision(phone.wrong_digits, (CountWrongDigits(phone, "the bank"),))

    stores = (store, other) * 4
    answers = await asyncio.gather(
        *(one.settle(lambda db: reads.phone(db, "new"), decide, NOW) for one in stores)
    )
    assert {answer.answer for answer in answers} == set(range(8))
    assert (await stored(store)).wrong_digits == 8


async def test_of_two_phones_that_join_at_once_on_two_servers_one_is_pending(
    store: Store, other: Store
) -> None:
    second = msgspec.structs.replace(NEW, phone_id="second", credential_id="second")
    for phone in (NEW, second):
        await things.put(store, joined(phone)[0])
    work = ((store, NEW), (other, second))
    won = await asyncio.gather(*(one.change(joined(it)[1:], NOW) for one, it in work))
    assert sorted(won) == [False, True]
    assert await looking.count(store, "phones") == 1


async def test_a_sign_in_is_noted(store: Store) -> None:
    await put(store, USABLE)
    await things.put(store, TouchPhone("phone", NOW + 7), TouchPhone("nobody", NOW))
    assert (await stored(store, "phone")).signed_in_at == NOW + 7


async def test_the_journeys_that_a_phone_holds(store: Store) -> None:
    for number, (state, phone_id) in enumerate(
        [
            (State.CLAIMED, "phone"),
            (State.MATCHED, "phone"),
            (State.REVIEW, "phone"),
            (State.WAITING, None),
            (State.APPROVED, "phone"),
            (State.KILLED, "phone"),
            (State.CLAIMED, "other"),
        ]
    ):
        journey = msgspec.structs.replace(
            things.journey(number), state=state, phone_id=phone_id, person_id="anna"
        )
        await things.put(store, Begin(journey))
    held = await store.read(lambda db: reads.journeys_held(db, "phone"))
    assert [journey.state for journey in held] == [State.CLAIMED, State.MATCHED, State.REVIEW]
    assert held[0].request == JOURNEY.request


async def test_what_happens_to_phones_is_on_the_trail(store: Store) -> None:
    await put(store, USABLE, NEW)
    await things.put(store, CountWrongDigits(NEW, "the bank"))
    known = await stored(store)
    await things.put(store, ConfirmPhone(known, NOW, "another phone of the person", "phone"))
    await things.put(store, RevokePhone(known, "the phone itself", "new", NOW))
    await things.put(store, TouchPhone("phone", NOW))
    lines = [(line[1], line[2], line[6], line[7]) for line in await looking.trail(store)]
    assert lines[4:] == [
        ("wrong digits", "the bank", "anna", "new"),
        ("confirm phone", "another phone of the person", "anna", "new"),
        ("revoke phone", "the phone itself", "anna", "new"),
    ]
