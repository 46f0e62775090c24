"""`endorse client add` registers strict clients by hand, and says what to type when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from endorse.core.coding import fingerprint
from endorse.core.metadata import FAPI2
from endorse.core.model import Client
from endorse.core.policy import DAY
from endorse.store import open_store, reads
from tests.flows.commands import endorse

pytestmark = pytest.mark.anyio

URI = "--redirect-uri=https://app.example/callback"
KEY = ECKey.generate_key("P-256", {"kid": "mine"})


@pytest.fixture
async def database(tmp_path: Path) -> str:
    """A new database of its own."""
    url = f"sqlite:///{tmp_path / 'clients.sqlite3'}"
    await (await open_store(url)).close()
    return url


@pytest.fixture
def jwks(tmp_path: Path) -> str:
    """A file of public keys."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    return str(path)


async def add(database: str, *options: str) -> tuple[dict[str, Any], Client]:
    """Add a client; what was shown, and what is stored."""
    command = ("client", "--database", database, "add", "Strict", URI, "--json", *options)
    done = await endorse(*command)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    store = await open_store(database)
    try:
        client = await store.read(lambda db: reads.client(db, shown["client_id"]))
    finally:
        await store.close()
    assert client is not None
    return shown, client


async def test_a_client_with_keys_is_strict_and_has_no_secret(database: str, jwks: str) -> None:
    shown, client = await add(
        database, "--profile=fapi2", f"--jwks={jwks}", "--dpop", "--message-signing=PS256"
    )
    assert "client_secret" not in shown
    assert (shown["profile"], shown["authenticates"]) == ("fapi2", "private_key_jwt")
    assert shown["tokens"] == "bound by DPoP"
    assert client.profile == FAPI2
    assert client.secrets == ()
    assert json.loads(client.metadata.jwks)["keys"][0]["kid"] == "mine"
    assert client.metadata.require_signed_request_object
    assert client.metadata.authorization_signed_response_alg == "PS256"
    listed = await endorse("client", "--database", database, "list", "--json")
    assert json.loads(listed.stdout)["authenticates"] == "private_key_jwt"
    rotated = await endorse("client", "--database", database, "rotate", client.client_id)
    assert "authenticates by private_key_jwt: it has no secret" in rotated.stderr


async def test_a_client_with_a_certificate_is_known_by_its_name(database: str) -> None:
    _, client = await add(
        database, "--profile=fapi2", "--mtls", "--tls-name=subject_dn=CN=app,O=App B.V.,C=NL"
    )
    metadata = client.metadata
    assert metadata.token_endpoint_auth_method == "tls_client_auth"
    assert metadata.tls_client_auth_subject_dn == "CN=app,O=App B.V.,C=NL"
    assert metadata.tls_client_certificate_bound_access_tokens


async def test_a_plain_client_is_as_before(database: str) -> None:
    shown, client = await add(database)
    assert shown["client_secret"].startswith("ecs_")
    assert (client.profile, client.metadata.token_endpoint_auth_method) == (
        "plain",
        "client_secret_basic",
    )
    public, _ = await add(database, "--public")
    assert (public["authenticates"], public["public"]) == ("none", True)


async def test_an_invitation_is_shown_once_and_kept_as_its_hash(database: str) -> None:
    command = ("client", "--database", database, "invite", "Budget & Co B.V.", "--json")
    done = await endorse(*command, "--profile=fapi2", "--uses=3")
    shown = json.loads(done.stdout)
    assert (shown["profile"], shown["uses"]) == ("fapi2", 3)
    token = shown["initial_access_token"]
    store = await open_store(database)
    try:
        kept = await store.read(lambda db: reads.invitation(db, fingerprint(token)))
        assert await store.read(lambda db: reads.invitation(db, token)) is None
    finally:
        await store.close()
    assert kept is not None
    assert (kept.legal_name, kept.profile, kept.uses_left) == ("Budget & Co B.V.", "fapi2", 3)
    assert kept.expires_at - kept.created_at == 7 * DAY
    bad = await endorse("client", "--database", database, "invite", "Ba\u202enk")
    assert (bad.returncode, "direction" in bad.stderr) == (1, True)


async def test_a_removed_client_is_gone(database: str) -> None:
    shown, _ = await add(database)
    remove = ("client", "--database", database, "remove", shown["client_id"])
    assert (await endorse(*remove)).returncode == 0
    listed = await endorse("client", "--database", database, "list", "--json")
    assert listed.stdout == ""
    again = await endorse(*remove)
    assert (again.returncode, "There is no client" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--profile=fapi2",), "Give --jwks FILE with its public keys, or --tls-name"),
        (("--profile=fapi2", "--public"), "none is not allowed in the profile fapi2. Use private"),
        (("--profile=fapi2", "--auth-method=client_secret_basic"), "not allowed in the profile"),
        (("--auth-method=private_key_jwt",), "jwks must hold a public key"),
        (("--tls-name=CN=app",), "--tls-name must be KIND=VALUE; KIND is one of subject_dn"),
        (("--tls-name=san_ip=here",), "tls_client_auth_san_ip is not readable"),
        (("--jwks=pyproject.toml",), "is no JSON"),
        (("--message-signing=none",), "must be one of"),
        (("--grant-type=password",), "grant_types may hold"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_cannot_be_registered_says_what_to_do(
    database: str, options: tuple[str, ...], told: str
) -> None:
    done = await endorse("client", "--database", database, "add", "X", URI, *options)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_api_of_the_bank_is_registered_by_hand(database: str) -> None:
    done = await endorse(
        "client", "--database", database, "add", "Payments API", "--resource-server", "--json"
    )
    assert done.returncode == 0, done.stderr
    client_id = json.loads(done.stdout)["client_id"]
    store = await open_store(database)
    found = await store.read(lambda db: reads.client(db, client_id))
    await store.close()
    assert found is not None
    assert found.metadata.resource_server
    assert (found.redirect_uris, found.metadata.grant_types) == ((), ("client_credentials",))


async def test_a_client_with_signed_tokens_is_registered_by_hand(database: str) -> None:
    done = await endorse(
        "client", "--database", database, "add", "Signed", URI, "--signed-tokens", "--json"
    )
    assert done.returncode == 0, done.stderr
    store = await open_store(database)
    client_id = json.loads(done.stdout)["client_id"]
    found = await store.read(lambda db: reads.client(db, client_id))
    await store.close()
    assert found is not None
    assert found.metadata.access_token_format == "at+jwt"
    assert not found.metadata.resource_server


@pytest.mark.parametrize(
    ("options", "types"),
    [((), "account_information"), (("--payments",), "account_information payment_initiation")],
)
async def test_only_a_client_that_the_bank_lets_may_ask_for_payments(
    database: str, options: tuple[str, ...], types: str
) -> None:
    done = await endorse("client", "--database", database, "add", "Shop", URI, *options, "--json")
    assert done.returncode == 0, done.stderr
    listed = await endorse("client", "--database", database, "list", "--json")
    assert json.loads(listed.stdout)["details"] == types
