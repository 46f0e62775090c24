"""The guide on backups, executed: a server on each database loses it, and goes on with a copy."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts
from tests.flows.forked import forked
from tests.flows.killing import Outside, registered

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[2] / "docs" / "backup.md"


def block(mark: str) -> str:
    """The guide's block of shell lines that has this in it."""
    found = [
        it
        for it in re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        if mark in it
    ]
    assert len(found) == 1, mark
    return str(found[0])


async def shell(lines: str, **variables: str) -> str:
    """Type these lines; give what they print. Every one must succeed."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if "postgres" in variables["ENDORSE_DATABASE"]:
        folders.insert(0, str(parts.postgres_binaries()))
    kept = {name: it for name, it in os.environ.items() if not name.startswith("ENDORSE_")}
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-e", "-c", lines],
        env={**kept, **variables, "PATH": ":".join(folders)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def over(outside: Outside) -> None:
    """Nothing of before the copy gives anything; phones and apps are there, and connect anew."""
    [phone, *_], [entry, *_] = outside.phones, outside.entries
    assert not await outside.opens(entry.access)
    assert (await outside.refresh(entry.refresh)).status_code == 400
    await phone.sign_in()
    assert [it.ended_by for it in await phone.connections()] == ["bank"]
    assert "connection_ended" in [it.kind for it in await phone.notices()]
    again = await outside.connect(phone)
    assert await outside.opens(again.access)


async def test_a_sqlite_server_goes_on_with_a_copy(tmp_path: Path) -> None:
    data, backups = tmp_path / "data", tmp_path / "backups"
    for folder in (data, backups):
        folder.mkdir()
    database = f"sqlite:///{data / 'endorse.sqlite3'}"
    where = {"ENDORSE_DATABASE": database, "BACKUPS": str(backups), "DATA": str(data)}
    outside = await registered(database)
    async with outside.http:
        async with forked(database, outside.port, tmp_path / "log"):
            await outside.enrol()
            entry = await outside.connect(outside.phones[0])
            await shell(block("endorse backup"), **where)
            assert (await outside.post("/revoke", token=entry.refresh)).status_code == 200
        [copy] = backups.iterdir()
        await shell(block("install"), COPY=str(copy), **where)
        async with forked(database, outside.port, tmp_path / "log"):
            await over(outside)


@pytest.mark.postgres
async def test_a_postgresql_server_goes_on_with_a_dump(
    tmp_path: Path, postgres_server: parts.PostgresServer
) -> None:
    with postgres_server.database() as lost, postgres_server.database() as new:
        outside = await registered(lost)
        where = {"BACKUPS": str(tmp_path)}
        async with outside.http:
            async with forked(lost, outside.port, tmp_path / "log"):
                await outside.enrol()
                entry = await outside.connect(outside.phones[0])
                await shell(block("pg_dump"), ENDORSE_DATABASE=lost, **where)
                await shell(block("pg_basebackup"), ENDORSE_DATABASE=lost, **where)
                assert (await outside.post("/revoke", token=entry.refresh)).status_code == 200
            await shell(block("pg_restore"), ENDORSE_DATABASE=new, **where)
            async with forked(new, outside.port, tmp_path / "log"):
                await over(outside)
