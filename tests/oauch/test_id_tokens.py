"""OAuch's cases of ID tokens."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def id_token(served: Served) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The header and claims of an ID token, and the access token beside it."""
    phone = await play.phone_of(served)
    got = await play.tokens(served, phone, scope="openid accounts", nonce="n-1")
    text = got["id_token"]
    return strict.header_of(text), strict.claims_of(text), got["access_token"]


async def test_ClientSecretLongEnoughTest_it_has_256_bits(served: Served) -> None:
    assert len(strict.from_b64(served.app.secret.removeprefix("ecs_"))) * 8 >= 256


async def test_HasAuthorizedPartyTest_if_there_is_one_it_is_the_client(served: Served) -> None:
    _, claims, _ = await id_token(served)
    assert claims.get("azp", served.app.client_id) == served.app.client_id


async def test_HasCorrectAudienceTest_the_client_alone(served: Served) -> None:
    _, claims, _ = await id_token(served)
    assert claims["aud"] in (served.app.client_id, [served.app.client_id])


async def test_HasCorrectIssuerTest_exactly(served: Served) -> None:
    _, claims, _ = await id_token(served)
    assert claims["iss"] == served.issuer


async def test_HasRequiredClaimsTest_all(served: Served) -> None:
    _, claims, _ = await id_token(served)
    assert {"iss", "sub", "aud", "exp", "iat"} <= set(claims)
    assert claims["iat"] <= served.clock() < claims["exp"]
    assert 1 <= len(claims["sub"]) <= 255


async def test_IsAccessTokenHashCorrectTest_it_is(served: Served) -> None:
    header, claims, token = await id_token(served)
    hashed = hashlib.sha256(token.encode()).digest()
    assert header["alg"].endswith("256")
    assert claims["at_hash"] == strict.b64(hashed[:16])


async def test_IsAccessTokenHashPresentTest_it_is(served: Served) -> None:
    assert (await id_token(served))[1]["at_hash"]


async def test_IsSignedTest_by_an_asymmetric_key(served: Served) -> None:
    header, _, _ = await id_token(served)
    assert header["alg"] in ("ES256", "PS256", "RS256", "EdDSA")
    listed = await served.http.get(served.url("/.well-known/openid-configuration"))
    assert "none" not in listed.json()["id_token_signing_alg_values_supported"]


async def test_KeyReferencesTest_by_kid_alone(served: Served) -> None:
    header, _, _ = await id_token(served)
    assert not {"jku", "jwk", "x5u", "x5c", "x5t"} & set(header)
    keys = (await served.http.get((await strict.metadata(served))["jwks_uri"])).json()["keys"]
    assert header["kid"] in [key["kid"] for key in keys]


async def test_NoncePresentInTokenTest_it_is(served: Served) -> None:
    assert (await id_token(served))[1]["nonce"] == "n-1"


async def test_SigningKeySecureTest_they_are_long_enough(served: Served) -> None:
    keys = (await served.http.get((await strict.metadata(served))["jwks_uri"])).json()["keys"]
    assert keys
    for key in keys:
        assert not {"d", "p", "q", "k"} & set(key)
        if key["kty"] == "RSA":
            assert len(strict.from_b64(key["n"])) * 8 >= 2048
        else:
            assert key["crv"] in ("P-256", "Ed25519")
