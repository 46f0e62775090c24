"""The laws hold, whatever people do and in whatever order."""

from __future__ import annotations

import pytest

from tests.model.connections import Connections
from tests.model.machine import Model, run


class Counted(Model):
    """A machine with a count of its own."""


class LookedAfter(Connections):
    """The one with connections, with a count of its own."""


def test_the_laws_hold_in_five_thousand_steps() -> None:
    Counted.steps = 0
    run(Counted, worlds=150)
    assert Counted.steps >= 5_000


def test_the_laws_hold_while_connections_are_narrowed_renewed_and_ended() -> None:
    LookedAfter.steps = 0
    run(LookedAfter, worlds=40)
    assert LookedAfter.steps >= 1_000


@pytest.mark.soak
@pytest.mark.parametrize("part", range(1, 21))
def test_the_laws_hold_in_a_million_steps(part: int) -> None:
    Counted.steps = 0
    run(Counted, worlds=1_400, start=part)
    assert Counted.steps >= 50_000


@pytest.mark.soak
@pytest.mark.parametrize("part", range(1, 5))
def test_the_laws_hold_in_many_lives_of_connections(part: int) -> None:
    LookedAfter.steps = 0
    run(LookedAfter, worlds=1_000, start=part)
    assert LookedAfter.steps >= 30_000
