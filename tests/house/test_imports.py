"""Each import contract lets the real code through and catches a planted violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "pyproject.toml"
CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads(CONFIG.read_text())["tool"]["importlinter"]["contracts"]
}
PLANTED = [
    pytest.param("down", "endorse.store", "import endorse.server", id="store-imports-server"),
    pytest.param("down", "endorse.core", "import endorse.phone", id="core-imports-phone"),
    pytest.param("pure", "endorse.core", "import time", id="core-imports-time"),
    pytest.param("pure", "endorse.core", "import sqlite3", id="core-imports-sqlite3"),
    pytest.param("ends-own-code", "endorse.phone", "import endorse.core", id="phone-imports-core"),
    pytest.param(
        "ends-apart", "endorse.server", "import endorse.sandbox", id="server-imports-sandbox"
    ),
    pytest.param(
        "ends-apart", "endorse.phone", "import endorse.sandbox", id="phone-imports-sandbox"
    ),
    pytest.param("down", "endorse.phone", "import endorse.audit", id="phone-imports-audit"),
    pytest.param("audit", "endorse.audit", "import endorse.core", id="audit-imports-core"),
    pytest.param("audit", "endorse.audit", "import endorse.sandbox", id="audit-imports-sandbox"),
    pytest.param("bank", "endorse.bank", "import endorse.core", id="bank-imports-core"),
    pytest.param("risk", "endorse.risk", "import endorse.core", id="risk-imports-core"),
]


def lint_imports(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Check one contract on the copy of the package in `folder`."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--config", CONFIG, "--contract", contract, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package, which a program started there imports."""
    no_caches = shutil.ignore_patterns("__pycache__", "static")
    shutil.copytree(ROOT / "src" / "endorse", tmp_path / "endorse", ignore=no_caches)
    return tmp_path


def plant(folder: Path, module: str, line: str) -> None:
    """Add an import to a module of the copied package."""
    path = folder.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with file.open("a") as source:
        source.write(f"\n{line}\n")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_package_keeps_the_contract(contract: str, copy: Path) -> None:
    done = lint_imports(copy, contract)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{CONTRACTS[contract]} KEPT" in done.stdout


@pytest.mark.parametrize(("contract", "module", "line"), PLANTED)
def test_a_planted_import_breaks_the_contract(
    contract: str, module: str, line: str, copy: Path
) -> None:
    plant(copy, module, line)
    done = lint_imports(copy, contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{CONTRACTS[contract]} BROKEN" in done.stdout
    assert f"{module} -> {line.removeprefix('import ')}" in done.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert {param.values[0] for param in PLANTED} == set(CONTRACTS)
