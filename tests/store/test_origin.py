"""A PostgreSQL database that was restored is known by it, and one that goes on is not.

With real copies and recoveries: `tests/docs/test_backup_guide.py`.
"""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from endorse.store import open_store, origin

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
async def url(cleared_url: str) -> str:
    """The URL of a database that was seen once, by two servers that began together."""
    await (await open_store(cleared_url)).close()
    looks = (origin.why_restored(cleared_url), origin.why_restored(cleared_url))
    assert set(await asyncio.gather(*looks)) == {""}
    return cleared_url


async def in_sql(url: str, statement: str) -> None:
    raw = await asyncpg.connect(url)
    await raw.execute(statement)
    await raw.close()


async def test_a_database_goes_on_as_often_as_it_is_opened_and_whatever_is_done_to_its_files(
    url: str,
) -> None:
    for statement in ("SELECT", "VACUUM FREEZE origin", "VACUUM FULL origin"):
        await in_sql(url, statement)
        assert await origin.why_restored(url) == ""


ROWS = """
    CREATE TEMP TABLE dump AS SELECT * FROM origin;
    DELETE FROM origin;
    INSERT INTO origin SELECT * FROM dump"""
TABLE = """
    ALTER TABLE origin RENAME TO old;
    CREATE TABLE origin (LIKE old);
    INSERT INTO origin SELECT * FROM old;
    DROP TABLE old"""


@pytest.mark.parametrize("copied", [ROWS, TABLE])
async def test_one_whose_rows_were_copied_is_refused_until_somebody_says_what_became_of_it(
    url: str, copied: str
) -> None:
    await in_sql(url, copied)
    for _ in range(2):
        assert "from a dump or by logical replication" in await origin.why_restored(url)
    await origin.remember(url)
    assert await origin.why_restored(url) == ""


async def test_a_later_timeline_alone_is_a_failover(url: str) -> None:
    """As if the row were of before the promotion: one more than what it remembers."""
    raw = await asyncpg.connect(url)
    await raw.execute("DELETE FROM origin")
    await raw.execute(origin._KEEP, 0)
    await raw.close()
    assert await origin.why_restored(url) == ""
    assert await origin.why_restored(url) == ""
