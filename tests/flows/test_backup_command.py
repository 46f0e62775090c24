"""`endorse backup` and `endorse restored`, as an operator types them."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.flows.commands import endorse, good_settings, serve

pytestmark = pytest.mark.anyio


async def test_a_copy_serves_only_after_somebody_said_what_became_of_the_time_after_it(
    tmp_path: Path,
) -> None:
    settings = good_settings(tmp_path)
    copy = tmp_path / "copy.sqlite3"
    of_copy = {**settings, "ENDORSE_DATABASE": f"sqlite:///{copy}"}
    with serve(settings, tmp_path):
        done = await endorse("backup", str(copy), settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[:2] == ["backup", str(copy)]
    refused = await endorse("serve", settings=of_copy)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`endorse restored`" in refused.stderr
    unsaid = await endorse("restored", settings=of_copy)
    assert (unsaid.returncode, unsaid.stderr) == (
        1,
        "Say one of --end-connections and --nothing-lost.\n",
    )
    said = await endorse("restored", "--nothing-lost", settings=of_copy)
    assert (said.returncode, said.stderr) == (0, "")
    with serve(of_copy, tmp_path):
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{settings['ENDORSE_PORT']}/healthz")
    assert answer.status_code == 200


async def test_a_name_that_is_taken_and_postgresql_are_told(tmp_path: Path) -> None:
    settings = good_settings(tmp_path)
    copy = tmp_path / "letter"
    copy.write_text("Dear reader")
    (tmp_path / "serve.sqlite3").touch()
    taken = await endorse("backup", str(copy), settings=settings)
    assert (taken.returncode, taken.stdout) == (1, "")
    assert taken.stderr == f"{copy} is there already, and a backup overwrites nothing.\n"
    postgres = {**settings, "ENDORSE_DATABASE": "postgresql://localhost/endorse"}
    other = await endorse("backup", str(tmp_path / "new"), settings=postgres)
    assert (other.returncode, other.stdout) == (1, "")
    assert other.stderr == "PostgreSQL makes its own backups: see docs/backup.md for pg_dump.\n"
