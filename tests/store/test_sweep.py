"""Forgetting: only what has been over for long enough, and a bounded number at a time."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core.change import (
    AddClient,
    Begin,
    EndGrant,
    Enrol,
    Issue,
    MakeToken,
    MarkRead,
    UseOnce,
)
from endorse.core.notice import KEPT, By, Connected, Kind, of_connection
from endorse.core.policy import HISTORY, HOUR
from endorse.server.sweeper import Sweeper
from endorse.store import Store, open_store, reads
from endorse.store.sweep import KINDS, statement
from tests.store import looking, things
from tests.store.things import CLIENT, CODE, GRANT, JOURNEY, NOW, PHONE, TOKEN

pytestmark = pytest.mark.anyio

DAY = 86_400


async def sweep(store: Store, now: int, at_most: int = 100) -> dict[str, int]:
    """Sweep, and count what is left."""
    await looking.sweep(store, now, at_most)
    names = ("journeys", "access_tokens", "enrolments", "grants", "phones", "clients")
    return {name: await looking.count(store, name) for name in names}


async def test_only_what_is_over_is_forgotten(store: Store) -> None:
    for number, ends in enumerate((NOW, NOW + 1)):
        journey = msgspec.structs.replace(things.journey(number), forget_at=ends)
        code = msgspec.structs.replace(
            CODE, code_hash=f"c{number}", created_at=ends - 2 * DAY, expires_at=ends
        )
        await things.put(store, Begin(journey), Issue(code))
    # These are not forgotten: they are the history.
    over = msgspec.structs.replace(GRANT, expires_at=NOW - HISTORY + 2)
    await things.put(store, things.made(over), AddClient(CLIENT), Enrol(PHONE, "c0", NOW))

    kept = {"grants": 1, "phones": 1, "clients": 1}
    some = {"journeys": 2, "access_tokens": 0, "enrolments": 2}
    assert await sweep(store, NOW - 1) == {**some, **kept}
    assert await sweep(store, NOW) == {**some, "journeys": 1, "enrolments": 1, **kept}
    left = [*await looking.rows(store, "SELECT journey_id FROM journeys")]
    left += await looking.rows(store, "SELECT code_hash FROM enrolments")
    assert left == [("journey-1",), ("c1",)]


async def test_access_tokens_leave_when_the_hour_in_which_they_expire_is_over(store: Store) -> None:
    assert NOW % HOUR == 0
    for number, ends in enumerate((NOW - 1, NOW)):
        token = msgspec.structs.replace(TOKEN, token_hash=f"t{number}", expires_at=ends)
        await things.put(store, MakeToken(token))
    for now, left in ((NOW - 2, 2), (NOW - 1, 1), (NOW + HOUR - 2, 1), (NOW + HOUR - 1, 0)):
        assert (await sweep(store, now))["access_tokens"] == left


async def test_an_expired_enrolment_code_still_counts_for_its_day(store: Store) -> None:
    await things.put(store, Issue(CODE))
    assert (await sweep(store, CODE.expires_at + DAY))["enrolments"] == 1


async def test_a_sweep_is_bounded(store: Store) -> None:
    for number in range(7):
        token = msgspec.structs.replace(TOKEN, token_hash=f"t{number}", expires_at=NOW - 1)
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


async def used(store: Store, *ends: int) -> None:
    """What was used once, each until one of these times."""
    await things.put(store, *(UseOnce(f"used {number}", it) for number, it in enumerate(ends)))


async def test_a_piece_takes_the_oldest_and_says_how_far_it_came(store: Store) -> None:
    await used(store, NOW - 1, NOW - 7, NOW - 3, NOW - 5, NOW + 1)
    kind = next(kind for kind in KINDS if kind.table == "used_once")
    assert await store.sweep(kind, NOW, 2) == (2, True, NOW - 5)
    left = "SELECT expires_at FROM used_once ORDER BY expires_at"
    assert await looking.rows(store, left) == [(NOW - 3,), (NOW - 1,), (NOW + 1,)]
    # Whether more is there is known when a piece is not full.
    assert await store.sweep(kind, NOW, 2) == (2, True, NOW - 1)
    assert await store.sweep(kind, NOW, 2) == (0, False, NOW)


async def test_a_round_goes_on_until_nothing_is_left_and_the_lag_says_so(store: Store) -> None:
    await used(store, *range(NOW, NOW + 250))
    clock = NOW
    sweeper = Sweeper(store, lambda: clock)
    clock += 249
    assert sweeper.lag() == 249
    await sweeper.round()
    assert (sweeper.rows, sweeper.lag()) == (250, 0)
    assert await looking.count(store, "used_once") == 0
    clock += 9
    assert sweeper.lag() == 9


async def test_a_round_with_much_of_one_kind_ends_and_says_that_more_is_there(store: Store) -> None:
    await used(store, *range(NOW - 700, NOW))
    sweeper = Sweeper(store, lambda: NOW)
    # Whatever else is over, or is to be made ahead, waits for the next round and no longer.
    assert not await sweeper.round(0.001)
    assert 0 < sweeper.rows < 700
    assert sweeper.lag() > 0
    assert await sweeper.round()
    assert (sweeper.rows, sweeper.lag()) == (700, 0)


@pytest.mark.postgres
async def test_one_server_at_a_time_cleans_up_and_waits_for_nobody(emptied_url: str) -> None:
    store, other = await open_store(emptied_url), await open_store(emptied_url)
    kind = next(kind for kind in KINDS if kind.table == "used_once")
    await used(store, NOW - 2, NOW - 1)
    aside = other._engine.aside()
    assert aside is not None
    async with aside as db:
        assert db is not None
        assert await store.sweep(kind, NOW, 9) == (0, False, NOW)
    async with other._engine.writing() as db:
        await db.run("UPDATE used_once SET expires_at = $1 WHERE used_hash = 'used 0'", NOW - 9)
        assert (await store.sweep(kind, NOW, 9)).rows == 1
    assert (await store.sweep(kind, NOW, 9)).rows == 1
    await store.close()
    await other.close()


WHOLE = {"sqlite": ("SCAN ", "TEMP B-TREE"), "postgresql": ("Seq Scan", "Sort")}


async def test_no_sweep_reads_a_whole_table_that_grows(store: Store, database: str) -> None:
    engine = database.split(":", maxsplit=1)[0]
    for kind in KINDS:
        if kind.table == "signing_keys":
            continue  # one row of each kind a year
        asked = statement(store._engine, kind).replace("$1", "7").replace("$2", "9")
        plans = [await plan(store, engine, asked)]
        if kind.marks:
            table, column = kind.marks
            plans.append(await plan(store, engine, f"DELETE FROM {table} WHERE {column} = 'x'"))
        for lines in plans:
            assert not any(word in lines for word in WHOLE[engine]), (kind.table, lines)


async def test_no_look_up_of_an_access_token_reads_a_whole_table(
    store: Store, database: str
) -> None:
    engine = database.split(":", maxsplit=1)[0]
    for asked in (
        reads._ACCESS_OF_HOUR.replace("$1", "'x'").replace("$2", "7"),
        reads._ACCESS_OF_TWO.replace("$1", "'x'").replace("$2, $3", "7, 8"),
        "DELETE FROM access_tokens WHERE token_hash = 'x' AND expires_at / 3600 = 7",
        "DELETE FROM access_tokens WHERE client_id = 'x'",
    ):
        lines = await plan(store, engine, asked)
        assert not any(word in lines for word in WHOLE[engine]), lines


async def plan(store: Store, engine: str, sql: str) -> str:
    """How the database would do it; PostgreSQL, as if its tables were too large to read."""
    async with store._engine.writing() as db:
        if engine == "sqlite":
            return "\n".join(str(row[3]) for row in await db.all(f"EXPLAIN QUERY PLAN {sql}"))
        await db.run("SET LOCAL enable_seqscan = off")
        await db.run("SET LOCAL enable_sort = off")
        return "\n".join(str(row[0]) for row in await db.all(f"EXPLAIN {sql}"))


async def test_a_live_journey_is_not_forgotten(store: Store) -> None:
    await things.put_journey(store)
    assert (await sweep(store, JOURNEY.forget_at - 1))["journeys"] == 1
