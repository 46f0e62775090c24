"""Each of OAuch's 179 cases is a test here, or stands in one list with the reason why not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent


def listed() -> list[str]:
    """Every case, as Group.Id."""
    return (HERE / "cases.txt").read_text().split()


def not_applied() -> list[str]:
    """The cases that do not apply."""
    lines = (HERE / "not_applied.txt").read_text().splitlines()
    pairs = [line.split(" | ") for line in lines if not line.startswith("#")]
    assert all(reason for _, reason in pairs)
    return [case for case, _ in pairs]


def applied() -> list[str]:
    """The cases that are tests: the group is the file, the id begins the name."""
    return [
        f"{group_of(path)}.{found[1]}"
        for path in sorted(HERE.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (found := re.match(r"test_([A-Z]\w*?Test)(?:_|$)", node.name))
    ]


def group_of(path: Path) -> str:
    """The group of a file: test_api_endpoint.py is ApiEndpoint."""
    words = path.stem.removeprefix("test_").split("_")
    return "".join({"dpop": "DPoP"}.get(word, word.capitalize()) for word in words)


def test_there_are_179_cases() -> None:
    assert len(listed()) == len(set(listed())) == 179


def test_each_case_is_applied_once_or_has_its_reason() -> None:
    assert sorted(applied() + not_applied()) == sorted(listed())
