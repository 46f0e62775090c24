"""Show what was signed for a grant, and check it: from a database or a file, with no server."""

from pathlib import Path

from endorse.core import evidence
from endorse.core.model import Evidence, Grant
from endorse.store import open_store, reads, require_database
from endorse.store.connection import Connection


async def load(database: str | None, grant_id: str) -> str:
    """Give a grant's bundle as canonical JSON. Raises ValueError."""
    if not database:
        raise ValueError("Say where the database is: --database URL, or ENDORSE_DATABASE.")

    async def facts(db: Connection) -> tuple[Grant | None, list[Evidence]]:
        return await reads.grant(db, grant_id), await reads.evidence(db, grant_id)

    require_database(database)
    store = await open_store(database)
    try:
        grant, items = await store.read(facts)
    finally:
        await store.close()
    if grant is None:
        raise ValueError(f"There is no grant {grant_id}.")
    return evidence.write(evidence.bundle(grant, items))


def kept(path: Path) -> str:
    """Give the text of a bundle's file. Raises ValueError."""
    try:
        return path.read_bytes().removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8.") from None


def check(text: str, issuer: str | None) -> list[tuple[str, str]]:
    """Give each thing that was checked in a bundle's text, and what is wrong with it or ""."""
    whole = evidence.read(text)
    if isinstance(whole, str):
        return [("the bundle can be read", whole)]
    return [(finding.what, finding.wrong) for finding in evidence.verify(whole, issuer)]
