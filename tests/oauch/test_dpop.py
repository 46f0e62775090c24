"""OAuch's cases of DPoP."""

from __future__ import annotations

from typing import Any

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def bound(served: Served) -> tuple[strict.Keyed, str]:
    """A strict client and a token of it."""
    client = await strict.keyed(served, profile="fapi2")
    got = await client.tokens(await play.phone_of(served))
    return client, got["access_token"]


@pytest.mark.spec("RFC 9449 4.2", "A proof has jti, htm, htu and iat")
@pytest.mark.spec("RFC 9449 4.2", "A proof with a token has ath, the hash of that token")
async def test_HasRequiredClaimsTest_none_may_be_missing(served: Served) -> None:
    client, token = await bound(served)
    assert (await client.bank(token)).status_code == 200
    for name in ("jti", "htm", "htu", "iat", "ath"):
        without: dict[str, Any] = {name: None}
        assert (await client.bank(token, **without)).status_code == 401, name


@pytest.mark.spec(
    "RFC 9449 5", "A token asked for with a proof is bound to its key and has token_type DPoP"
)
async def test_IsDPoPSupportedTest_a_token_is_bound(served: Served) -> None:
    client = await strict.keyed(served)
    got = await client.tokens(await play.phone_of(served))
    assert got["token_type"] == "DPoP"
    assert (await client.bank(got["access_token"])).status_code == 200
    listed = (await strict.metadata(served))["dpop_signing_alg_values_supported"]
    assert "ES256" in listed
    assert "none" not in listed


@pytest.mark.spec("RFC 9449 7.2", "A bound token is not taken as a bearer token")
async def test_IsDPoPTokenRequiredTest_a_bound_token_needs_its_proof(served: Served) -> None:
    client, token = await bound(served)
    assert (await play.bank(served, "/v1/accounts", token)).status_code == 401
    headers = {"Authorization": f"DPoP {token}"}
    answer = await served.http.get(served.url("/v1/accounts"), headers=headers)
    assert answer.status_code == 401
    assert (await client.bank(token, scheme="Bearer")).status_code == 401


async def tried(served: Served, header: dict[str, Any]) -> int:
    """Call the bank with a proof whose header is changed; the status."""
    client, token = await bound(served)
    url = served.url("/v1/accounts")
    claims = client.proof_claims("GET", url, token)
    used = client.proof_header(**header)
    text = (
        strict.signed(client.dpop_key, used, claims)
        if used["alg"] == "ES256"
        else strict.unsigned(used, claims)
    )
    headers = {"Authorization": f"DPoP {token}", "DPoP": text}
    assert (await client.bank(token)).status_code == 200
    return (await served.http.get(url, headers=headers)).status_code


@pytest.mark.spec("RFC 9449 4.2", "A proof has typ dpop+jwt, an asymmetric alg and a public jwk")
@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "oauth-authz-req+jwt"])
async def test_IsExplicitTypingRequiredTest_a_proof_says_what_it_is(
    served: Served, typ: str | None
) -> None:
    assert await tried(served, {"typ": typ}) == 401


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_IsSignatureRequiredTest_a_proof_is_signed(served: Served, alg: str) -> None:
    assert await tried(served, {"alg": alg}) == 401
