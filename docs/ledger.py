"""Write docs/ledger.md: each MUST of the specifications, with its code and its test.

    python docs/ledger.py

The requirements stand in docs/specifications, a file a specification, in our own words: what
concerns a server. The code names sections in its docstrings and refusals, the tests in their marker
`spec(section, requirement)`. A test fails while the table differs from the three, or a requirement
has no test.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEDGER = ROOT / "docs" / "ledger.md"
SOURCE = ROOT / "src" / "endorse"

_NAMES = {
    "FAPI 2.0 Security Profile": r"FAPI 2\.0(?: Security Profile| SP)?",
    "OpenID Connect Core": r"OpenID Connect Core(?: 1\.0)?",
    "CIBA Core": r"CIBA Core",
    "JARM": r"JARM",
    "FAPI-CIBA": r"FAPI-CIBA",
}
_SECTION = r"(?:[A-Z](?![A-Za-z])|[0-9]+(?:\.[0-9]+)*)"
_SHOWN_AT_MOST = 3
_ABOUT = """
Every MUST of the specifications that concerns a server, in our own words, with the code that names
its section and the test that shows it, and what else the tests show of them. Made by
`python docs/ledger.py` from [docs/specifications](specifications), the code's references and the
tests' markers; a test fails when this page differs from them, or a requirement has no test.
""".strip().splitlines()


@dataclass(frozen=True)
class Must:
    """One requirement; `elsewhere` is why it is not this server's to meet, or ""."""

    specification: str
    section: str
    says: str
    elsewhere: str = ""

    @property
    def where(self) -> str:
        """The section as code and tests name it."""
        return f"{self.specification} {self.section}"


@dataclass(frozen=True)
class Place:
    """A function of the code or of the tests."""

    path: str
    name: str

    def link(self) -> str:
        """Write it as a link from docs/."""
        return f"[`{self.name}`](../{self.path})"


def musts() -> list[Must]:
    """Read the requirements of every specification."""
    found = []
    for path in sorted((ROOT / "docs" / "specifications").glob("*.txt")):
        heading, *lines = path.read_text("utf-8").splitlines()
        specification = heading.removeprefix("# ").split(",")[0]
        for line in filter(None, lines):
            section, says, *elsewhere = line.split(" | ")
            reason = elsewhere[0].removeprefix("- ") if elsewhere else ""
            found.append(Must(specification, section, says, reason))
    return found


def code() -> dict[str, list[Place]]:
    """Find which function names which section, in its docstring, its comments or its refusals."""
    found: dict[str, list[Place]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        tree = ast.parse(text)
        for number, line in enumerate(text.splitlines(), 1):
            for section in sections(line):
                place = Place(path.relative_to(ROOT).as_posix(), _around(tree, number, path.stem))
                places = found.setdefault(section, [])
                if place not in places:
                    places.append(place)
    return found


def tests() -> dict[tuple[str, str], list[Place]]:
    """Find the tests that carry the marker, by section and requirement; but none that may fail."""
    found: dict[tuple[str, str], list[Place]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        here = path.relative_to(ROOT).as_posix()
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for marked in _markers(function):
                    found.setdefault(marked, []).append(Place(here, function.name))
    return found


def sections(text: str) -> list[str]:
    """Give every section that a text names: "RFC 6749 4.1.3, 6" names two."""
    found = []
    for name, pattern in {"RFC": r"RFC \d+", **_NAMES}.items():
        for match in re.finditer(rf"({pattern}) ({_SECTION}(?:, {_SECTION})*)", text):
            specification = match[1] if name == "RFC" else name
            found += [f"{specification} {section}" for section in match[2].split(", ")]
    return found


def untested() -> list[Must]:
    """Give the requirements that no test shows."""
    shown = tests()
    return [it for it in musts() if not it.elsewhere and not shown.get((it.where, it.says))]


def rows() -> list[Must]:
    """Give the requirements, and what else the tests' markers say, in the order of the sections."""
    listed = musts()
    known = {(must.where, must.says) for must in listed}
    others = [
        Must(where.rpartition(" ")[0], where.rpartition(" ")[2], says)
        for where, says in tests()
        if (where, says) not in known
    ]
    return sorted(listed + others, key=lambda it: (it.specification, _by_number(it.section)))


def table() -> str:
    """Give the whole page."""
    referred, shown, every = code(), tests(), rows()
    without, elsewhere = len(untested()), len([it for it in every if it.elsewhere])
    shown_ones = len(every) - without - elsewhere
    summary = (
        f"{len(every)} requirements: {shown_ones} shown by a test, {elsewhere} met elsewhere, "
    )
    summary += f"{without} without a test."
    lines = [
        "# The specification ledger",
        "",
        *_ABOUT,
        "",
        summary,
    ]
    for specification in dict.fromkeys(must.specification for must in every):
        lines += ["", f"## {specification}", ""]
        lines += ["| section | requirement | code | test | state |", "|---|---|---|---|---|"]
        for must in every:
            if must.specification == specification:
                lines.append(_row(must, referred, shown.get((must.where, must.says), [])))
    return "\n".join(lines) + "\n"


def _row(must: Must, referred: dict[str, list[Place]], shown: list[Place]) -> str:
    places = referred.get(must.where, [])
    state = "shown" if shown else f"elsewhere: {must.elsewhere}" if must.elsewhere else "no test"
    cells = [must.section, must.says, _links(places), _links(shown), state]
    return f"| {' | '.join(cells)} |"


def _links(places: list[Place]) -> str:
    more = len(places) - _SHOWN_AT_MOST
    links = ", ".join(place.link() for place in places[:_SHOWN_AT_MOST])
    return f"{links}, {more} more" if more > 0 else links


def _by_number(section: str) -> list[tuple[bool, int, str]]:
    return [
        (not part.isdigit(), int(part) if part.isdigit() else 0, part)
        for part in section.split(".")
    ]


def _around(tree: ast.Module, line: int, module: str) -> str:
    """Name the innermost function or class around a line, or the module."""
    names = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return f"{module}.{names[-1]}" if names else module


def _markers(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    if any("mark.xfail" in ast.unparse(decorator) for decorator in function.decorator_list):
        return
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.spec":
            section, says = (ast.literal_eval(argument) for argument in decorator.args)
            for one in sections(section) or [section]:
                yield one, says


if __name__ == "__main__":
    LEDGER.write_text(table(), "utf-8")
