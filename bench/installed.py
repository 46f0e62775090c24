"""Peers are installed into a folder of the bench's own, from manifests that name every version."""

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

import hatch_build

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
_INSTALLED = ROOT / ".bench"


class _Package(msgspec.Struct):
    version: str


class Missing(Exception):
    """A peer cannot be installed here, and why. The others are measured without it."""


def node_modules(name: str) -> Path:
    """Give a folder with a peer's program and its locked npm packages. Raises Missing."""
    folder = _copied(name)
    try:
        hatch_build.install(folder)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise Missing(f"npm: {failed}") from failed
    return folder


def python_packages(name: str) -> Path:
    """Give a folder with a peer's program and its locked packages in `venv`. Raises Missing."""
    folder = _copied(name)
    requirements = folder / "requirements.txt"
    done = folder / "venv" / ".installed"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if done.is_file() and done.read_text() == digest:
        return folder
    try:
        venv.create(folder / "venv", clear=True, with_pip=True)
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--require-hashes", "--requirement"]
        _run([folder / "venv" / "bin" / "python", *pip, requirements], folder)
    except OSError as failed:
        raise Missing(f"venv: {failed}") from failed
    done.write_text(digest)
    return folder


def go_program(name: str, module: str, version: str, replaced: Mapping[str, str]) -> Path:
    """Give a program that Go's own client fetches and builds. Raises Missing.

    `replaced` is what the program's own build puts in the place of some modules: Go heeds that
    only where the program is the main module.
    """
    folder = _INSTALLED / name
    program = folder / f"{name}-{version}"
    if program.is_file():
        return program
    go = shutil.which("go")
    if go is None:
        raise Missing("Go is not installed")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run([go, "mod", "init", "bench"], folder)
    for old, new in replaced.items():
        _run([go, "mod", "edit", "-replace", f"{old}={new}"], folder)
    _run([go, "get", "-tool", f"{module}@{version}"], folder)
    _run([go, "build", "-mod=mod", "-o", program, module], folder)
    return program


def version_of(folder: Path, package: str) -> str:
    """Give the version of a Python package that `python_packages` installed."""
    [info] = (folder / "venv" / "lib").glob(f"python*/site-packages/{package}-*.dist-info")
    return info.name.removesuffix(".dist-info").rpartition("-")[2]


def npm_version(folder: Path, package: str) -> str:
    """Give the version of an npm package that `node_modules` installed."""
    described = (folder / "node_modules" / package / "package.json").read_bytes()
    return msgspec.json.decode(described, type=_Package).version


def python() -> str:
    """Say which Python the peers run on: the one of this bench."""
    return f"Python {sys.version.split()[0]}"


def _copied(name: str) -> Path:
    folder = _INSTALLED / name
    shutil.copytree(
        PEERS / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    return folder


def _run(line: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run(
        line, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        last = done.stdout.strip().splitlines()[-1:] or ["it said nothing"]
        raise Missing(f"{Path(line[0]).name}: {last[0][:300]}")
