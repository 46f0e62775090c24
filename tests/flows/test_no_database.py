"""A command that works beside a server says that there is no such database, and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.commands import endorse, good_settings, serve

pytestmark = pytest.mark.anyio

URI = "--redirect-uri=https://new.example/callback"
COMMANDS = [
    "client list",
    "client rotate some-client",
    f"client add Budgetly {URI}",
    "evidence show some-grant",
    "evidence verify some-grant",
    "person enrol anna",
    "person phones anna",
    "person confirm anna 123456",
    "person revoke anna",
    "backup copy.sqlite3",
    "restored --end-connections",
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_mistyped_path_is_told_and_stays_without_a_file(
    tmp_path: Path, command: str
) -> None:
    settings = good_settings(tmp_path)
    done = await endorse(*command.split(), settings=settings)
    path = settings["ENDORSE_DATABASE"].removeprefix("sqlite:///")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"There is no database {path}. `endorse serve` makes it when it starts.\n"
    )
    assert files_in(tmp_path) == []


async def test_the_server_makes_the_database_and_a_client_can_be_added_then(
    tmp_path: Path,
) -> None:
    with serve(good_settings(tmp_path), tmp_path) as running:
        added = await endorse("client", "add", "Budgetly", URI, settings=running.settings)
        assert added.returncode == 0, added.stderr
    listed = await endorse("client", "list", settings=running.settings)
    assert "Budgetly" in listed.stdout


def files_in(folder: Path) -> list[Path]:
    """What a folder holds."""
    return list(folder.iterdir())
