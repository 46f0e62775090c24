"""The README and the guides are run as they stand: a reader types them, so they must work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from sybil import Document, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from docs.diagram import ARCHITECTURE, with_drawing
from endorse.bank import Bank
from endorse.core import refusal
from endorse.core.policy import ASKABLE
from endorse.core.refusal import Refusal
from endorse.server import settings
from tests import loaded
from tests.serving import SandboxProcess, sandbox_process

ROOT = Path(__file__).parent.parent.parent
GUIDES = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / name
        for name in ("audit.md", "clients.md", "headless-phone.md", "integrate.md")
    ),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A running sandbox, whose line of JSON is in `sandbox.json` as the guides say."""
    folder = tmp_path_factory.mktemp("guides")
    with sandbox_process(folder) as running:
        (folder / "sandbox.json").write_bytes(msgspec.json.encode(running.facts))
        yield running


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_python_block_of_a_guide_runs(
    guide: Path, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sandbox.errors.parent)
    blocks = list(_document(guide).examples())
    assert blocks, f"{guide.name} has no Python to run"
    for block in blocks:
        block.evaluate()


def test_the_readme_connects_an_app_in_ten_lines() -> None:
    (block,) = _document(ROOT / "README.md").examples()
    assert len([line for line in str(block.parsed).splitlines() if line.strip()]) <= 10


def test_the_small_bank_of_the_guide_is_a_bank() -> None:
    document = _document(ROOT / "docs" / "your-bank.md")
    for block in document.examples():
        block.evaluate()
    bank: Bank = document.namespace["bank"]()
    assert bank is not None


def test_the_operators_guide_names_every_setting_and_no_other() -> None:
    guide = (ROOT / "docs" / "operate.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in guide.splitlines() if line.startswith("| `ENDORSE_")]
    named: set[str] = set()
    for row in rows:
        words = [word.strip("` ,") for word in row.split()]
        stem = words[0].rsplit("_", 1)[0]
        named |= {word if word.startswith("ENDORSE_") else stem + word for word in words}
    stems = {name.replace("ENDORSE_BRAND_LOGO_", "ENDORSE_BRAND_") for name in named}
    known = {f"ENDORSE_{name}" for name in settings.KNOWN}
    assert {name.replace("ENDORSE_BRAND_LOGO_", "ENDORSE_BRAND_") for name in known} == stems


def test_the_integration_guide_names_every_scope() -> None:
    guide = (ROOT / "docs" / "integrate.md").read_text("utf-8")
    assert all(f"| `{scope}` |" in guide for scope in ASKABLE)


def test_the_states_in_the_architecture_are_drawn_from_the_table() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    assert with_drawing(text) == text, "run: python docs/diagram.py"


def test_every_decision_is_listed_and_every_listed_one_is_there() -> None:
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text("utf-8")
    files = {file.name for file in folder.glob("0*.md")}
    assert {part.split(")")[0] for part in listed.split("](")[1:]} == files


def test_every_relative_link_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in _links(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


@pytest.mark.parametrize(
    "page", [*GUIDES, ROOT / "docs" / "operate.md", ROOT / "docs" / "backup.md"], ids=str
)
def test_every_endorse_command_of_a_page_exists(page: Path) -> None:
    commands = [
        shlex.split(line.split("#")[0])
        for block in _shell_blocks(page)
        for line in block.splitlines()
        if "endorse " in line
    ]
    for words in commands:
        arguments = words[[word.rsplit("/", 1)[-1] for word in words].index("endorse") + 1 :]
        names = [word for word in arguments[:2] if word.isalpha() and word.islower()]
        nowhere = {**os.environ, "ENDORSE_DATABASE": "sqlite:///nowhere"}
        done = loaded.run([*names, "--help"], nowhere)
        assert done.returncode == 0, f"endorse {' '.join(names)}: {done.stderr}"


def test_the_shell_line_of_the_headless_phone_approves(sandbox: SandboxProcess) -> None:
    start, line = _shell_blocks(ROOT / "docs" / "headless-phone.md")
    assert "endorse sandbox --json" in start
    facts = sandbox.facts
    asked = {"response_type": "code", "client_id": facts.client_id, "state": "mine"}
    asked["redirect_uri"] = facts.redirect_uri
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AUTHORIZE_URL": f"{facts.issuer}/auth?{urlencode(asked)}",
    }
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.startswith(f"{facts.redirect_uri}?code=")
    assert "&state=mine&iss=" in done.stdout


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=str)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    lines = [line for block in _shell_blocks(page) for line in block.splitlines()]
    named = {line.split()[1] for line in lines if line.startswith("make ")}
    rules = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= named <= set(rules)


def test_no_two_refusals_share_a_name_but_not_a_code() -> None:
    known = [value for value in vars(refusal).values() if isinstance(value, Refusal)]
    assert len({(one.name, one.error) for one in known}) == len({one.name for one in known})


def _document(page: Path) -> Document:
    sybil = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent))
    return sybil.parse(page)


def _shell_blocks(page: Path) -> list[str]:
    sybil = Sybil(parsers=[CodeBlockParser(language="sh", evaluator=lambda _: None)])
    return [str(block.parsed) for block in sybil.parse(page).examples()]


def _links(text: str) -> list[str]:
    targets = [part.split(")")[0].split("#")[0] for part in text.split("](")[1:]]
    return [target for target in targets if target and "://" not in target]
