"""Forgetting: only what has been over for long enough, and a bounded number at a time."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core.change import AddClient, Begin, Enrol, Issue, MakeGrant, MakeToken, Sweep
from endorse.store import Store
from tests.store import looking, things
from tests.store.things import CLIENT, CODE, GRANT, JOURNEY, NOW, PHONE, TOKEN

pytestmark = pytest.mark.anyio

DAY = 86_400


async def sweep(store: Store, now: int, at_most: int = 100) -> dict[str, int]:
    """Sweep, and count what is left."""
    assert await store.change([Sweep(now, at_most)], now)
    names = ("journeys", "access_tokens", "enrolments", "grants", "phones", "clients")
    return {name: await looking.count(store, name) for name in names}


async def test_only_what_is_over_is_forgotten(store: Store) -> None:
    for number, ends in enumerate((NOW, NOW + 1)):
        token = msgspec.structs.replace(TOKEN, token_hash=f"t{number}", expires_at=ends)
        journey = msgspec.structs.replace(things.journey(number), forget_at=ends)
        code = msgspec.structs.replace(
            CODE, code_hash=f"c{number}", created_at=ends - 2 * DAY, expires_at=ends
        )
        await things.put(store, MakeToken(token), Begin(journey), Issue(code))
    # None of these is ever forgotten: they are the evidence.
    over = msgspec.structs.replace(GRANT, expires_at=1)
    await things.put(store, MakeGrant(over), AddClient(CLIENT), Enrol(PHONE, "c0", NOW))

    kept = {"grants": 1, "phones": 1, "clients": 1}
    some = {"journeys": 2, "access_tokens": 2, "enrolments": 2}
    assert await sweep(store, NOW - 1) == {**some, **kept}
    assert await sweep(store, NOW) == {"journeys": 1, "access_tokens": 1, "enrolments": 1, **kept}
    left = [*await looking.rows(store, "SELECT token_hash FROM access_tokens")]
    left += await looking.rows(store, "SELECT journey_id FROM journeys")
    left += await looking.rows(store, "SELECT code_hash FROM enrolments")
    assert left == [("t1",), ("journey-1",), ("c1",)]


async def test_an_expired_enrolment_code_still_counts_for_its_day(store: Store) -> None:
    await things.put(store, Issue(CODE))
    assert (await sweep(store, CODE.expires_at + DAY))["enrolments"] == 1


async def test_a_sweep_is_bounded(store: Store) -> None:
    for number in range(7):
        token = msgspec.structs.replace(TOKEN, token_hash=f"t{number}", expires_at=NOW)
        journey = msgspec.structs.replace(things.journey(number), forget_at=NOW)
        code = msgspec.structs.replace(CODE, code_hash=f"c{number}", created_at=NOW - 3 * DAY)
        await things.put(store, MakeToken(token), Begin(journey), Issue(code))
    for left in (4, 1, 0, 0):
        counts = await sweep(store, NOW, at_most=3)
        assert [counts[name] for name in ("journeys", "access_tokens", "enrolments")] == [left] * 3


async def test_a_live_journey_is_not_forgotten(store: Store) -> None:
    await things.put_journey(store)
    assert (await sweep(store, JOURNEY.forget_at - 1))["journeys"] == 1
