"""OAuch's cases of ID tokens."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from endorse.core.policy import ASKABLE
from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


class Told(msgspec.Struct):
    """An ID token, whom it is for, and the access token beside it."""

    header: dict[str, Any]
    claims: dict[str, Any]
    client_id: str
    access_token: str


async def id_token(served: Served) -> Told:
    """The ID token of a whole flow."""
    client = await strict.keyed(served, scope=ASKABLE)
    phone = await play.phone_of(served)
    got = await client.tokens(phone, dpop=False, scope="openid accounts", nonce="n-1")
    text = got["id_token"]
    header, claims = strict.header_of(text), strict.claims_of(text)
    return Told(header, claims, client.client_id, got["access_token"])


async def test_ClientSecretLongEnoughTest_it_has_256_bits(served: Served) -> None:
    assert len(strict.from_b64(served.app.secret.removeprefix("ecs_"))) * 8 >= 256


async def test_HasAuthorizedPartyTest_if_there_is_one_it_is_the_client(served: Served) -> None:
    told = await id_token(served)
    assert told.claims.get("azp", told.client_id) == told.client_id


async def test_HasCorrectAudienceTest_the_client_alone(served: Served) -> None:
    told = await id_token(served)
    assert told.claims["aud"] in (told.client_id, [told.client_id])


async def test_HasCorrectIssuerTest_exactly(served: Served) -> None:
    claims = (await id_token(served)).claims
    assert claims["iss"] == served.issuer


async def test_HasRequiredClaimsTest_all(served: Served) -> None:
    claims = (await id_token(served)).claims
    assert {"iss", "sub", "aud", "exp", "iat"} <= set(claims)
    assert claims["iat"] <= served.clock() < claims["exp"]
    assert 1 <= len(claims["sub"]) <= 255


async def test_IsAccessTokenHashCorrectTest_it_is(served: Served) -> None:
    told = await id_token(served)
    hashed = hashlib.sha256(told.access_token.encode()).digest()
    assert told.header["alg"].endswith("256")
    assert told.claims["at_hash"] == strict.b64(hashed[:16])


async def test_IsAccessTokenHashPresentTest_it_is(served: Served) -> None:
    assert (await id_token(served)).claims["at_hash"]


async def test_IsSignedTest_by_an_asymmetric_key(served: Served) -> None:
    header = (await id_token(served)).header
    assert header["alg"] in ("ES256", "PS256", "RS256", "EdDSA")
    listed = await served.http.get(served.url("/.well-known/openid-configuration"))
    assert "none" not in listed.json()["id_token_signing_alg_values_supported"]


async def test_KeyReferencesTest_by_kid_alone(served: Served) -> None:
    header = (await id_token(served)).header
    assert not {"jku", "jwk", "x5u", "x5c", "x5t"} & set(header)
    keys = (await served.http.get((await strict.metadata(served))["jwks_uri"])).json()["keys"]
    assert header["kid"] in [key["kid"] for key in keys]


async def test_NoncePresentInTokenTest_it_is(served: Served) -> None:
    assert (await id_token(served)).claims["nonce"] == "n-1"


async def test_SigningKeySecureTest_they_are_long_enough(served: Served) -> None:
    keys = (await served.http.get((await strict.metadata(served))["jwks_uri"])).json()["keys"]
    assert keys
    for key in keys:
        assert not {"d", "p", "q", "k"} & set(key)
        if key["kty"] == "RSA":
            assert len(strict.from_b64(key["n"])) * 8 >= 2048
        else:
            assert key["crv"] in ("P-256", "Ed25519")
