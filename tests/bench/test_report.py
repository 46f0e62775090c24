"""What is kept in the page, and what is said of targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.busy import Busy
from bench.report import Line
from bench.server import Memory
from bench.start import Started


def test_a_text_takes_the_place_between_its_marks_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "above\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin --><!-- b: end -->\n"
    )
    report.keep(page, "a", "new")
    report.keep(page, "a", "newer")
    assert page.read_text() == (
        "above\n<!-- a: begin -->\n\nnewer\n\n<!-- a: end -->\n<!-- b: begin --><!-- b: end -->\n"
    )


def test_a_page_without_the_place_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- a: begin -->")
    with pytest.raises(ValueError, match="has no place"):
        report.keep(page, "a", "new")
    assert page.read_text() == "<!-- a: begin -->"


def test_the_page_of_the_benchmarks_has_every_place() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    for place in ("machine", "compared", "measured"):
        assert text.count(f"<!-- {place}: begin -->") == text.count(f"<!-- {place}: end -->") == 1


@pytest.mark.parametrize(("slowest", "met"), [(0.050, True), (0.051, False)])
def test_half_load_is_judged_by_the_slowest_hundredth(slowest: float, met: bool) -> None:
    approvals = [0.001] * 98 + [slowest] * 2
    lines = report.busy([Busy(240, 120, approvals, Memory(80_000_000, 0))], 0.050, 80_000_000)
    judged = {line.what: line.met for line in lines if line.met is not None}
    assert judged == {
        "half load: approve sent -> browser has its 303, p99": met,
        "memory at rest, after as many flows as could be": True,
    }


@pytest.mark.parametrize(("answered", "met"), [(0.5, True), (0.51, False)])
def test_a_start_is_judged_by_its_first_answer(answered: float, met: bool) -> None:
    first, *_ = report.start([Started(answered, 1.0, 0.4)], 0.5)
    assert (first.target, first.met) == ("<= 0.5 s", met)


def test_a_row_says_whether_its_target_is_met() -> None:
    rows = report.table([Line("x", "1", met=True), Line("y", "2", met=False), Line("z", "3")])
    assert [row.split(" | ")[-1] for row in rows.splitlines()[2:]] == ["met |", "missed |", " |"]
