"""Access tokens that an API checks by itself: what they say, and that they die with their grant."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from endorse.core import openid
from endorse.core.policy import SCOPES
from tests.dpop import DpopKey, b64
from tests.flows import play
from tests.flows.test_introspection import registered_with, told
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


@pytest.fixture
async def signing(served: Served) -> AsyncIterator[Served]:
    """The server, whose app with a secret gets signed access tokens."""
    async with registered_with(served, access_token_format="at+jwt"):
        yield served


async def token_of(served: Served) -> str:
    return str((await play.tokens(served, await play.phone_of(served)))["access_token"])


async def published(served: Served) -> Any:
    return (await served.http.get(served.url("/jwks"))).json()


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    body: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return body


async def test_an_api_can_check_a_signed_token_by_itself(signing: Served) -> None:
    got = await play.tokens(signing, await play.phone_of(signing))
    keys = KeySet.import_key_set(await published(signing))
    token = jwt.decode(got["access_token"], keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    now, app = signing.clock(), signing.app.client_id
    jti = token.claims.pop("jti")
    assert token.claims == {
        "iss": signing.issuer,
        "aud": signing.issuer,
        "sub": openid.subject(signing.desk.keys.handles, app, "anna"),
        "client_id": app,
        "scope": " ".join(SCOPES),
        "iat": now,
        "exp": now + 60,
    }
    assert got["expires_in"] == 60
    assert await play.opens(signing, got["access_token"])
    for stolen in (jti, f"ea_{jti}"):
        assert not await play.opens(signing, stolen)


async def test_a_signed_token_is_dead_after_a_minute_and_at_once_with_its_grant(
    signing: Served,
) -> None:
    token = await token_of(signing)
    signing.clock.move(59)
    assert await play.opens(signing, token)
    signing.clock.move(1)
    assert not await play.opens(signing, token)

    phone = await play.phone_of(signing)
    got = await play.tokens(signing, phone)
    assert (await told(signing, got["access_token"]))["active"]
    form = {"token": got["refresh_token"]}
    await signing.http.post(signing.url("/revoke"), data=form, auth=signing.app.basic)
    assert not await play.opens(signing, got["access_token"])
    assert await told(signing, got["access_token"]) == {"active": False}


async def test_a_signed_token_can_be_revoked_alone(signing: Served) -> None:
    got = await play.tokens(signing, await play.phone_of(signing))
    form = {"token": got["access_token"]}
    await signing.http.post(signing.url("/revoke"), data=form, auth=signing.app.basic)
    assert not await play.opens(signing, got["access_token"])
    assert (await play.refresh(signing, got["refresh_token"])).status_code == 200


async def test_a_forged_token_opens_nothing(signing: Served) -> None:
    token = await token_of(signing)
    keys = await published(signing)
    head, payload, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    body = claims_of(token)
    mine = ECKey.generate_key("P-256")
    ec = next(key for key in keys["keys"] if key["kty"] == "EC")

    def by_me(**changed: Any) -> str:
        said = {**header, **changed}
        text = f"{b64(json.dumps(said).encode())}.{payload}"
        return f"{text}.{b64(jws.JWSRegistry.algorithms['ES256'].sign(text.encode(), mine))}"

    hmac = OctKey.import_key(json.dumps(ec).encode())
    confused = jws.serialize_compact(
        {**header, "alg": "HS256"}, json.dumps(body), hmac, algorithms=["HS256"]
    )
    none = b64(json.dumps({**header, "alg": "none"}).encode())
    wider = b64(json.dumps({**body, "exp": body["exp"] + 9999}).encode())
    for forged in (
        f"{none}.{payload}.",
        f"{none}.{payload}.{signature}",
        f"{head}.{wider}.{signature}",
        by_me(),
        by_me(jwk=mine.as_dict(private=False)),
        by_me(jku="https://evil.example/jwks"),
        by_me(kid="mine"),
        confused,
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature}=",
    ):
        assert not await play.opens(signing, forged), forged
        assert await told(signing, forged) == {"active": False}
    assert await play.opens(signing, token)


async def test_what_else_the_server_signs_is_no_access_token(signing: Served) -> None:
    body = claims_of(await token_of(signing))
    keyring = signing.desk.keyring
    good = await keyring.sign(body, typ="at+jwt", alg="ES256")
    assert await play.opens(signing, good)
    for typ, alg, changed in (
        ("JWT", "ES256", {}),
        ("token-introspection+jwt", "ES256", {}),
        ("", "ES256", {}),
        ("at+jwt", "RS256", {}),
        ("at+jwt", "ES256", {"iss": "https://evil.example"}),
        ("at+jwt", "ES256", {"aud": "https://other-api.example"}),
        ("at+jwt", "ES256", {"aud": [signing.issuer]}),
        ("at+jwt", "ES256", {"jti": "x"}),
        ("at+jwt", "ES256", {"jti": 5}),
    ):
        token = await keyring.sign({**body, **changed}, typ=typ, alg=alg)
        assert not await play.opens(signing, token), (typ, alg, changed)


async def test_a_signed_token_may_be_bound(signing: Served) -> None:
    key, url = DpopKey(), signing.url("/token")
    code = await play.code_for(signing, await play.phone_of(signing))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    headers = {"DPoP": key.proof("POST", url, signing.clock())}
    got = await signing.http.post(url, data=form, headers=headers, auth=signing.app.basic)
    token = got.json()["access_token"]
    assert claims_of(token)["cnf"] == {"jkt": key.thumbprint}

    async def bank(scheme: str, by: DpopKey) -> httpx2.Response:
        where = signing.url("/v1/accounts")
        proof = by.proof("GET", where, signing.clock(), token)
        sent = {"Authorization": f"{scheme} {token}", "DPoP": proof}
        return await signing.http.get(where, headers=sent)

    assert (await bank("DPoP", key)).status_code == 200
    assert (await bank("Bearer", key)).status_code == 401
    assert (await bank("DPoP", DpopKey())).status_code == 401
