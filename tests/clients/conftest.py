"""One running sandbox for all clients, and the apps that are registered there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc.jwk import ECKey

from tests import loaded
from tests.clients import plain
from tests.clients.node import driver
from tests.serving import App, Sandbox, sandbox_process

CALLBACK = "http://127.0.0.1:3000/callback"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the sandbox's database."""
    return f"sqlite:///{tmp_path_factory.mktemp('clients') / 'sandbox.db'}"


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Sandbox]:
    """A running `endorse sandbox`."""
    folder = tmp_path_factory.mktemp("sandbox")
    with sandbox_process(folder, f"--database={database}") as running:
        yield running.facts


@pytest.fixture(scope="session")
def issuer(sandbox: Sandbox) -> str:
    """The address of the authorization server."""
    return sandbox.issuer


@pytest.fixture(scope="session")
def app(sandbox: Sandbox, database: str) -> App:
    """An app that keeps a secret, registered while the sandbox runs."""
    added = _endorse("client", "--database", database, "add", "Shoebox", "--redirect-uri", CALLBACK)
    return App(added["client_id"], added["client_secret"], CALLBACK)


@pytest.fixture(scope="session")
def public_app(sandbox: Sandbox, database: str) -> App:
    """An app without a secret, registered while the sandbox runs."""
    added = _endorse(
        *("client", "--database", database, "add", "Pocket", "--redirect-uri", CALLBACK),
        "--public",
    )
    return App(added["client_id"], "", CALLBACK)


@dataclass(frozen=True)
class KeyedApp:
    """A registered app that authenticates by a key, with its private half."""

    client_id: str
    redirect_uri: str
    key: ECKey = field(repr=False)

    @property
    def jwk(self) -> dict[str, Any]:
        """The private key, for the app."""
        return dict(self.key.as_dict(private=True))


Register = Callable[..., KeyedApp]
RegisterPlain = Callable[..., App]


@pytest.fixture(scope="session")
def register_plain(sandbox: Sandbox, database: str) -> RegisterPlain:
    """Register an app with a secret by hand, with further options of the command."""

    def do(callback: str, *options: str) -> App:
        wanted = ("--redirect-uri", callback, *options)
        added = _endorse("client", "--database", database, "add", "Shoebox", *wanted)
        return App(added["client_id"], added["client_secret"], callback)

    return do


@pytest.fixture(scope="session")
def register(sandbox: Sandbox, database: str, tmp_path_factory: pytest.TempPathFactory) -> Register:
    """Register an app with a key by hand, with further options of the command."""
    folder = tmp_path_factory.mktemp("keys")
    known: dict[tuple[str, ...], KeyedApp] = {}

    def do(*options: str) -> KeyedApp:
        if options in known:
            return known[options]
        key = ECKey.generate_key("P-256", {"kid": "mine", "alg": "ES256", "use": "sig"})
        file = Path(folder, f"{len(known)}.json")
        file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        callback = "https://app.example/callback"
        wanted = ("--jwks", str(file), "--redirect-uri", callback, *options)
        added = _endorse("client", "--database", database, "add", "Strongbox", *wanted)
        known[options] = KeyedApp(added["client_id"], callback, key)
        return known[options]

    return do


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """A client that believes everything: for looking at an answer as it is."""
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def annas_token(issuer: str, app: App) -> str:
    """An access token for all that Anna has."""
    with httpx2.Client(trust_env=False) as client:
        token: str = plain.connect(client, issuer, app, person="anna")["access_token"]
    return token


@pytest.fixture(scope="session")
def annas_accounts(issuer: str, annas_token: str) -> list[dict[str, Any]]:
    """All accounts of Anna, as the API lists them."""
    with httpx2.Client(trust_env=False) as client:
        answer = plain.get(client, issuer, "/v1/accounts", annas_token)
    accounts: list[dict[str, Any]] = answer.json()["accounts"]
    return accounts


@pytest.fixture(scope="session")
def annas_balances(
    issuer: str, annas_token: str, annas_accounts: list[dict[str, Any]]
) -> list[dict[str, str]]:
    """What Anna can spend of each account: amount and currency."""
    found = []
    with httpx2.Client(trust_env=False) as client:
        for account in annas_accounts:
            path = account["_links"]["balances"]["href"]
            balances = plain.get(client, issuer, path, annas_token).json()["balances"]
            found += [one for one in balances if one["balanceType"] == "interimAvailable"]
    return [one["balanceAmount"] for one in found]


@pytest.fixture(scope="session")
def node_modules() -> None:
    """The locked npm packages of the apps on Node."""
    driver.install()


def _endorse(*arguments: str) -> dict[str, Any]:
    done = loaded.run([*arguments, "--json"], os.environ)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = msgspec.json.decode(done.stdout)
    return printed
