"""The audit trail as chains, one for each writer and start: how they are linked, cut and verified.

A link is a MAC over a batch's lines and the link before. Its key is the server's, not in the
database: who can write the database but has no key cannot change a line, take one out or put one
in without breaking a chain. The first link of a chain also covers where the other chains stood, so
that a chain cannot be shortened, or left out whole, once another has begun.
"""

import hmac
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

Line = tuple[int, str, str, str | None, str | None, str | None, str | None, str | None]
"""at, event, actor, journey_id, grant_id, client_id, person_id, detail."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a chain stands: its writer, the number of its last batch and that batch's MAC."""

    writer_id: str
    batch: int
    mac: str


class Written(msgspec.Struct, frozen=True, array_like=True):
    """A line with its place: `mac` is on the last line of a batch, "" on the others.

    Lines of a version that did not chain have writer "" and batch 0.
    """

    audit_id: int
    line: Line
    writer_id: str
    batch: int
    mac: str


class ChainRow(msgspec.Struct, frozen=True):
    """What is stored of a chain beside its lines."""

    writer_id: str
    started_at: int
    """Unix seconds."""
    sealed: bool
    """Whether its writer had the key."""
    follows: tuple[Head, ...]
    """Where the other chains stood when it began, as far as no chain before it had said so."""
    last: Head
    cut: Head
    """What was forgotten goes up to here; batch 0 if nothing was."""
    cut_proof: str


def link(key: bytes, before: Head, follows: Sequence[Head], lines: Sequence[Line]) -> str:
    """Compute the MAC (HMAC-SHA-256, hexadecimal) of the batch that comes after `before`.

    `follows` are the heads of the other chains, in a chain's first batch only.
    """
    said = (before.writer_id, before.batch + 1, before.mac, follows, lines)
    return hmac.new(key, b"link\n" + msgspec.json.encode(said), "sha256").hexdigest()


def cut_proof(key: bytes, last: Head) -> str:
    """Compute the MAC that shows that a server itself forgot a chain up to this batch."""
    return hmac.new(key, b"cut\n" + msgspec.json.encode(last), "sha256").hexdigest()


def over(oldest: Sequence[Written], before: int) -> tuple[list[Head], int]:
    """Say what may be forgotten of the oldest lines: whole batches from before a time.

    Gives the last such batch of each chain, with batch 0 for lines in no chain, and the number of
    the last line that was looked at.
    """
    ends: dict[str, Head] = {}
    seen = 0
    for it in oldest:
        if it.line[0] > before:
            break
        seen = it.audit_id
        if it.mac or not it.writer_id:
            ends[it.writer_id] = Head(it.writer_id, it.batch, it.mac)
    return list(ends.values()), seen


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, and what is wrong with it ("" if nothing is)."""

    what: str
    wrong: str = ""


class _Walked:
    """One chain, as far as its lines were seen."""

    def __init__(self, row: ChainRow, key: bytes) -> None:
        self.row = row
        self.head = row.cut
        self.wrong = ""
        self._key = key if row.sealed else b""
        self._open: list[Line] = []
        if row.cut.batch and row.cut_proof != cut_proof(key, row.cut):
            self.wrong = f"its batches up to {row.cut.batch} are gone, and no server says why"

    def step(self, it: Written) -> None:
        """Take the next line."""
        if self.wrong or it.batch > self.row.last.batch:
            return
        if it.batch != self.head.batch + 1:
            self.wrong = f"batch {self.head.batch + 1} is not whole before batch {it.batch}"
            return
        self._open.append(it.line)
        if not it.mac:
            return
        follows = () if self.head.batch else self.row.follows
        if not hmac.compare_digest(it.mac, link(self._key, self.head, follows, self._open)):
            first, last = self._open[0][0], self._open[-1][0]
            self.wrong = f"batch {it.batch} is not as it was written ({first} to {last})"
            return
        self.head = Head(it.writer_id, it.batch, it.mac)
        self._open = []

    def end(self) -> None:
        """All lines were seen."""
        if not self.wrong and self.head != self.row.last:
            self.wrong = f"cut off: it ends with batch {self.head.batch} of {self.row.last.batch}"


class Walk:
    """Goes through the trail once, in the order of its numbers, and says what does not hold."""

    def __init__(self, key: bytes, rows: Iterable[ChainRow], known: Iterable[Head]) -> None:
        """Take the server's key, the chains, and heads that were kept outside the database."""
        self._chains = {row.writer_id: _Walked(row, key) for row in rows}
        self._known: Final = {("kept outside", head) for head in known}
        self._claims: dict[tuple[str, int], list[tuple[str, Head]]] = {}
        self._lines = 0
        self._unchained = 0
        self._strangers: dict[str, int] = {}
        self._lost: list[str] = []
        for by, head in self._known | set(self._named()):
            self._claims.setdefault((head.writer_id, head.batch), []).append((by, head))

    def _named(self) -> Iterable[tuple[str, Head]]:
        for walked in self._chains.values():
            # Of a chain whose beginning was forgotten, nothing shows what it named.
            if not walked.row.cut.batch:
                yield from ((walked.row.writer_id, head) for head in walked.row.follows)

    def step(self, it: Written) -> None:
        """Take the next line."""
        self._lines += 1
        walked = self._chains.get(it.writer_id)
        if walked is not None:
            walked.step(it)
            if it.mac:
                self._compare(it.writer_id, it.batch, it.mac)
        elif it.writer_id:
            self._strangers[it.writer_id] = self._strangers.get(it.writer_id, 0) + 1
        else:
            self._unchained += 1

    def _compare(self, writer_id: str, batch: int, mac: str) -> None:
        for by, head in self._claims.get((writer_id, batch), ()):
            if head.mac != mac:
                self._lost.append(f"batch {batch} of {writer_id} is another than {by} says")

    def findings(self, accept_unsealed: bool) -> list[Finding]:
        """Say of each chain, and of the whole, whether it holds; call it after the last line."""
        found = []
        for walked in self._chains.values():
            walked.end()
            row = walked.row
            wrong = walked.wrong
            if not row.sealed and not accept_unsealed:
                wrong = wrong or "written without the server's secret: anybody could have"
            found.append(Finding(f"chain {row.writer_id}, {row.last.batch} batches", wrong))
        found += [
            Finding(f"chain {writer}", f"{count} lines, but nothing says that it began")
            for writer, count in self._strangers.items()
        ]
        found += [Finding("where chains stood", wrong) for wrong in self._lost + self._missing()]
        if self._unchained:
            found.append(Finding(f"{self._unchained} lines of earlier versions, in no chain"))
        return [*found, Finding(f"{self._lines} lines read")]

    def _missing(self) -> list[str]:
        """Name the chains that ended later once than they do now."""
        missing = []
        for (writer_id, batch), claims in self._claims.items():
            walked = self._chains.get(writer_id)
            there = walked.row.last.batch if walked else 0
            if batch > there:
                by = claims[0][0]
                missing.append(f"{writer_id} ends with batch {there}; {by} says {batch}")
        return missing
