"""Many requests in one transaction: each whole or not at all, and none for another's failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import msgspec
import pytest

from endorse.core import refusal
from endorse.core.change import AddClient, Begin, Change, Decision, EndGrant, Rotate
from endorse.core.model import Grant
from endorse.core.refusal import Refusal
from endorse.store import Store, open_store, reads
from endorse.store.connection import Connection, StoreAway
from endorse.store.store import Contended
from tests.store import looking, things
from tests.store.looking import nothing
from tests.store.things import CLIENT, GRANT, JOURNEY, NOW

pytestmark = pytest.mark.anyio

Answers = Sequence[Decision[str] | bool | BaseException]


class Bug(Exception):
    """What a decision raises that should not."""


def making(number: int | str, *more: Change, answer: str = "made") -> Decision[str]:
    """A decision that makes a grant, and more."""
    return Decision(answer, (things.made(things.grant(number)), *more))


async def settled(store: Store, decision: Decision[str]) -> Decision[str]:
    """Settle a decision that needs no facts."""
    return await store.settle(nothing, lambda _: decision, NOW)


async def raising(store: Store) -> Decision[str]:
    """Settle a decision that raises."""

    def decide(_: None) -> Decision[str]:
        raise Bug

    return await store.settle(nothing, decide, NOW)


async def together(*work: Awaitable[Decision[str] | bool]) -> Answers:
    """Ask for all of these at once, so that they share a batch."""
    return await asyncio.gather(*work, return_exceptions=True)


async def grants(store: Store) -> set[str]:
    """The ids of the stored grants."""
    return {row[0] for row in await looking.rows(store, "SELECT grant_id FROM grants")}


async def test_requests_that_come_together_share_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = looking.counted(store, monkeypatch)
    answers = await together(*(settled(store, making(number)) for number in range(50)))
    assert answers == [making(number) for number in range(50)]
    assert transactions == ["good"]
    assert len(await grants(store)) == 50


async def test_a_batch_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions = looking.counted(store, monkeypatch)
    await together(*(settled(store, making(number)) for number in range(129)))
    assert transactions == ["good", "good"]
    assert len(await grants(store)) == 129


async def test_a_later_request_of_a_batch_sees_what_an_earlier_one_changed(store: Store) -> None:
    await things.put_grant(store)
    seen: list[int] = []

    async def rotate() -> Decision[str]:
        def decide(grant: Grant | None) -> Decision[str]:
            assert grant is not None
            seen.append(grant.generation)
            return Decision("rotated", (Rotate("grant", grant.generation, NOW),))

        return await store.settle(lambda db: reads.grant(db, "grant"), decide, NOW)

    await together(*(rotate() for _ in range(5)))
    assert seen == [1, 2, 3, 4, 5]


async def test_a_decision_is_applied_whole_or_not_at_all(store: Store) -> None:
    # The second change loses its guard: the first goes too, the others of the batch stay.
    await things.put(store, AddClient(CLIENT))
    half: list[Change] = [
        things.made(things.grant("half")),
        AddClient(CLIENT),
        things.made(things.grant("end")),
    ]
    answers = await together(
        settled(store, making("before")),
        store.change(half, NOW),
        settled(store, making("after")),
    )
    assert answers == [making("before"), False, making("after")]
    assert await grants(store) == {"grant-before", "grant-after"}
    assert [line[1] for line in await looking.trail(store)] == ["add client"]


async def test_a_decision_that_raises_fails_alone(store: Store) -> None:
    answers = await together(
        settled(store, making("before")), raising(store), settled(store, making("after"))
    )
    assert isinstance(answers[1], Bug)
    assert [answers[0], answers[2]] == [making("before"), making("after")]
    assert await grants(store) == {"grant-before", "grant-after"}


async def test_a_change_beside_a_decision_that_raises_is_done_all_the_same(store: Store) -> None:
    answers = await together(
        store.change([things.made(GRANT)], NOW), raising(store), store.change([Begin(JOURNEY)], NOW)
    )
    assert (answers[0], answers[2]) == (True, True)
    assert await grants(store) == {"grant"}
    assert await looking.count(store, "journeys") == 1


async def test_a_read_that_raises_fails_alone(store: Store) -> None:
    async def broken(db: Connection) -> None:
        await db.one("SELECT nonsense FROM nowhere")

    answers = await together(
        settled(store, making("before")),
        store.settle(broken, lambda _: making("never"), NOW),
        settled(store, making("after")),
    )
    assert isinstance(answers[1], Exception)
    assert not isinstance(answers[1], StoreAway)
    assert [answers[0], answers[2]] == [making("before"), making("after")]
    assert await grants(store) == {"grant-before", "grant-after"}


async def test_a_refusal_that_carries_changes_is_stored(store: Store) -> None:
    await things.put_grant(store)
    ended = EndGrant("grant", "replay of its code", NOW)
    decision: Decision[str] = Decision(refusal.CODE_NOT_GOOD, (ended,))
    answer = (await settled(store, decision)).answer
    assert isinstance(answer, Refusal)
    grant = await store.read(lambda db: reads.grant(db, "grant"))
    assert grant is not None
    assert grant.ended_by == "replay of its code"


async def test_a_decision_without_changes_answers_from_the_facts(store: Store) -> None:
    await things.put_grant(store)
    decision = await store.settle(
        lambda db: reads.grant(db, "grant"),
        lambda grant: Decision(grant.person_id if grant else ""),
        NOW,
    )
    assert decision == Decision("anna")


async def test_a_guard_that_is_always_lost_is_given_up_and_harms_no_other(store: Store) -> None:
    await things.put_grant(store)
    tries: list[int] = []

    def stubborn(_: None) -> Decision[str]:
        tries.append(1)
        return Decision("never", (things.made(things.grant("x")), Rotate("grant", 99, NOW)))

    answers = await together(
        settled(store, making("before")),
        store.settle(nothing, stubborn, NOW),
        settled(store, making("after")),
    )
    assert isinstance(answers[1], Contended)
    assert isinstance(answers[1], StoreAway)
    assert [answers[0], answers[2]] == [making("before"), making("after")]
    assert await grants(store) == {"grant", "grant-before", "grant-after"}
    assert 2 < len(tries) < 50


async def test_what_is_asked_and_then_not_awaited_is_done_and_harms_no_other(store: Store) -> None:
    asked = asyncio.ensure_future(settled(store, making("left")))
    waiting = asyncio.ensure_future(settled(store, making("other")))
    await asyncio.sleep(0)
    asked.cancel()
    assert await waiting == making("other")
    assert await grants(store) == {"grant-left", "grant-other"}


async def test_the_answer_comes_after_the_commit(store: Store, other: Store) -> None:
    for number in range(20):
        await settled(store, making(number))
        assert f"grant-{number}" in await grants(other)


async def test_closing_finishes_what_was_asked_and_takes_no_more(database: str) -> None:
    store = await open_store(database)
    asked = [asyncio.ensure_future(settled(store, making(number))) for number in range(200)]
    await asyncio.sleep(0)
    await store.close()
    assert [await one for one in asked] == [making(number) for number in range(200)]
    with pytest.raises(StoreAway, match="closed"):
        await settled(store, making("late"))
    again = await open_store(database)
    assert len(await grants(again)) == 200
    await again.close()


async def test_changes_are_applied_in_their_order(store: Store) -> None:
    changes: list[Change] = [things.made(GRANT), Rotate("grant", 1, NOW), Rotate("grant", 2, NOW)]
    assert await store.change(changes, NOW)
    assert not await store.change([Rotate("grant", 4, NOW), Rotate("grant", 3, NOW)], NOW)
    stored = await store.read(lambda db: reads.grant(db, "grant"))
    assert stored == msgspec.structs.replace(GRANT, generation=3)
