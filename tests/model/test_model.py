"""The laws hold, whatever people do and in whatever order."""

from __future__ import annotations

import pytest

from tests.model.machine import Model, run


class Counted(Model):
    """A machine with a count of its own."""


def test_the_laws_hold_in_five_thousand_steps() -> None:
    Counted.steps = 0
    run(Counted, worlds=150)
    assert Counted.steps >= 5_000


@pytest.mark.soak
@pytest.mark.parametrize("part", range(1, 21))
def test_the_laws_hold_in_a_million_steps(part: int) -> None:
    Counted.steps = 0
    run(Counted, worlds=1_400, start=part)
    assert Counted.steps >= 50_000
