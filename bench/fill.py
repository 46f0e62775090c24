"""`python -m bench.fill`: a database as years of use leave it, with rows by the million.

Grants with what was signed for them, access tokens that expired, and where asked journeys that
are over. Rows are as long as real ones. Names are spread evenly, as hashes are, and come in their
order, so that keys are built quickly; when a row expired has nothing to do with its name. Indexes
are made at the end.
"""

import argparse
import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final

import asyncpg

from endorse.store.opening import upgrade

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_SIGNS: Final = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""Those of base64url in the order in which databases put them."""
_AT_ONCE: Final = 20_000
_POSTGRES: Final = ("postgresql://", "postgres://")
_CLIENT: Final = "budgetly"
_SCOPE: Final = "accounts balances transactions offline_access"
_SPREAD: Final = 2_654_435_761

Row = tuple[str | int, ...]


@dataclass(frozen=True)
class Amounts:
    """How many rows of each kind."""

    grants: int
    tokens: int
    journeys: int = 0


@dataclass(frozen=True)
class Table:
    """What goes into one table."""

    name: str
    columns: str
    rows: Iterator[Row]


class _Names:
    """Names that are spread like hashes and come in their order."""

    def __init__(self, draw: random.Random) -> None:
        self._two = [one + other for one in _SIGNS for other in _SIGNS]
        self._tails = ["".join(draw.choices(_SIGNS, k=38)) for _ in range(4093)]

    def all(self, count: int, length: int) -> Iterator[str]:
        """Give so many different names: first most of them, then each fourth.

        A key that was built in one go has full pages, which all split when new rows come. One that
        grew has pages that are two thirds full, and so has one that is built like this.
        """
        for number in range(count):
            if number % 4 != 3:
                yield self.one(number, count, length)
        for number in range(3, count, 4):
            yield self.one(number, count, length)

    def one(self, number: int, count: int, length: int) -> str:
        """Give one of so many."""
        place = number * 64**6 // count
        two = self._two
        head = two[place >> 24] + two[place >> 12 & 4095] + two[place & 4095]
        return head + self._tails[number * _SPREAD % 4093][: length - 6]


class _Rows:
    """Rows that are as long as real ones."""

    def __init__(self, amounts: Amounts, now: int) -> None:
        self._amounts = amounts
        self._now = now
        self._draw = random.Random(11)
        self._names = _Names(self._draw)
        self._text = "".join(self._draw.choices(_SIGNS, k=4000))
        account = '{{"resourceId":"{}","iban":"NL91ABNA0417164300","name":null,"currency":"EUR"}}'
        ids = self._text[:22], self._text[22:44]
        self._accounts = f"[{','.join(account.format(one) for one in ids)}]"
        self._ids = f'["{ids[0]}","{ids[1]}"]'

    def grants(self) -> Iterator[Row]:
        people = max(1, self._amounts.grants // 2)
        for name in self._names.all(self._amounts.grants, 22):
            at = self._now - self._draw.randrange(80 * _DAY)
            person, phone = f"person-{self._draw.randrange(people)}", name[::-1]
            what = _SCOPE, self._accounts, self._ids
            yield (name, _CLIENT, person, phone, *what, at, at + 90 * _DAY, 3, at, 1)

    def evidence(self) -> Iterator[Row]:
        text, at = self._text, self._now - _DAY
        signed = "consent", at, text[:900], text[900:1600], text[:43], text[43:167]
        for name in self._names.all(self._amounts.grants, 22):
            yield (name, 1, *signed)

    def tokens(self, since: int) -> Iterator[Row]:
        span, grants = max(1, self._now - since), self._amounts.grants
        for number, name in enumerate(self._names.all(self._amounts.tokens, 43)):
            grant = self._names.one(number * _SPREAD % grants, grants, 22)
            end = since + self._draw.randrange(span)
            yield (name, grant, _SCOPE, end - 300, end, _CLIENT, "", 1)

    def journeys(self) -> Iterator[Row]:
        text = self._text
        asked = text[:43], text[:700], text[43:86], text[:90], "redeemed", 7, 1, 1, 1, 1
        signed = text[:900], text[900:1600]
        for name in self._names.all(self._amounts.journeys, 22):
            forget = self._now - 1 - self._draw.randrange(_DAY)
            other = name[::-1]
            yield (name, name, other, *asked, forget, other, *signed, name + text[:21], name)


def tables(amounts: Amounts, now: int, expired_since: int) -> Iterator[Table]:
    """Give what goes where. Tokens expired evenly from a time until now."""
    rows = _Rows(amounts, now)
    yield Table(
        "grants",
        "grant_id, client_id, person_id, phone_id, scope, accounts, account_ids, created_at, "
        "expires_at, generation, rotated_at, revision",
        rows.grants(),
    )
    yield Table(
        "evidence",
        "grant_id, number, kind, at, signed, signature, credential_id, public_key",
        rows.evidence(),
    )
    yield Table(
        "access_tokens",
        "token_hash, grant_id, scope, created_at, expires_at, client_id, bound_to, revision",
        rows.tokens(expired_since),
    )
    yield Table(
        "journeys",
        "journey_id, short, qid, browser_hash, request, digest, browser, state, version, "
        "started_at, code_from, codes, expires_at, forget_at, person_id, document, assertion, "
        "code_hash, grant_id",
        rows.journeys(),
    )


def fill_sqlite(path: str, amounts: Amounts, now: int, told: Callable[[str], None]) -> None:
    """Fill a file whose schema is up to date. Its tokens expired within two weeks."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -400000")
        for table in tables(amounts, now, now - 14 * _DAY):
            began = time.perf_counter()
            found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
            indexes = [it for it in db.execute(found, (table.name,)) if it[1]]
            for name, _ in indexes:
                db.execute(f"DROP INDEX {name}")
            places = ", ".join("?" for _ in table.columns.split(","))
            into = f"INSERT INTO {table.name} ({table.columns}) VALUES ({places})"
            while some := list(islice(table.rows, _AT_ONCE)):
                db.execute("BEGIN")
                db.executemany(into, some)
                db.execute("COMMIT")
            for _, sql in indexes:
                db.execute(sql)
            told(f"{table.name}: {time.perf_counter() - began:.0f} s")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def fill_postgres(url: str, amounts: Amounts, now: int, told: Callable[[str], None]) -> None:
    """Fill a database whose schema is up to date.

    Its tokens expired within this hour, so they lie where new ones go too: the server drops the
    partitions of all hours before.
    """
    hour = now - now % _HOUR
    connection = await asyncpg.connect(url)
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
    try:
        for table in tables(amounts, now, hour):
            began = time.perf_counter()
            indexes = await connection.fetch(_INDEXES, table.name)
            for name, _ in indexes:
                await connection.execute(f"DROP INDEX {name}")
            columns = table.columns.split(", ")
            await connection.copy_to_table(table.name, columns=columns, source=_text(table.rows))
            for _, sql in indexes:
                await connection.execute(sql)
            await connection.execute(f"VACUUM (ANALYZE) {table.name}")
            told(f"{table.name}: {time.perf_counter() - began:.0f} s")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


_INDEXES: Final = """
SELECT c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass($1) AND NOT i.indisunique"""


async def _text(rows: Iterator[Row]) -> AsyncIterator[bytes]:
    """Write rows as COPY reads them; nothing in them needs to be escaped."""
    while some := list(islice(rows, _AT_ONCE)):
        yield "".join("\t".join(map(str, row)) + "\n" for row in some).encode()


async def fill(url: str, amounts: Amounts, told: Callable[[str], None]) -> None:
    """Make a database and fill it."""
    await upgrade(url)
    now = int(time.time())
    if url.startswith(_POSTGRES):
        await fill_postgres(url, amounts, now, told)
    else:
        fill_sqlite(url.removeprefix("sqlite:///"), amounts, now, told)


def main() -> None:
    """Fill what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--grants", type=int, default=10_000_000)
    parser.add_argument("--tokens", type=int, default=100_000_000)
    parser.add_argument("--journeys", type=int, default=0)
    options = parser.parse_args()
    amounts = Amounts(options.grants, options.tokens, options.journeys)
    asyncio.run(fill(options.database, amounts, print))


if __name__ == "__main__":
    main()
