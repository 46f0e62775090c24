"""`endorse migrate`: what an operator runs before a new version takes over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner, Result

from endorse.cli import main
from endorse.store import migrate
from tests import parts


def run(url: str, *options: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["migrate", "--database", url, *options])


def test_the_check_says_what_would_run_and_its_status_whether_anything_would(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    names = [step.name for step in migrate.steps("sqlite").values()]
    before = run(url, "--check")
    assert before.exit_code == 1
    assert before.output.splitlines() == [f"would run {name}" for name in names]
    assert list(tmp_path.iterdir()) == []

    done = run(url)
    assert (done.exit_code, done.output.splitlines()) == (0, [f"ran {name}" for name in names])
    after = run(url, "--check")
    assert (after.exit_code, "nothing to do" in after.output) == (0, True)
    assert run(url).output == "nothing to do\n"


def test_a_database_that_is_too_new_or_away_gives_status_2(tmp_path: Path) -> None:
    path = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE schema_versions (version BIGINT PRIMARY KEY)")
        db.execute("INSERT INTO schema_versions VALUES (999)")
        db.commit()
    away = f"postgresql://endorse@127.0.0.1:{parts.free_port()}/endorse"
    for url, told in ((f"sqlite:///{path}", "schema version 999"), (away, "does not answer")):
        for options in ((), ("--check",)):
            done = run(url, *options)
            assert (done.exit_code, told in done.output) == (2, True), done.output
            assert done.exception is None or isinstance(done.exception, SystemExit)
