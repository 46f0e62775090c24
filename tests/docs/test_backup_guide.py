"""The guide on backups, executed: a server on each database loses it, and goes on with a copy.

With ENDORSE_SOAK=1 a PostgreSQL is recovered from its log too, which takes some fifteen seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from endorse.store.opening import why_restored
from tests import parts
from tests.flows.forked import forked
from tests.flows.killing import Outside, registered

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[2] / "docs" / "backup.md"


def block(mark: str, kind: str = "sh") -> str:
    """The guide's block of this kind that has this in it."""
    found = [
        it
        for it in re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        if mark in it
    ]
    assert len(found) == 1, mark
    return str(found[0])


async def shell(lines: str, **variables: str) -> str:
    """Type these lines; give what they print. Every one must succeed."""
    return await typed(lines, None, variables)


async def typed(lines: str, user: int | None, variables: Mapping[str, str]) -> str:
    """The same, as another user of this machine."""
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
        user=user,
        cwd="/",
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
            restore, say = block("pg_restore").splitlines()
            await shell(restore, ENDORSE_DATABASE=new, **where)
            assert "from a dump" in await why_restored(new)
            with pytest.raises(RuntimeError, match="did not start"):
                async with forked(new, outside.port, tmp_path / "log"):
                    pass
            await shell(say, ENDORSE_DATABASE=new, **where)
            async with forked(new, outside.port, tmp_path / "log"):
                await over(outside)


ARCHIVE = "/var/lib/postgresql/archive"


class Cluster:
    """A PostgreSQL that keeps its log, and what is recovered from it."""

    def __init__(self, server: parts.PostgresServer, folder: Path) -> None:
        """Take a server that runs; keep what it writes in a folder of its user."""
        self.server = server
        self.folder = folder
        self.where = {"BACKUPS": str(self.made("backups")), "ARCHIVE": str(self.made("archive"))}
        server.stop()
        settings = block("archive_command", "ini").replace(ARCHIVE, self.where["ARCHIVE"])
        with (server.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)
        server.start()

    def made(self, name: str) -> Path:
        """A new folder of PostgreSQL's user."""
        path = self.folder / name
        path.mkdir(mode=0o700)
        if self.server.user is not None:
            os.chown(path, self.server.user, -1)
        return path

    async def lost(self, url: str) -> None:
        """The machine is gone; its log is in the archive."""
        await asked(url, "SELECT pg_switch_wal()")
        self.server.stop()

    @contextlib.asynccontextmanager
    async def recovered(self, name: str, lines: str, url: str, **more: str) -> AsyncIterator[str]:
        """Do what the guide says in a new place; give the URL when it takes writes."""
        new = self.made(name)
        data = self.made(f"{name}/data")
        variables = {**self.where, "PGDATA": str(data), "ENDORSE_DATABASE": url, **more}
        await typed(lines, self.server.user, variables)
        old = self.server
        server = parts.PostgresServer(old.binaries, new, parts.free_port(), old.user, old.durable)
        try:
            server.start()
            there = urlsplit(url)._replace(netloc=f"endorse@127.0.0.1:{server.port}").geturl()
            async with asyncio.timeout(30):
                while await asked(there, "SELECT pg_is_in_recovery()"):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield there
        finally:
            server.stop()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL with an archive."""
    folder = Path(tempfile.mkdtemp(prefix="endorse-recovery-"))
    folder.chmod(0o755)
    try:
        with parts.postgres_server() as server:
            yield Cluster(server, folder)
    finally:
        shutil.rmtree(folder)


async def asked(url: str, question: str) -> object:
    """What one statement answers."""
    raw = await asyncpg.connect(url)
    try:
        return await raw.fetchval(question)
    finally:
        await raw.close()


@pytest.mark.postgres
@pytest.mark.soak
async def test_a_postgresql_is_recovered_to_the_end_of_its_log_and_to_a_moment(
    tmp_path: Path,
) -> None:
    with cluster() as kept:
        url = f"postgresql://endorse@127.0.0.1:{kept.server.port}/postgres"
        outside = await registered(url)
        where = {"ENDORSE_DATABASE": url, **kept.where}
        async with outside.http:
            async with forked(url, outside.port, tmp_path / "log"):
                await outside.enrol()
                await typed(block("pg_basebackup"), kept.server.user, where)
                [phone, *_] = outside.phones
                ended, other = await outside.connect(phone), await outside.connect(phone)
                moment = str(await asked(url, "SELECT clock_timestamp()"))
                assert (await outside.post("/revoke", token=ended.refresh)).status_code == 200
            await kept.lost(url)
            to_moment = block("recovery_target_time")
            to_end = "".join(
                line for line in to_moment.splitlines(True) if "recovery_target" not in line
            )
            # All that was answered is there, on a later timeline, as after a failover.
            async with (
                kept.recovered("end", to_end, url) as there,
                forked(there, outside.port, tmp_path / "log"),
            ):
                assert not await outside.opens(ended.access)
                assert await outside.opens(other.access)
                assert (await outside.refresh(other.refresh)).status_code == 200
            async with kept.recovered("moment", to_moment, url, MOMENT=moment) as there:
                # What was ended after the moment counts again, until somebody says so.
                assert "recovery_target_time" in await why_restored(there)
                await shell(block("pg_restore").splitlines()[-1], ENDORSE_DATABASE=there)
                async with forked(there, outside.port, tmp_path / "log"):
                    for entry in (ended, other):
                        assert not await outside.opens(entry.access)
                        assert (await outside.refresh(entry.refresh)).status_code == 400
                    await phone.sign_in()
                    assert [it.ended_by for it in await phone.connections()] == ["bank"] * 2
                    assert await outside.opens((await outside.connect(phone)).access)
