"""The chain of the audit trail that one writer writes; `core.audit_log` says what a link is."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from endorse.core.audit_log import Head, Line, link
from endorse.store.connection import Connection

Fresh = Callable[[int], bytes]

_LINE: Final = (
    "INSERT INTO audit (at, event, actor, journey_id, grant_id, client_id, person_id, detail, "
    "writer_id, batch, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
_BEGUN: Final = (
    "INSERT INTO audit_chains (writer_id, started_at, sealed, follows, batch, mac) "
    "VALUES ($1, $2, $3, $4, $5, $6)"
)
_ON: Final = "UPDATE audit_chains SET batch = $2, mac = $3 WHERE writer_id = $1"
_UNNAMED: Final = (
    "SELECT writer_id, batch, mac FROM audit_chains WHERE batch > named ORDER BY writer_id"
)
_NAME: Final = "UPDATE audit_chains SET named = $2 WHERE writer_id = $1 AND named < $2"


class Chain:
    """The chain that one writer writes."""

    def __init__(self, fresh: Fresh) -> None:
        """Begin with the first batch that has lines; `fresh` gives the random bytes of its name.

        Until `seal` is called the links have no key: they show a mistake, not an attacker.
        """
        self._fresh = fresh
        self._key = b""
        self._head = Head("", 0, "")
        self._next: Head | None = None

    @property
    def head(self) -> Head:
        """Where the chain stands; batch 0 before its first."""
        return self._head

    def seal(self, key: bytes) -> None:
        """Use a key from now on, in a chain of its own."""
        self._key = key
        self._head = Head("", 0, "")

    async def write(self, db: Connection, lines: Sequence[Line]) -> None:
        """Write the lines of one batch, inside its transaction; then call `kept` or `lost`."""
        self._next = None
        if not lines:
            return
        if self._head.batch:
            follows: tuple[Head, ...] = ()
            head = self._linked(follows, lines)
            await db.run(_ON, head.writer_id, head.batch, head.mac)
        else:
            self._head = Head(self._fresh(9).hex(), 0, "")
            follows = tuple(Head(*row) for row in await db.all(_UNNAMED))
            head = self._linked(follows, lines)
            named = msgspec.json.encode(follows).decode()
            sealed = int(bool(self._key))
            await db.run(_BEGUN, head.writer_id, lines[0][0], sealed, named, head.batch, head.mac)
            for other in follows:
                await db.run(_NAME, other.writer_id, other.batch)
        last = len(lines) - 1
        rows = [
            (*line, head.writer_id, head.batch, head.mac if place == last else "")
            for place, line in enumerate(lines)
        ]
        await db.run_all(_LINE, rows)
        self._next = head

    def _linked(self, follows: Sequence[Head], lines: Sequence[Line]) -> Head:
        batch = self._head.batch + 1
        mac = link(self._key, self._head, follows, lines)
        return Head(self._head.writer_id, batch, mac)

    def kept(self) -> None:
        """The transaction was committed: what was written last is the head."""
        if self._next is not None:
            self._head, self._next = self._next, None

    def lost(self) -> None:
        """The transaction may not have been committed: begin another chain.

        A connection that is lost while a commit is under way leaves nobody knowing; the batch it
        may have left is the last of the chain that ends here.
        """
        if self._next is not None:
            self._head, self._next = Head("", 0, ""), None
