"""What RFC 9449 and FAPI 2.0 ask of bound tokens, as far as no other test shows it."""

from __future__ import annotations

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


@pytest.mark.spec("RFC 9449 4.3", "There is one DPoP header, and it is one JWT")
@pytest.mark.spec("RFC 9449 4.3", "The token of the call is bound to the key of the proof")
@pytest.mark.spec(
    "RFC 9449 7.1",
    "The API takes a bound token with the scheme DPoP and checks the proof against it",
)
@pytest.mark.spec(
    "RFC 9449 7.1",
    "A refused DPoP call is answered 401 with a DPoP challenge that lists the algorithms",
)
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.4", "The API checks the constraint of the sender")
async def test_a_bound_token_opens_with_one_proof_of_its_own_key(served: Served) -> None:
    client, other = await strict.keyed(served, profile="fapi2"), await strict.keyed(served)
    token = (await client.tokens(await play.phone_of(served)))["access_token"]
    assert (await client.bank(token)).status_code == 200
    stolen = await other.bank(token)
    assert stolen.status_code == 401
    challenges = ", ".join(stolen.headers.get_list("www-authenticate"))
    assert "DPoP" in challenges
    assert 'algs="' in challenges
    url = served.url("/v1/accounts")
    proofs = [("DPoP", client.proof("GET", url, token)) for _ in range(2)]
    twice = await served.http.get(url, headers=[("Authorization", f"DPoP {token}"), *proofs])
    assert twice.status_code == 401


@pytest.mark.spec("RFC 9449 5", "A proof that is not good is refused with invalid_dpop_proof")
@pytest.mark.spec("RFC 9449 8.2", "A new nonce is given with any answer")
async def test_a_bad_proof_at_the_token_endpoint_is_told_so(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    phone = await play.phone_of(served)
    code = await client.code(phone)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": strict.VERIFIER}
    form["redirect_uri"] = client.request()["redirect_uri"]
    good = client.proof("POST", served.url("/token"))
    answer = await client.call_token(form, proof=good[:-8] + "AAAAAAAA")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    fresh = await client.call_token(form)
    assert fresh.status_code == 200, fresh.text
    assert fresh.headers["dpop-nonce"]


@pytest.mark.spec("RFC 9449 6.2", "Introspection of a bound token tells cnf and token_type DPoP")
@pytest.mark.spec("RFC 9449 6.1", "The thumbprint of the key is in cnf as jkt")
async def test_introspection_tells_the_key(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    token = (await client.tokens(await play.phone_of(served)))["access_token"]
    url = (await strict.metadata(served))["introspection_endpoint"]
    answer = await served.http.post(url, data={"token": token, **client.assertion()})
    assert answer.json()["active"] is True
    assert answer.json()["token_type"] == "DPoP"
    assert answer.json()["cnf"] == {"jkt": client.dpop_key.thumbprint()}


@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "Refresh tokens are not rotated")
async def test_a_strict_client_keeps_its_refresh_token(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    got = await client.tokens(await play.phone_of(served))
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    for _ in range(3):
        answer = await client.call_token(form)
        assert answer.status_code == 200, answer.text
        again = answer.json().get("refresh_token", got["refresh_token"])
        assert again == got["refresh_token"]
        assert answer.json()["access_token"] != got["access_token"]


@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "A code can be bound to a DPoP key")
async def test_a_code_pinned_to_a_key_is_redeemed_with_that_key(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    phone = await play.phone_of(served)
    code = await client.code(phone, dpop_jkt=client.dpop_key.thumbprint())
    stolen = await strict.keyed(served)
    mine, client.dpop_key = client.dpop_key, stolen.dpop_key
    refused = await client.redeem(code)
    assert refused.status_code == 400
    client.dpop_key = mine
    assert (await client.redeem(code)).status_code == 200
