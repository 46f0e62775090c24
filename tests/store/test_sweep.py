"""Forgetting: only what has been over for long enough, and a bounded number at a time."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core.change import AddClient, Begin, EndGrant, Enrol, Issue, MakeToken, MarkRead, Sweep
from endorse.core.notice import KEPT, By, Connected, Kind, of_connection
from endorse.core.policy import HISTORY
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
    # These are not forgotten: they are the history.
    over = msgspec.structs.replace(GRANT, expires_at=NOW - HISTORY + 2)
    await things.put(store, things.made(over), AddClient(CLIENT), Enrol(PHONE, "c0", NOW))

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


async def test_a_grant_and_its_evidence_are_forgotten_two_years_after_its_end(store: Store) -> None:
    for number, (expires_at, ended_at) in enumerate(
        [(NOW, None), (NOW + 9 * DAY, NOW), (NOW + 1, None), (NOW + 9 * DAY, NOW + 1)]
    ):
        grant = msgspec.structs.replace(things.grant(number), expires_at=expires_at)
        await things.put(store, things.made(grant))
        if ended_at is not None:
            await things.put(store, EndGrant(grant.grant_id, "the client", ended_at))
    assert (await sweep(store, NOW + HISTORY - 1))["grants"] == 4
    assert (await sweep(store, NOW + HISTORY, at_most=1))["grants"] == 3
    assert (await sweep(store, NOW + HISTORY))["grants"] == 2
    for table in ("grants", "evidence"):
        left = await looking.rows(store, f"SELECT grant_id FROM {table} ORDER BY grant_id")
        assert left == [("grant-2",), ("grant-3",)]


async def test_notices_are_forgotten_after_180_days_with_the_marks_on_them(store: Store) -> None:
    what = Connected("grant", "app", "anna")
    for number in (0, 1):
        told = of_connection(Kind.CONNECTION_NARROWED, what, By.PHONE, NOW + number, count=number)
        await things.put(store, told, told)
        await things.put(store, MarkRead("anna", "phone", (told.notice.notice_id,)))
    await sweep(store, NOW + KEPT - 1)
    assert await looking.count(store, "notices") == 2
    await sweep(store, NOW + KEPT)
    [left] = await looking.rows(store, "SELECT at FROM notices")
    assert left == (NOW + 1,)
    assert await looking.count(store, "notices_read") == 1


async def test_a_live_journey_is_not_forgotten(store: Store) -> None:
    await things.put_journey(store)
    assert (await sweep(store, JOURNEY.forget_at - 1))["journeys"] == 1
