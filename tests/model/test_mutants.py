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
    "a change applies to another version of the same state": 11,
    "a code is redeemed twice": 7,
    "a decision may take for ever": 6,
    "a moving frame lives as long as a still one": 2,
    "a new choice keeps the old document": 6,
    "a redeemed code is given once more": 8,
    "a replayed code spares the grant": 13,
    "a second scan does not end the journey": 17,
    "an older renewal counts": 15,
    "another client redeems": 3,
    "another credential passes": 2,
    "another person acts on a connection": 12,
    "another phone of the person is told": 8,
    "another phone of the person may act": 26,
    "another verifier redeems": 1,
    "any link passes": 1,
    "any phone may act": 6,
    "approved never expires": 2,
    "claims never stop": 7,
    "disowning spares the browser's other journeys": 3,
    "letters never lapse": 5,
    "near takes a claimed journey over": 18,
    "no number passes": 7,
    "redirected never expires": 3,
    "the challenge is not compared": 10,
    "the document of an edited choice lives on": 2,
    "the mac does not bind the kind of a frame": 3,
    "the mac does not bind the second": 2,
    "the mac of a frame is not checked": 1,
    "the same phone again draws the number anew": 3,
    "too many wrong numbers stop nothing": 5,
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
