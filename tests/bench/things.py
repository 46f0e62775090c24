"""Made-up measurements."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from bench.compare import Compared
from bench.load import Done
from bench.works import Up


class Nobody:
    """A side that is never run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept = "nothing"

    def ready(self) -> str:
        return "1.0"

    def up(self, folder: Path) -> AbstractContextManager[Up]:
        raise AssertionError(f"nobody runs in {folder}")


def rounds(*rates: float, each: float = 0.001) -> list[Done]:
    """Give a round of a second for each rate; one unit takes `each` seconds of the server."""
    return [Done(int(rate), 1.0, rate * each, 0.1) for rate in rates]


def compared(**rates: list[Done]) -> Compared:
    """Give what was measured of the API check, by side."""
    made = Compared([Nobody(name.replace("_", " ")) for name in rates])
    made.done = {(name.replace("_", " "), "api"): done for name, done in rates.items()}
    return made
