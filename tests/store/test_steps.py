"""The facts of a phone's step, read by one statement. Takes about two seconds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from endorse.core.change import Begin, Enrol, Issue, NoteTry
from endorse.core.coding import fingerprint
from endorse.core.frame import Frame
from endorse.core.journey import State
from endorse.core.model import Journey, Standing
from endorse.core.policy import Policy
from endorse.core.ways import Link, Spelled, spelling_hash
from endorse.store import Store, steps
from endorse.store.steps import Step
from tests.store import things
from tests.store.things import CODE, GRANT, NOW, PHONE

pytestmark = pytest.mark.anyio

LAW = Policy()
KEY = b"key"
LETTERS = Spelled("BCDFGHJK")
NOTHING = Step(None, None, None)


def journey(number: int, **fields: object) -> Journey:
    """One of many journeys, with these fields."""
    return msgspec.structs.replace(things.journey(number), **fields)


WAITING = journey(1, lid_hash=fingerprint("lid"))
HELD = journey(2, state=State.MATCHED, person_id="anna", phone_id="phone")
OVER = journey(3, state=State.KILLED, person_id="anna", phone_id="phone")
OTHERS = journey(4, state=State.MATCHED, person_id="ben", phone_id="other")


async def stored(store: Store, *journeys: Journey) -> None:
    """Store the phone, the grant that all these name, and these."""
    await things.put(store, Issue(CODE), Enrol(PHONE, CODE.code_hash, NOW), things.made())
    await things.put(store, *(Begin(it) for it in journeys))


async def taking(store: Store, named: steps.Named) -> Step:
    """What a claim is decided on."""
    return await store.read(lambda db: steps.taking(db, PHONE, named, NOW, LAW))


def ids(journeys: Sequence[Journey]) -> list[str]:
    """Which these are."""
    return sorted(it.journey_id for it in journeys)


async def test_a_claim_is_decided_on_what_its_code_names_and_what_the_person_holds(
    store: Store,
) -> None:
    await stored(store, WAITING, HELD, OVER, OTHERS)
    for named in (
        steps.by(Frame("qid-1", 0, ""), KEY),
        steps.by(Link("lid"), KEY),
        steps.Named("short", "short-1"),
    ):
        found = await taking(store, named)
        assert found == Step(PHONE, WAITING, GRANT, Standing(live=(HELD,)))


async def test_what_is_named_and_also_held_is_both(store: Store) -> None:
    await stored(store, HELD, OTHERS)
    found = await taking(store, steps.Named("qid", "qid-2"))
    assert found == Step(PHONE, HELD, GRANT, Standing(live=(HELD,)))
    found = await taking(store, steps.Named("qid", "qid-4"))
    assert found == Step(PHONE, OTHERS, GRANT, Standing(live=(HELD,))), "another person's"


async def test_letters_that_name_two_name_none(store: Store) -> None:
    spelled = {"spelling_hash": spelling_hash(KEY, LETTERS.letters)}
    claimed = journey(7, state=State.MATCHED, person_id="anna", **spelled)
    await stored(store, journey(5, **spelled), claimed)
    named = steps.by(LETTERS, KEY)
    one = await taking(store, named)
    assert one.journey == journey(5, **spelled)
    assert ids(one.standing.live) == ["journey-7"]
    assert (await store.read(lambda db: steps.seen(db, named, "anna")))[0] == one.journey
    await things.put(store, Begin(journey(6, **spelled)))
    assert (await taking(store, named)).journey is None
    assert await store.read(lambda db: steps.seen(db, named, "anna")) == (None, False)


@pytest.mark.parametrize("text", ["", "nobody", "qid-1\0", "\0"])
async def test_what_names_nothing_leaves_the_phone_and_its_person(store: Store, text: str) -> None:
    await stored(store, WAITING, HELD)
    found = await taking(store, steps.Named("qid", text))
    assert found == Step(PHONE, None, None, Standing(live=(HELD,)))
    for read in (
        lambda db: steps.step(db, PHONE, text),
        lambda db: steps.counted(db, PHONE, text, NOW, LAW),
    ):
        assert await store.read(read) == Step(PHONE, None, None)


async def test_of_a_phone_that_is_not_there_there_is_no_step(store: Store) -> None:
    await things.put(store, Begin(WAITING))
    assert await taking(store, steps.Named("qid", "qid-1")) == NOTHING
    assert await store.read(lambda db: steps.step(db, PHONE, "qid-1")) == NOTHING
    assert await store.read(lambda db: steps.counted(db, PHONE, "qid-1", NOW, LAW)) == NOTHING


async def test_what_a_person_tried_counts_for_its_time_alone(store: Store) -> None:
    await stored(store, WAITING)
    tried = {
        "number": LAW.wrong_numbers_in,
        "spelling": LAW.wrong_spellings_in,
        "approval": LAW.approvals_in,
        "stop": LAW.claims_stop,
    }
    for many, (kind, window) in enumerate(tried.items(), 1):
        times = [NOW - window, *[NOW - window + 1] * many]
        await things.put(store, *(NoteTry("anna", kind, at) for at in times))
    await things.put(store, NoteTry("ben", "number", NOW))
    counted = Standing((), 1, 2, 3, stopped=True)
    found = await store.read(lambda db: steps.counted(db, PHONE, "qid-1", NOW, LAW))
    assert found == Step(PHONE, WAITING, GRANT, counted)
    assert (await taking(store, steps.Named("qid", "qid-1"))).standing == counted
