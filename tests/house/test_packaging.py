"""What is given away: the files of the repository and the built package."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import endorse

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "endorse"

# Bracketed letters keep this file from finding itself.
ADDRESSES = {
    "a package registry": rb"pypi[.]org/simple|pythonhosted[.]org|registry[.]npmjs|[n]pmmirror",
    "a machine's own path": rb"(?<![\w.-])/(?:[r]oot|[w]ork|[h]ome/\w+|[U]sers/\w+)/",
    "an option that names a registry": rb"--(?:extra-)?[i]ndex-url[ =]h|--[f]ind-links[ =]/",
}


def findings(content: bytes) -> list[str]:
    """Name each kind of address that stands in a text; none in a binary file."""
    if b"\0" in content:
        return []
    return [name for name, pattern in ADDRESSES.items() if re.search(pattern, content)]


def repository_files() -> list[Path]:
    """The files that git tracks or would offer to track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git repository")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in repository_files()
        if (names := findings(path.read_bytes()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "pypi.org" + "/simple/x",
        "https://files.python" + "hosted.org/x",
        '"resolved": "https://registry.' + 'npmjs.org/x"',
        "open('" + "/root" + "/x')",
        "cd " + "/work" + "/main",
        "--index" + "-url https://example.com",
    ],
)
def test_an_address_is_found(text: str) -> None:
    assert findings(text.encode()) != []


def test_every_locked_package_has_hashes_and_no_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text().replace("\\\n", " ")
        assert "://" not in text
        for line in text.splitlines():
            assert re.fullmatch(r"[\w.-]+==\S+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line)


def test_the_runtime_lock_is_part_of_the_developers_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text()
        return set(re.findall(r"^\S+==\S+", text, re.MULTILINE))

    assert pins("run.txt") < pins("dev.txt")


def test_the_license_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_changelog_begins_with_this_version_or_unreleased() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {endorse.__version__, "Unreleased"}


def test_the_wheel_holds_the_package_with_pages_types_and_license(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert package <= names
    assert "endorse/py.typed" in names
    assert any(name.endswith(".html") for name in names)
    assert "endorse/server/static/manifest.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_starts_the_command_line(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "endorse = endorse.cli:main" in wheel.read(name).decode()
