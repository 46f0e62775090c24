"""A database from before there was a table of evidence keeps what was signed, in that table."""

from __future__ import annotations

import pytest

from endorse.core import evidence as checks
from endorse.store import Store, migrate, open_store, reads
from endorse.store.connection import Engine
from endorse.store.postgres import PostgresEngine
from endorse.store.sqlite import SqliteEngine
from tests.core import signed
from tests.store import looking

pytestmark = pytest.mark.anyio

BEFORE = 5


async def engine_of(database: str) -> Engine:
    """The bare engine of a database."""
    if database.startswith("sqlite:///"):
        return SqliteEngine(database.removeprefix("sqlite:///"))
    return await PostgresEngine.connect(database)


async def old_database(database: str) -> None:
    """A database as the version before wrote it, with one phone and one grant."""
    grant, made = signed.first()
    phone = signed.PHONE
    engine = await engine_of(database)
    async with engine.migrating() as db:
        await db.run(migrate._TABLES[0])
        for version, step in sorted(migrate.steps(engine.name).items()):
            if version < BEFORE:
                await migrate._run(db, step)
        await db.run(
            "INSERT INTO phones (phone_id, person_id, name, device, credential_id, public_key, "
            "sign_count, enrolled_at) VALUES ($1, 'anna', 'x', $2, $3, $4, 0, 1)",
            phone.phone_id,
            phone.device,
            phone.credential_id,
            phone.public_key,
        )
        await db.run(
            "INSERT INTO grants (grant_id, client_id, person_id, phone_id, scope, accounts, "
            "account_ids, created_at, expires_at, document, assertion, generation, rotated_at) "
            "VALUES ($1, 'app', 'anna', $2, $3, $4, '[]', $5, $6, $7, $8, 1, $5)",
            grant.grant_id,
            phone.phone_id,
            " ".join(grant.scope),
            signed.accounts_text(grant),
            grant.created_at,
            grant.expires_at,
            made.signed,
            made.signature,
        )
    await engine.close()


async def test_what_was_signed_before_is_evidence_that_holds(empty_database: str) -> None:
    await old_database(empty_database)
    store: Store = await open_store(empty_database)
    try:
        [(grant_id,)] = await looking.rows(store, "SELECT grant_id FROM grants")
        grant = await store.read(lambda db: reads.grant(db, grant_id))
        signed = await store.read(lambda db: reads.evidence(db, grant_id))
    finally:
        await store.close()
    assert grant is not None
    assert (grant.revision, grant.removed) == (1, ())
    assert [it for it in checks.verify(checks.bundle(grant, signed)) if it.wrong] == []
