"""The server's keys: published, never readable, replaced beside the running server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from endorse.core import signing
from endorse.server.keyring import KeyHolderAway, Keyring, SealedKeys
from endorse.store import open_store
from endorse.store.signing_keys import signing_keys
from tests.flows.commands import BehindProxy, endorse, good_settings, serve
from tests.flows.own_holder import Slots
from tests.flows.play import together
from tests.serving import Served
from tests.store import looking

pytestmark = pytest.mark.anyio

CLAIMS = {"iss": "the server", "n": 1}


async def jwks(served: Served) -> dict[str, Any]:
    answer = await served.http.get(served.url("/jwks"))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def verified(token: str, published: dict[str, Any], alg: str) -> jwt.Token:
    registry = jws.JWSRegistry(algorithms=[alg])
    keys = KeySet.import_key_set(published)  # type: ignore[arg-type]
    return jwt.decode(token, keys, algorithms=[alg], registry=registry)


def other_server(served: Served) -> Keyring:
    """The keyring of another server on the same store, with the same secret."""
    desk = served.desk
    return Keyring(desk.store, desk.keys.holder, served.clock, desk.law)


@pytest.mark.parametrize("alg", signing.ALGORITHMS)
async def test_what_the_server_signs_verifies_with_its_published_keys(
    served: Served, alg: str
) -> None:
    token = await served.desk.keyring.sign(CLAIMS, typ="test+jwt", alg=alg)
    found = verified(token, await jwks(served), alg)
    assert found.claims == CLAIMS
    assert found.header["typ"] == "test+jwt"


async def test_the_key_set_is_found_by_the_metadata_and_may_be_kept(served: Served) -> None:
    where = await served.http.get(served.url("/.well-known/oauth-authorization-server"))
    answer = await served.http.get(where.json()["jwks_uri"])
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert {key["kty"] for key in answer.json()["keys"]} == {"EC", "RSA"}


async def test_no_private_member_is_published_and_none_is_readable_in_the_store(
    served: Served,
) -> None:
    for key in (await jwks(served))["keys"]:
        assert set(key) <= {"kty", "kid", "use", "crv", "x", "y", "n", "e"}
    columns = "kid, public_jwk, handle"
    rows = await looking.rows(served.desk.store, f"SELECT {columns} FROM signing_keys")
    for kid, public, handle in rows:
        assert set(json.loads(public)) <= {"kty", "crv", "x", "y", "n", "e"}
        assert handle.startswith("gAAAA"), kid  # Fernet's mark


async def test_another_secret_opens_no_key(served: Served) -> None:
    desk = served.desk
    await jwks(served)
    stranger = Keyring(desk.store, SealedKeys(bytes(32)), served.clock, desk.law)
    with pytest.raises(KeyHolderAway, match="another ENDORSE_SECRET"):
        await stranger.sign(CLAIMS, typ="", alg="ES256")


async def test_servers_that_start_together_share_one_key_of_each_kind(served: Served) -> None:
    servers = [other_server(served) for _ in range(4)]
    sets = await together(*(server.jwks() for server in servers))
    assert sets == [await jwks(served)] * 4
    assert len(sets[0]["keys"]) == 2


async def test_a_rotation_is_seen_within_seconds_and_what_was_signed_stays_good(
    served: Served,
) -> None:
    keyring, law = served.desk.keyring, served.desk.law
    before = await keyring.sign(CLAIMS, typ="", alg="ES256")
    old = {key["kid"] for key in (await jwks(served))["keys"]}
    new = {key.kid for key in await other_server(served).rotate()}
    served.clock.move(2)
    assert {key["kid"] for key in (await jwks(served))["keys"]} == old | new

    still = verified(await keyring.sign(CLAIMS, typ="", alg="ES256"), await jwks(served), "ES256")
    assert still.header["kid"] in old
    served.clock.move(law.key_published)
    token = await keyring.sign(CLAIMS, typ="", alg="ES256")
    assert verified(token, await jwks(served), "ES256").header["kid"] in new
    verified(before, await jwks(served), "ES256")

    served.clock.move(law.key_outlives)
    assert {key["kid"] for key in (await jwks(served))["keys"]} == new


async def test_a_rotation_at_once_leaves_nothing_of_the_old_keys(served: Served) -> None:
    keyring = served.desk.keyring
    before = await keyring.sign(CLAIMS, typ="", alg="PS256")
    new = {key.kid for key in await keyring.rotate(at_once=True)}
    assert {key["kid"] for key in (await jwks(served))["keys"]} == new
    with pytest.raises(InvalidKeyIdError):
        verified(before, await jwks(served), "PS256")


@pytest.mark.xdist_group("serve command")
async def test_the_command_replaces_the_keys_of_a_running_server(tmp_path: Path) -> None:
    settings = good_settings(tmp_path)
    with serve(settings, tmp_path):
        transport = BehindProxy(int(settings["ENDORSE_PORT"]))
        async with httpx2.AsyncClient(transport=transport) as http:
            url = f"{settings['ENDORSE_ISSUER']}/jwks"
            old = {key["kid"] for key in (await http.get(url)).json()["keys"]}
            done = await endorse("keys", "rotate", "--at-once", "--json", settings=settings)
            assert done.returncode == 0, done.stderr
            new = {json.loads(line)["kid"] for line in done.stdout.splitlines()}
            assert len(new) == 2
            listed = await endorse("keys", "list", "--json", settings=settings)
            kids = {json.loads(line)["kid"] for line in listed.stdout.splitlines()}
            async with asyncio.timeout(5):
                # Another process did it: there is no event to wait for.
                while {key["kid"] for key in (await http.get(url)).json()["keys"]} != new:
                    pass
            assert new <= kids <= old | new
            shown = await endorse("keys", "list", settings=settings)
            assert "signs_from" in shown.stdout


@pytest.mark.xdist_group("serve command")
async def test_the_keys_may_be_held_elsewhere(tmp_path: Path) -> None:
    settings = {
        **good_settings(tmp_path),
        "ENDORSE_KEY_HOLDER": "tests.flows.own_holder:holder",
    }
    with serve(settings, tmp_path):
        transport = BehindProxy(int(settings["ENDORSE_PORT"]))
        async with httpx2.AsyncClient(transport=transport) as http:
            found = (await http.get(f"{settings['ENDORSE_ISSUER']}/jwks")).json()
    assert {key["kty"] for key in found["keys"]} == {"EC", "RSA"}
    store = await open_store(settings["ENDORSE_DATABASE"])
    handles = [key.handle for key in await store.read(signing_keys)]
    await store.close()
    assert sorted(handles) == ["slot 0", "slot 1"]


@pytest.mark.usefixtures("one_server")
async def test_a_holder_that_does_not_answer_is_a_fault_and_no_refusal(served: Served) -> None:
    desk, slots = served.desk, Slots()
    kept, desk.keyring = desk.keyring, Keyring(desk.store, slots, served.clock, desk.law)
    await desk.keyring.rotate(at_once=True)
    try:
        token = await desk.keyring.sign(CLAIMS, typ="", alg="RS256")
        assert verified(token, await jwks(served), "RS256").claims == CLAIMS
        slots.away = True
        answer = await served.http.post(
            served.url("/introspect"),
            data={"token": "x"},
            auth=served.app.basic,
            headers={"Accept": "application/token-introspection+jwt"},
        )
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    finally:
        desk.keyring = kept
        await kept.rotate(at_once=True)
