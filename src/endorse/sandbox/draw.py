"""Chance that repeats: the same key always draws the same."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A source of numbers that look random and depend on nothing but the key.

    Only `Random.random` is used: Python promises its values from one version to the next.
    """

    def __init__(self, *key: object) -> None:
        # Nothing here is secret: it invents bread and rent.
        self._random = Random("/".join(map(str, key))).random  # noqa: S311

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return int(self._random() * count)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self._random() * len(choices))]
