"""Two servers on one database: what one of them changed, the other one sees in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from endorse.core import access
from endorse.core.change import AddClient, Begin, Decision, Rotate
from endorse.core.coding import fingerprint
from endorse.core.journey import State
from endorse.core.model import Access, Grant, Journey
from endorse.core.redeem import Tokens
from endorse.core.refusal import Refusal
from endorse.store import Store, open_store, reads
from endorse.store.connection import Connection, StoreAway
from endorse.store.sqlite import SqliteEngine
from tests import parts
from tests.core import scene
from tests.core.scene import ANNA, NOW
from tests.store import looking, things

pytestmark = pytest.mark.anyio

ROUNDS = 30 if parts.SOAK else 2


async def test_what_one_server_stored_the_other_reads(store: Store, other: Store) -> None:
    await things.put_grant(store)
    assert await other.read(lambda db: reads.grant(db, "grant")) == things.GRANT
    assert not await other.change([things.made(things.GRANT)], NOW)


async def test_decisions_of_two_servers_never_rest_on_the_same_facts(
    store: Store, other: Store
) -> None:
    await things.put_grant(store)
    before: list[int] = []

    def rotate(grant: Grant | None) -> Decision[int]:
        assert grant is not None
        return Decision(grant.generation, (Rotate("grant", grant.generation, NOW),))

    async def once(server: Store) -> None:
        decision = await server.settle(lambda db: reads.grant(db, "grant"), rotate, NOW)
        assert isinstance(decision.answer, int)
        before.append(decision.answer)

    await asyncio.gather(*(once(server) for server in (store, other) for _ in range(20)))
    assert sorted(before) == list(range(1, 41))
    details = [int(line[7]) for line in await looking.trail(store)]
    assert details == list(range(2, 42))


def rotating(seen: list[int]) -> Callable[[Grant | None], Decision[str]]:
    """A decision that rotates the generation it sees, and notes it."""

    def rotate(grant: Grant | None) -> Decision[str]:
        assert grant is not None
        seen.append(grant.generation)
        return Decision("rotated", (Rotate("grant", grant.generation, NOW),))

    return rotate


@pytest.mark.postgres
async def test_a_guard_lost_to_another_server_is_decided_anew_on_fresh_facts(
    cleared_url: str,
) -> None:
    store, other = await open_store(cleared_url), await open_store(cleared_url)
    await things.put_grant(store)
    seen: list[int] = []

    async def overtaken(db: Connection) -> Grant | None:
        grant = await reads.grant(db, "grant")
        if not seen:
            assert await other.change([Rotate("grant", 1, NOW)], NOW)
        return grant

    assert (await store.settle(overtaken, rotating(seen), NOW)).answer == "rotated"
    assert seen == [1, 2]
    assert [line[7] for line in await looking.trail(store)] == ["2", "3"]
    await store.close()
    await other.close()


async def test_on_sqlite_no_other_server_comes_between_facts_and_change(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    store, engine = await open_store(url), SqliteEngine(str(tmp_path / "store.sqlite3"))
    engine._writer.execute("PRAGMA busy_timeout = 0")
    other = Store(engine)
    await things.put_grant(store)
    seen: list[int] = []

    async def overtaken(db: Connection) -> Grant | None:
        with pytest.raises(StoreAway, match="locked"):
            await other.change([Rotate("grant", 1, NOW)], NOW)
        return await reads.grant(db, "grant")

    assert (await store.settle(overtaken, rotating(seen), NOW)).answer == "rotated"
    assert seen == [1]
    assert await other.change([Rotate("grant", 2, NOW)], NOW)
    await store.close()
    await other.close()


async def redeem(server: Store, journey: Journey, number: int) -> Tokens | Refusal:
    """A redemption of the journey's code at this server."""
    code_hash = fingerprint(scene.code_of(journey))
    decision = await server.settle(
        lambda db: reads.approval_by_code(db, code_hash),
        lambda found: _redemption(found.journey, number),
        NOW,
    )
    return decision.answer


def _redemption(journey: Journey | None, number: int) -> Decision[Tokens]:
    assert journey is not None
    return scene.redemption(journey, seed=f"redemption {number}")


def won(answers: Sequence[Tokens | Refusal]) -> Tokens:
    """The one answer that is no refusal."""
    tokens = [answer for answer in answers if isinstance(answer, Tokens)]
    refusals = {answer.name for answer in answers if isinstance(answer, Refusal)}
    assert (len(tokens), refusals) == (1, {"code_not_good"})
    return tokens[0]


async def test_of_30_simultaneous_redemptions_one_wins_and_the_others_end_its_grant(
    store: Store, other: Store
) -> None:
    for turn in range(ROUNDS):
        journey = scene.redirected(seed=f"turn {turn}")
        await things.put(store, Begin(journey))
        servers = (store, other) * 15
        answers = await asyncio.gather(
            *(redeem(server, journey, turn * 100 + n) for n, server in enumerate(servers))
        )
        tokens = won(answers)
        stored = await store.read(partial(reads.journey_by_qid, qid=journey.qid))
        assert stored is not None
        assert stored.state is State.REDEEMED
        grant = await other.read(partial(reads.grant, grant_id=stored.grant_id or ""))
        assert grant is not None
        assert (grant.ended_at, grant.ended_by) == (NOW, "replay of its code")
        opened = await _opened(other, tokens)
        refusal = access.check(opened, NOW, "accounts")
        assert refusal is not None
        assert refusal.name == "access_token_not_good"
    for table in ("grants", "access_tokens"):
        assert await looking.count(store, table) == ROUNDS
    redeemed = [line for line in await looking.trail(store) if line[1] == "redeem"]
    assert len(redeemed) == ROUNDS


async def _opened(server: Store, tokens: Tokens) -> Access | None:
    token_hash = fingerprint(tokens.access_token.reveal())
    return await server.read(lambda db: reads.access(db, token_hash, NOW))


async def test_of_50_simultaneous_claims_by_50_people_one_wins_and_then_nobody(
    store: Store, other: Store
) -> None:
    journey = scene.waiting()
    await things.put(store, Begin(journey))
    frame = scene.frame_of(journey)

    async def claim(server: Store, number: int) -> Journey | Refusal:
        phone = msgspec.structs.replace(ANNA, person_id=f"p{number}", phone_id=f"phone-{number}")
        decision = await server.settle(
            lambda db: reads.journey_by_qid(db, journey.qid),
            lambda found: scene.claim(frame, found, phone),
            NOW,
        )
        return decision.answer

    servers = (store, other) * 25
    answers = await asyncio.gather(*(claim(server, n) for n, server in enumerate(servers)))
    winners = [answer for answer in answers if not isinstance(answer, Refusal)]
    refusals = sorted(answer.name for answer in answers if isinstance(answer, Refusal))
    assert len(winners) == 1
    assert refusals == ["already_scanned"] + ["code_not_accepted"] * 48
    stored = await other.read(lambda db: reads.journey_by_qid(db, journey.qid))
    assert stored is not None
    assert (stored.state, stored.person_id) == (State.KILLED, winners[0].person_id)


async def test_a_client_registered_at_one_server_is_known_at_the_other(
    store: Store, other: Store
) -> None:
    both = [server.change([AddClient(things.CLIENT)], NOW) for server in (store, other)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert await other.read(lambda db: reads.client(db, "app")) == things.CLIENT
