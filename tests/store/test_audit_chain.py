"""The audit trail as a store writes it: linked, sealed, shortened only with a proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from endorse.core import audit_log
from endorse.core.audit_log import ChainRow, Head, Written
from endorse.core.change import CutAudit, Decision, EndGrant, RevokeToken, Rotate
from endorse.store import Store
from endorse.store import audit_log as stored
from endorse.store.connection import Connection, StoreAway
from tests.store import looking, things
from tests.store.things import NOW

pytestmark = pytest.mark.anyio

KEY = b"k" * 32


async def whole(store: Store) -> tuple[list[ChainRow], list[Written]]:
    """All chains and all lines."""
    return await store.read(stored.chains), await store.read(lambda db: stored.lines(db, 0, 10_000))


async def wrongs(store: Store, known: Sequence[Head] = ()) -> list[str]:
    """What does not hold."""
    rows, lines = await whole(store)
    walk = audit_log.Walk(KEY, rows, known)
    for line in lines:
        walk.step(line)
    return [it.wrong for it in walk.findings(accept_unsealed=False) if it.wrong]


async def revoke(store: Store, name: str) -> None:
    """Write a line."""
    assert await store.change([RevokeToken(name, NOW)], NOW)


async def tamper(store: Store, sql: str) -> None:
    """Change the database as somebody who can write it, but has no key."""

    async def run(db: Connection) -> None:
        assert await db.run(sql)

    await store.settle(run, lambda _: Decision(None), NOW)


async def test_two_writers_write_two_chains_that_hold(store: Store, other: Store) -> None:
    for it in (store, other):
        it.seal_audit(KEY)
    await asyncio.gather(*(revoke(it, f"t{n}") for n in range(40) for it in (store, other)))
    rows, lines = await whole(store)
    assert [row.sealed for row in rows] == [True, True]
    assert {row.last for row in rows} == {store.audit_head, other.audit_head}
    assert len(lines) == 80
    assert await wrongs(store) == []


async def test_requests_of_one_batch_share_a_link(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.seal_audit(KEY)
    done = looking.counted(store, monkeypatch)
    await asyncio.gather(*(revoke(store, f"t{n}") for n in range(40)))
    assert store.audit_head.batch == len(done) < 40


async def test_who_writes_after_another_names_where_that_one_stood(
    store: Store, other: Store
) -> None:
    for it in (store, other):
        it.seal_audit(KEY)
    await revoke(store, "a")
    stood = store.audit_head
    await revoke(other, "b")
    rows, _ = await whole(store)
    assert next(row for row in rows if row.last == other.audit_head).follows == (stood,)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET event = 'nothing' WHERE audit_id = 2",
        "UPDATE audit SET at = at + 1 WHERE audit_id = 3",
        "DELETE FROM audit WHERE audit_id = 1",
        "DELETE FROM audit WHERE audit_id = 3",
        "DELETE FROM audit WHERE audit_id = 4",
        "DELETE FROM audit_chains",
        "UPDATE audit_chains SET sealed = 0",
        "UPDATE audit_chains SET cut_batch = 1",
    ],
)
async def test_what_was_done_to_the_rows_is_found(store: Store, sql: str) -> None:
    store.seal_audit(KEY)
    for name in "abcd":
        await revoke(store, name)
    assert await wrongs(store) == []
    await tamper(store, sql)
    assert await wrongs(store)


async def test_a_batch_without_lines_leaves_the_chain_where_it_stood(store: Store) -> None:
    store.seal_audit(KEY)
    await revoke(store, "a")
    before = store.audit_head
    await things.put_grant(store)
    assert not await store.change([EndGrant("grant", "x", NOW), Rotate("grant", 9, NOW)], NOW)
    assert store.audit_head == before
    assert await wrongs(store) == []


async def test_after_a_commit_that_nobody_can_be_sure_of_another_chain_begins(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.seal_audit(KEY)
    await revoke(store, "a")
    first = store.audit_head
    writing = store._engine.writing

    @asynccontextmanager
    async def cut_short() -> AsyncIterator[Connection]:
        async with writing() as db:
            yield db
        raise StoreAway("the connection was lost while the commit was under way")

    with monkeypatch.context() as broken:
        broken.setattr(store._engine, "writing", cut_short)
        with pytest.raises(StoreAway):
            await revoke(store, "b")
    await revoke(store, "c")
    rows, lines = await whole(store)
    assert len(lines) == 3
    assert [row.last.batch for row in rows if row.writer_id == first.writer_id] == [2]
    assert store.audit_head.batch == 1
    assert await wrongs(store) == []


async def test_lines_that_are_cut_leave_a_proof_and_the_rest_holds(store: Store) -> None:
    store.seal_audit(KEY)
    for name in "abcd":
        await revoke(store, name)
    kept = store.audit_head
    _, lines = await whole(store)
    ends, up_to = audit_log.over(lines[:3], NOW)
    await things.put(
        store, CutAudit(tuple((it, audit_log.cut_proof(KEY, it)) for it in ends), up_to)
    )
    assert await looking.count(store, "audit") == 1
    await revoke(store, "e")
    assert await wrongs(store, [kept]) == []
