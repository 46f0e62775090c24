"""Each planted bug breaks a law within so many worlds: the laws can fail, each of them."""

from __future__ import annotations

import re

import pytest

from tests.model.connections import Connections
from tests.model.judging import Broken
from tests.model.machine import Model, run
from tests.model.mutants import MUTANTS, OF_CONNECTIONS
from tests.model.planting import Mutant, planted

WORLDS = 1_000
"""Of up to 50 steps each; most bugs are found in the first twenty."""
SOON = {
    "another credential passes": 2,
    "a change applies to another version of the same state": 11,
    "an older renewal counts": 15,
    "another phone of the person is told": 8,
    "another verifier redeems": 1,
    "disowning spares the browser's other journeys": 3,
    "the same phone again draws the number anew": 3,
}
"""Where to start for bugs that are rare from 0: a wrong number here costs seconds, no more."""
BUGS = [*((bug, Model) for bug in MUTANTS), *((bug, Connections) for bug in OF_CONNECTIONS)]


@pytest.mark.parametrize(("bug", "machine"), BUGS, ids=[bug.name for bug, _ in BUGS])
def test_a_planted_bug_breaks_its_law(bug: Mutant, machine: type[Model]) -> None:
    with planted(bug), pytest.raises(Broken) as broken:
        run(machine, WORLDS, start=SOON.get(bug.name, 0))
    assert re.match(bug.law, str(broken.value)), broken.value


def test_there_are_no_two_bugs_of_one_name() -> None:
    assert len({bug.name for bug, _ in BUGS}) == len(BUGS)
