"""Each planted bug breaks a law within so many worlds: the laws can fail, each of them."""

from __future__ import annotations

import re

import pytest

from tests.model.laws import Broken
from tests.model.machine import Model, run
from tests.model.mutants import MUTANTS, Mutant, planted

WORLDS = 1_000
"""Of up to 50 steps each; most bugs are found in the first twenty."""


@pytest.mark.parametrize("bug", MUTANTS, ids=lambda bug: bug.name)
def test_a_planted_bug_breaks_its_law(bug: Mutant) -> None:
    with planted(bug), pytest.raises(Broken) as broken:
        run(Model, worlds=WORLDS)
    assert re.match(bug.law, str(broken.value)), broken.value


def test_there_are_no_two_bugs_of_one_name() -> None:
    assert len({bug.name for bug in MUTANTS}) == len(MUTANTS)
