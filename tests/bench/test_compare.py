"""Ratios of medians, their verdicts, and what is said of who could not be measured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from bench import compare, tables, works
from bench.compare import BARE, BASE, STOCK, Compared, Target, ratio
from bench.http import Broken
from bench.installed import Missing
from bench.load import Lane, Work
from bench.sides import WITH_PASSKEY
from bench.works import Up
from tests.bench.things import Nobody, rounds

API = Target(works.API, 1.3)


def _compared(own: list[float], other: list[float], name: str = BASE) -> Compared:
    made = Compared([Nobody("Endorse"), Nobody(name)])
    made.done["Endorse", works.API] = rounds(*own, each=0.001)
    made.done[name, works.API] = rounds(*other, each=0.003)
    return made


def test_a_ratio_is_that_of_the_medians_and_tells_the_rounds() -> None:
    found = ratio(_compared([100, 200, 900], [100, 100, 300]), API)
    assert found is not None
    assert (found.by_rate, found.least, found.most) == (2.0, 1.0, 3.0)
    assert found.by_processor == pytest.approx(3.0)


def test_there_is_no_ratio_to_whom_nobody_measured() -> None:
    made = _compared([100], [100])
    del made.done[BASE, works.API]
    assert ratio(made, API) is None
    assert "| not measured |" in tables.written(made)


@pytest.mark.parametrize(("own", "verdict"), [(129, "missed"), (130, "met")])
def test_a_target_is_met_from_its_number_on(own: int, verdict: str) -> None:
    made = _compared([own], [100])
    line = next(row for row in tables.written(made).splitlines() if f"| {BASE} |" in row)
    assert "at least 1.3" not in line  # the first row is of another work
    [judged] = [
        row
        for row in tables.written(made).splitlines()
        if row.startswith(f"| {works.TITLES[works.API]} | {BASE}")
    ]
    assert judged.endswith(f"| at least 1.3 | {verdict} |")
    [told] = [row for row in tables.lines(made) if row.value != "not measured"]
    assert told.met is (verdict == "met")


def test_the_goal_of_a_flow_is_told_apart() -> None:
    made = Compared([Nobody("Endorse"), Nobody(BASE)])
    made.done = {("Endorse", works.FLOW): rounds(301), (BASE, works.FLOW): rounds(100)}
    assert "| at least 2.0 (goal 3.0) | met, and the goal too |" in tables.written(made)


@pytest.mark.parametrize("bare", [BARE, STOCK])
def test_half_of_bare_starlette_is_judged_for_the_api_check_with_what_the_bank_does(
    bare: str,
) -> None:
    made = _compared([60], [100], bare)
    made.done["Endorse", works.CHECK] = rounds(70)
    with_bank, alone = [row for row in tables.lines(made) if row.value != "not measured"]
    assert (with_bank.value, with_bank.met) == ("0.60", True)
    assert (alone.value, alone.met) == ("0.70", None)


def test_who_is_left_out_is_said_with_the_reason() -> None:
    made = _compared([100], [100])
    made.missing["ORY Hydra"] = "Go is not installed"
    assert "Left out: ORY Hydra. Go is not installed" in tables.written(made)


def test_every_table_has_as_many_cells_as_its_head() -> None:
    made = _compared([7612.3], [43.12])
    made.done["Endorse", works.FLOW] = rounds(301)
    blocks = [part.splitlines() for part in tables.written(made).split("\n\n") if part[0] == "|"]
    assert len(blocks) == 4
    for head, *rows in blocks:
        assert {row.count("|") for row in rows} == {head.count("|")}
    assert "| 7,612/s | 43.0/s |" in tables.written(made)


def test_the_targets_are_those_that_were_set() -> None:
    assert [(it.work, it.at_least, it.of) for it in compare.TARGETS] == [
        (works.FLOW, 2.0, BASE),
        (works.FLOW, None, WITH_PASSKEY),
        (works.CODE, 0.8, BASE),
        (works.REFRESH, 0.8, BASE),
        (works.CREDENTIALS, 1.0, BASE),
        (works.INTROSPECTION, 1.3, BASE),
        (works.API, 1.3, BASE),
        (works.API, 0.5, BARE),
        (works.API, 0.5, STOCK),
        (works.CHECK, None, BARE),
        (works.CHECK, None, STOCK),
    ]


class Quick(Nobody):
    """A side whose work takes no time, or fails."""

    def __init__(self, name: str, log: list[str], fails: Exception | None = None) -> None:
        super().__init__(name)
        self._log = log
        self._fails = fails

    def ready(self) -> str:
        if isinstance(self._fails, Missing):
            raise self._fails
        return "1.0"

    @contextlib.contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        assert list(folder.iterdir()) == []
        self._log.append(self.name)
        yield Up(self, {works.API: self._api})

    def cpu_seconds(self) -> float:
        return 0.0

    async def _api(self, at_once: int) -> Work:
        async def turn() -> None:
            await anyio.lowlevel.checkpoint()
            if self._fails is not None:
                raise self._fails

        return Work([Lane(turn, lambda: None)] * at_once)


def test_sides_take_turns_and_one_that_fails_is_left_out(tmp_path: Path) -> None:
    log: list[str] = []
    sides = [
        Quick("Endorse", log),
        Quick("absent", log, Missing("there is none")),
        Quick("wrong", log, Broken("an answer is 500")),
        Quick("last", log),
    ]
    made = compare.compare(sides, 2, 0.01, tmp_path)
    assert log == ["Endorse", "wrong", "last", "Endorse", "last"]
    assert made.missing["absent"] == "there is none"
    assert "an answer is 500" in made.missing["wrong"]
    assert [len(made.done[name, works.API]) for name in ("Endorse", "last")] == [2, 2]


def test_a_wrong_answer_of_endorse_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="an answer is 500"):
        compare.compare([Quick("Endorse", [], Broken("an answer is 500"))], 1, 0.01, tmp_path)
