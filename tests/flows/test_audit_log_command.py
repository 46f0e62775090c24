"""`endorse audit-log`: the trail of a whole life is checked beside the server that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from endorse.cli.audit_log import check_trail, kept_heads
from endorse.core.audit_log import Head, Written
from endorse.core.policy import HISTORY
from endorse.server import trail
from endorse.store import audit_log as stored
from endorse.store import open_store
from tests.flows import play
from tests.flows.commands import endorse, good_settings
from tests.serving import Served
from tests.store import test_audit_chain

pytestmark = pytest.mark.anyio


async def tamper(database: str, *statements: str) -> None:
    """Change the database as somebody who can write it, but has no key."""
    store = await open_store(database)
    for sql in statements:
        await test_audit_chain.tamper(store, sql)
    await store.close()


async def wrongs(database: str, known: Sequence[Head] = ()) -> list[str]:
    """What the command finds wrong."""
    return [it.wrong for it in await check_trail(database, known, False, {}) if it.wrong]


async def written(served: Served) -> list[Written]:
    """All lines."""
    return await served.desk.store.read(partial(stored.lines, after=0, at_most=1000))


async def test_a_whole_life_holds_beside_the_running_server_and_an_edited_line_is_found(
    served: Served, database: str
) -> None:
    await play.tokens(served, await play.somebody(served))
    assert await wrongs(database) == []
    await tamper(database, "UPDATE audit SET detail = 'x' WHERE event = 'claim'")
    assert "is not as it was written" in (await wrongs(database))[0]
    await tamper(database, "UPDATE audit SET detail = NULL WHERE event = 'claim'")
    assert await wrongs(database) == []


async def test_a_cut_off_end_is_found_by_the_heads_that_the_log_has(
    served: Served, database: str, tmp_path: Path
) -> None:
    await play.tokens(served, await play.somebody(served))
    last = served.desk.store.audit_head
    log = tmp_path / "server.log"
    log.write_text(f"2026-01-01 INFO {trail.said(last)}\n")
    known = kept_heads(log)
    assert known == [last]
    assert await wrongs(database, known) == []
    chain = [it for it in await written(served) if it.writer_id == last.writer_id]
    before = next(it for it in reversed(chain) if it.batch < last.batch)
    of_chain = f"WHERE writer_id = '{last.writer_id}'"
    end = f"{of_chain} AND batch = {last.batch}"
    # Moved out of sight, with every trace of it in the database.
    await tamper(
        database,
        f"UPDATE audit SET writer_id = '' {end}",
        f"UPDATE audit_chains SET batch = {before.batch}, mac = '{before.mac}' {of_chain}",
    )
    assert await wrongs(database) == []
    assert await wrongs(database, known) == [
        f"{last.writer_id} ends with batch {before.batch}; kept outside says {last.batch}"
    ]
    await tamper(
        database,
        f"UPDATE audit SET writer_id = '{last.writer_id}' "
        f"WHERE writer_id = '' AND batch = {last.batch}",
        f"UPDATE audit_chains SET batch = {last.batch}, mac = '{last.mac}' {of_chain}",
    )
    assert await wrongs(database, known) == []


async def test_the_server_forgets_what_is_old_and_the_trail_still_holds(
    served: Served, database: str
) -> None:
    await play.tokens(served, await play.somebody(served))
    assert not await trail.forget(served.desk)
    served.clock.move(HISTORY + 1)
    assert await trail.forget(served.desk)
    assert not await trail.forget(served.desk)
    assert await written(served) == []
    assert await wrongs(database) == []
    await play.tokens(served, await play.somebody(served))
    assert await wrongs(database) == []


async def test_commands_without_the_secret_leave_a_chain_that_must_be_accepted(
    tmp_path: Path,
) -> None:
    settings = good_settings(tmp_path)
    await (await open_store(settings["ENDORSE_DATABASE"])).close()
    only = {"ENDORSE_DATABASE": settings["ENDORSE_DATABASE"]}
    both = {**only, "ENDORSE_SECRET": settings["ENDORSE_SECRET"]}
    adding = ("client", "add", "App", "--redirect-uri", "https://app.example/back")
    assert (await endorse(*adding, settings=both)).returncode == 0
    good = await endorse("audit-log", "verify", settings=both)
    assert (good.returncode, "NO" in good.stdout) == (0, False)
    heads = await endorse("audit-log", "heads", settings=only)
    (tmp_path / "heads").write_text(heads.stdout)
    assert (await endorse(*adding, settings=only)).returncode == 0
    bad = await endorse("audit-log", "verify", "--heads", str(tmp_path / "heads"), settings=both)
    assert bad.returncode == 1
    assert "written without the server's secret" in bad.stdout
    accepted = await endorse("audit-log", "verify", "--accept-unsealed", settings=both)
    assert accepted.returncode == 0
    unknown = await endorse("audit-log", "verify", settings=only)
    assert unknown.returncode == 1
    assert "ENDORSE_SECRET is not set" in unknown.stderr
