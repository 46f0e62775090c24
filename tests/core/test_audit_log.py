"""The chains of the audit trail: what a change to any of their lines, links or ends is found by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import pytest

from endorse.core.audit_log import (
    ChainRow,
    Head,
    Line,
    Walk,
    Written,
    cut_proof,
    link,
    over,
)

KEY = b"k" * 32
NONE = Head("", 0, "")


def line(at: int, event: str = "claim") -> Line:
    """A line of the trail."""
    return (at, event, "the phone", f"j{at}", None, "app", "anna", None)


class Trail:
    """A trail as writers write it, which a test then changes."""

    def __init__(self) -> None:
        self.lines: list[Written] = []
        self.chains: dict[str, ChainRow] = {}

    def write(self, writer: str, *batch: Line, key: bytes = KEY) -> None:
        """Write one batch."""
        known = self.chains.get(writer)
        follows = () if known else tuple(row.last for row in self.chains.values())
        before = known.last if known else Head(writer, 0, "")
        mac = link(key, before, follows, batch)
        head = Head(writer, before.batch + 1, mac)
        row = known or ChainRow(writer, 0, bool(key), follows, head, Head(writer, 0, ""), "")
        self.chains[writer] = msgspec.structs.replace(row, last=head)
        for place, it in enumerate(batch, 1):
            own = mac if place == len(batch) else ""
            self.lines.append(Written(len(self.lines) + 1, it, writer, head.batch, own))

    def change(self, place: int, **values: object) -> None:
        """Change something about a line."""
        self.lines[place] = msgspec.structs.replace(self.lines[place], **values)

    def wrongs(
        self, known: Sequence[Head] = (), accept_unsealed: bool = False, key: bytes = KEY
    ) -> list[str]:
        """What does not hold."""
        walk = Walk(key, self.chains.values(), known)
        for it in self.lines:
            walk.step(it)
        return [it.wrong for it in walk.findings(accept_unsealed) if it.wrong]


def in_turn() -> Trail:
    """Two servers that write in turn, the second begun when the first had a batch."""
    made = Trail()
    made.write("aa", line(1), line(2))
    made.write("bb", line(3))
    made.write("aa", line(4))
    made.write("bb", line(5), line(6), line(7))
    return made


@pytest.fixture
def trail() -> Trail:
    """A trail of two servers."""
    return in_turn()


def test_a_trail_as_it_was_written_holds(trail: Trail) -> None:
    assert trail.wrongs() == []
    assert trail.wrongs([row.last for row in trail.chains.values()]) == []


def test_an_edited_line_is_found() -> None:
    for place, field in itertools.product(range(7), range(8)):
        trail = in_turn()
        values = list(trail.lines[place].line)
        values[field] = 99 if field == 0 else "other"
        trail.change(place, line=tuple(values))
        assert trail.wrongs(), (place, field)


def test_a_removed_line_is_found() -> None:
    for place in range(7):
        trail = in_turn()
        del trail.lines[place]
        assert trail.wrongs(), place


def test_a_repeated_line_is_found() -> None:
    for place in range(7):
        trail = in_turn()
        trail.lines.insert(place, trail.lines[place])
        assert trail.wrongs(), place


def test_lines_that_changed_places_are_found(trail: Trail) -> None:
    trail.lines[0], trail.lines[1] = (
        msgspec.structs.replace(trail.lines[1], mac=""),
        msgspec.structs.replace(trail.lines[0], mac=trail.lines[1].mac),
    )
    assert trail.wrongs()


def test_a_line_moved_to_another_chain_or_to_none_is_found(trail: Trail) -> None:
    for writer in ("bb", ""):
        trail.change(2, writer_id=writer, batch=1, mac="")
        assert trail.wrongs()


def test_a_batch_removed_from_the_middle_is_found() -> None:
    trail = Trail()
    for at in range(4):
        trail.write("aa", line(at))
    del trail.lines[1]
    assert trail.wrongs() == ["batch 2 is not whole before batch 3"]


def test_a_tail_that_was_cut_off_is_found_by_what_the_chain_says(trail: Trail) -> None:
    del trail.lines[-3:]
    assert trail.wrongs() == ["cut off: it ends with batch 1 of 2"]


def cut_off(trail: Trail, writer: str, batch: int) -> None:
    """Take the end away as who knows how it is stored would: the lines, and what the chain says."""
    trail.lines = [it for it in trail.lines if (it.writer_id, it.batch) != (writer, batch)]
    last = next(it for it in reversed(trail.lines) if it.writer_id == writer and it.mac)
    head = Head(writer, last.batch, last.mac)
    trail.chains[writer] = msgspec.structs.replace(trail.chains[writer], last=head)


def test_a_tail_cut_off_with_its_traces_is_found_by_a_head_that_was_kept(trail: Trail) -> None:
    kept = trail.chains["bb"].last
    cut_off(trail, "bb", 2)
    assert trail.wrongs() == []
    assert trail.wrongs([kept]) == ["bb ends with batch 1; kept outside says 2"]


def test_a_tail_cut_off_with_its_traces_is_found_by_a_chain_that_began_later(trail: Trail) -> None:
    trail.write("cc", line(8))
    cut_off(trail, "aa", 2)
    assert trail.wrongs() == ["aa ends with batch 1; cc says 2"]


def test_a_chain_that_was_taken_out_whole_is_found_by_one_that_began_later(trail: Trail) -> None:
    trail.lines = [it for it in trail.lines if it.writer_id != "aa"]
    del trail.chains["aa"]
    assert trail.wrongs() == ["aa ends with batch 0; bb says 1"]


def test_lines_of_a_chain_that_nothing_speaks_of_are_found(trail: Trail) -> None:
    del trail.chains["bb"]
    assert trail.wrongs() == ["4 lines, but nothing says that it began"]


def test_a_chain_written_anew_without_the_key_is_found(trail: Trail) -> None:
    forged = Trail()
    forged.write("aa", line(1), line(9), key=b"")
    assert forged.wrongs() == ["written without the server's secret: anybody could have"]
    assert forged.wrongs(accept_unsealed=True) == []
    # Where its head was kept, no permission helps.
    assert forged.wrongs([Head("aa", 1, trail.lines[1].mac)], accept_unsealed=True) == [
        "batch 1 of aa is another than kept outside says"
    ]


def test_a_trail_under_another_key_does_not_hold(trail: Trail) -> None:
    assert len(trail.wrongs(key=b"x" * 32)) == 2


def test_where_other_chains_stood_cannot_be_rewritten(trail: Trail) -> None:
    row = trail.chains["bb"]
    trail.chains["bb"] = msgspec.structs.replace(row, follows=())
    assert trail.wrongs()


def forget(trail: Trail, before: int) -> None:
    """Forget what is older, as a server does."""
    ends, up_to = over(trail.lines, before)
    for head in ends:
        trail.lines = [
            it
            for it in trail.lines
            if not (
                it.audit_id <= up_to and it.writer_id == head.writer_id and it.batch <= head.batch
            )
        ]
        row = trail.chains[head.writer_id]
        proof = cut_proof(KEY, head)
        trail.chains[head.writer_id] = msgspec.structs.replace(row, cut=head, cut_proof=proof)


@pytest.mark.parametrize("before", range(9))
def test_what_a_server_forgot_by_itself_leaves_a_trail_that_holds(
    trail: Trail, before: int
) -> None:
    forget(trail, before)
    # Only whole batches go: the one of line 5 to 7 stays until all of it is old.
    assert len(trail.lines) == {0: 7, 1: 7, 2: 5, 3: 4, 4: 3, 5: 3, 6: 3}.get(before, 0)
    assert trail.wrongs() == []


def test_what_somebody_else_took_from_the_beginning_is_found(trail: Trail) -> None:
    forget(trail, 2)
    head = trail.chains["aa"].cut
    assert head.batch == 1
    trail.lines = [it for it in trail.lines if it.writer_id != "aa"]
    later = trail.chains["aa"].last
    trail.chains["aa"] = msgspec.structs.replace(trail.chains["aa"], cut=later)
    assert trail.wrongs() == ["its batches up to 2 are gone, and no server says why"]


def test_lines_of_earlier_versions_are_told_and_not_held_against_anybody(trail: Trail) -> None:
    trail.lines.insert(0, Written(0, line(0), "", 0, ""))
    walk = Walk(KEY, trail.chains.values(), ())
    for it in trail.lines:
        walk.step(it)
    told = [it.what for it in walk.findings(accept_unsealed=False) if not it.wrong]
    assert "1 lines of earlier versions, in no chain" in told


def test_batches_written_while_the_trail_is_read_are_passed_over(trail: Trail) -> None:
    rows = list(trail.chains.values())
    trail.write("aa", line(8), line(9))
    walk = Walk(KEY, rows, ())
    for it in trail.lines[:-1]:
        walk.step(it)
    assert not [it.wrong for it in walk.findings(accept_unsealed=False) if it.wrong]
