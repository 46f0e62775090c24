"""ORY Hydra on PostgreSQL. It has no pages of its own: the driver is its app for these too."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec

from bench import calls, installed, postgres, works
from bench.calls import good, same
from bench.http import Connection
from bench.installed import PEERS
from bench.load import Work
from bench.server import free_port, serving
from bench.visitor import Visitor
from bench.web import CALLBACK, CLIENT, Ways, Web

_MODULE, _VERSION = "github.com/ory/hydra/v2", "v2.3.0"
_REPLACED = {
    "github.com/gobuffalo/pop/v6": "github.com/ory/pop/v6@v6.2.1-0.20241121111754-e5dfc0f3344b"
}
_APP = "http://127.0.0.1:3000"
_CONNECTIONS = (
    80  # a call that signs holds two; with 8 for 32 calls they wait for each other for ever
)
_KEYS_SECONDS = 60
_WAYS = Ways(
    authorize="/oauth2/auth",
    token="/oauth2/token",
    introspect="/admin/oauth2/introspect",
    api="/userinfo",
    scope="accounts offline_access",
    api_says=b'"sub"',
    api_scope="openid accounts",
)


class _Redirect(msgspec.Struct):
    redirect_to: str


class _Asked(msgspec.Struct):
    requested_scope: list[str]


class HydraWeb(Web):
    """A running Hydra."""

    def __init__(self, port: int, admin: int, secret: str) -> None:
        """Speak to these two ports."""
        super().__init__(port, _WAYS, secret)
        self._admin_port = admin
        self._admins: dict[str, Connection] = {}

    async def _approve(self, visitor: Visitor, person: str) -> None:
        """Answer as the bank's pages would: who it is, and that they consent."""
        connection = self._admins.setdefault(person, Connection(self._admin_port))
        who = {"subject": person, "remember": False}
        await self._accepted(connection, visitor, "login", who)
        challenge = _challenge(visitor, "consent")
        path = f"/admin/oauth2/auth/requests/consent?consent_challenge={challenge}"
        answer = await connection.send(self._to_admin("GET", path, b""))
        scope = msgspec.json.decode(good(answer).body, type=_Asked).requested_scope
        given = {"grant_scope": scope, "remember": False}
        await self._accepted(connection, visitor, "consent", given)

    async def _accepted(
        self, connection: Connection, visitor: Visitor, what: str, given: dict[str, Any]
    ) -> None:
        challenge = _challenge(visitor, what)
        path = f"/admin/oauth2/auth/requests/{what}/accept?{what}_challenge={challenge}"
        request = self._to_admin("PUT", path, msgspec.json.encode(given))
        answer = good(await connection.send(request))
        to = urlsplit(msgspec.json.decode(answer.body, type=_Redirect).redirect_to)
        await visitor.go(f"{to.path}?{to.query}")

    async def _introspection(self, at_once: int) -> Work:
        """Ask at the port for the bank's own programs, which asks for no credentials."""
        lanes = []
        for tokens in await self._tokens(at_once):
            form = {"token": tokens.access_token}
            host = f"127.0.0.1:{self._admin_port}"
            request = calls.post(host, _WAYS.introspect, form, self._app)
            lanes.append(same(self._admin_port, request, b'"active":true'))
        return Work(lanes)

    def _to_admin(self, method: str, path: str, body: bytes) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._admin_port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def _challenge(visitor: Visitor, what: str) -> str:
    """Read the challenge in the address that Hydra sent the browser to."""
    return parse_qs(urlsplit(visitor.left_for).query)[f"{what}_challenge"][0]


class Hydra:
    """ORY Hydra, whose rows are in PostgreSQL."""

    name = "ORY Hydra"
    kept = "PostgreSQL, on disk before each answer"

    def ready(self) -> str:
        """Build it by Go; find PostgreSQL."""
        self._programs = postgres.binaries()
        self._program = installed.go_program("hydra", _MODULE, _VERSION, _REPLACED)
        said = subprocess.run(["go", "version"], check=True, stdout=subprocess.PIPE, text=True)
        go = said.stdout.split()[2].removeprefix("go")
        return f"{_VERSION[1:]}, Go {go}, PostgreSQL {postgres.version(self._programs)}"

    @contextlib.contextmanager
    def up(self, folder: Path) -> Iterator[works.Up]:
        """Run it for plain HTTP, as behind a proxy, with as many threads as it has cores: one."""
        port, admin, secret = free_port(), free_port(), secrets.token_urlsafe(32)
        pool = f"max_conns={_CONNECTIONS}&max_idle_conns={_CONNECTIONS}"
        with postgres.database(self._programs, str(folder)) as url:
            environment = {
                "DSN": f"{url}?sslmode=disable&{pool}",
                "GOMAXPROCS": "1",
                "SECRETS_SYSTEM": secrets.token_urlsafe(32),
                "SERVE_ADMIN_PORT": str(admin),
                "SERVE_PUBLIC_PORT": str(port),
                "SQA_OPT_OUT": "true",
                "URLS_SELF_ISSUER": f"http://127.0.0.1:{port}",
                "URLS_LOGIN": f"{_APP}/sign-in",
                "URLS_CONSENT": f"{_APP}/consent",
            }
            subprocess.run(
                [self._program, "migrate", "sql", "-e", "--yes"],
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            config = PEERS / "hydra" / "hydra.yml"
            line = (self._program, "serve", "all", "--dev", "--config", config)
            with serving(line, port, folder / "log", environment) as site:
                _make_ready(port, admin, secret)
                yield works.Up(site, HydraWeb(port, admin, secret).works)


def _make_ready(port: int, admin: int, secret: str) -> None:
    client = {
        "client_id": CLIENT,
        "client_secret": secret,
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "scope": "openid offline_access accounts directory",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    httpx2.post(f"http://127.0.0.1:{admin}/admin/clients", json=client).raise_for_status()
    # Its signing keys are made when somebody asks first: by all who ask at once.
    keys = f"http://127.0.0.1:{port}/.well-known/jwks.json"
    httpx2.get(keys, timeout=_KEYS_SECONDS).raise_for_status()
