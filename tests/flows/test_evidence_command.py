"""`endorse evidence`: what was signed, shown and checked from a database or a file alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from endorse.store import open_store
from tests.flows import play
from tests.flows.commands import endorse
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def a_life(served: Served) -> tuple[str, str]:
    """A connection that was narrowed and renewed, and its evidence as the phone downloads it."""
    phone = await play.somebody(served)
    await play.tokens(served, phone)
    [made] = await phone.connections()
    served.clock.move(1)
    await phone.narrow(made.grant_id, [made.accounts[0].resource_id])
    [narrowed] = await phone.connections()
    await phone.approve_renewal(await phone.renew(narrowed))
    return made.grant_id, await phone.evidence(made.grant_id)


async def test_what_the_command_shows_is_what_the_phone_downloads(
    served: Served, database: str
) -> None:
    grant_id, downloaded = await a_life(served)
    done = await endorse("evidence", "--database", database, "show", grant_id)
    assert (done.returncode, done.stdout) == (0, downloaded + "\n"), done.stderr


async def test_a_grant_and_its_file_are_checked_alike(
    served: Served, database: str, tmp_path: Path
) -> None:
    grant_id, downloaded = await a_life(served)
    file = tmp_path / "evidence.json"
    file.write_text(downloaded)
    settings = {"ENDORSE_DATABASE": database}
    of_grant = await endorse("evidence", "verify", grant_id, settings=settings)
    of_file = await endorse("evidence", "verify", str(file))
    assert of_grant.stdout == of_file.stdout
    assert (of_grant.returncode, of_file.returncode) == (0, 0)
    assert of_file.stdout.splitlines() == [
        "ok  the bundle is undamaged",
        "ok  nothing is missing",
        "ok  consent 1 is signed",
        "ok  amendment 2 is signed",
        "ok  consent 3 is signed",
        "ok  the grant gives what was signed",
    ]
    issuer = await endorse("evidence", "verify", str(file), "--issuer", "https://other.example")
    assert issuer.returncode == 1
    assert "NO  it is of https://other.example" in issuer.stdout


async def test_a_changed_file_is_told_and_ends_with_1(served: Served, tmp_path: Path) -> None:
    _, downloaded = await a_life(served)
    file = tmp_path / "evidence.json"
    for text, told in (
        (downloaded.replace("offline_access", "offline_axcess", 1), "NO  the bundle is undamaged"),
        (downloaded + " ", "NO  the bundle can be read: it is not canonical JSON"),
        ("no JSON", "NO  the bundle can be read"),
    ):
        file.write_text(text)
        done = await endorse("evidence", "verify", str(file))
        assert done.returncode == 1
        assert told in done.stdout


COLUMNS = {
    "a signed document": "UPDATE evidence SET signed = replace(signed, 'EUR', 'USD')",
    "the passkey": "UPDATE evidence SET public_key = replace(public_key, 'pQ', 'pA')",
    "a row": "DELETE FROM evidence WHERE number = 2",
    "the end": "UPDATE grants SET expires_at = expires_at + 1",
    "the accounts": "UPDATE grants SET accounts = replace(accounts, 'EUR', 'USD')",
    "the scope": "UPDATE grants SET scope = scope || ' payments'",
}


@pytest.mark.parametrize("what", COLUMNS)
async def test_what_somebody_changed_in_the_database_is_seen(
    served: Served, database: str, what: str
) -> None:
    grant_id, _ = await a_life(served)
    store = await open_store(database)
    where = " AND " if "WHERE" in COLUMNS[what] else " WHERE "
    async with store._engine.writing() as db:
        await db.run(COLUMNS[what] + where + "grant_id = $1", grant_id)
    await store.close()
    done = await endorse("evidence", "--database", database, "verify", grant_id)
    assert done.returncode == 1
    assert "NO  " in done.stdout


async def test_an_unknown_grant_or_a_missing_database_is_told(database: str) -> None:
    for name in ("unknown", "-unknown", "--unknown"):
        unknown = await endorse("evidence", "--database", database, "verify", name)
        assert (unknown.returncode, unknown.stderr) == (1, f"There is no grant {name}.\n")
    nowhere = await endorse("evidence", "show", "unknown")
    assert nowhere.returncode == 1
    assert "ENDORSE_DATABASE" in nowhere.stderr
