"""The map names every room of the core, of the store and of the commands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def unnamed(package: str, page: str) -> list[str]:
    """The modules of a package that a page does not name."""
    text = re.sub("```.*?```", "", page, flags=re.DOTALL)
    named = {word for code in re.findall("`([^`]+)`", text) for word in re.findall(r"\w+", code)}
    files = (ROOT / "src" / "endorse" / package).glob("*.py")
    return sorted(it.stem for it in files if it.stem not in named | {"__init__"})


def test_each_module_of_core_store_and_commands_is_on_the_map() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert {package: unnamed(package, page) for package in ("core", "store", "cli")} == {
        "core": [],
        "store": [],
        "cli": [],
    }


def test_a_module_that_is_missing_is_found() -> None:
    assert "journey" in unnamed("core", "A journey in words is no name; `model`.")
