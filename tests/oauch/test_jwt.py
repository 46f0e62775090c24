"""OAuch's cases of signed tokens: assertions of clients, and tokens at the API."""

from __future__ import annotations

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def taken(served: Served, client: strict.Keyed, form: dict[str, str]) -> bool:
    """Whether a client is let in with this assertion."""
    answer = await served.http.post(served.url("/revoke"), data={"token": "x", **form})
    if answer.status_code != 200:
        assert answer.json()["error"] == "invalid_client", answer.text
    return answer.status_code == 200


async def test_AcceptsNoneSignatureTest_the_api_does_not(served: Served) -> None:
    client = await strict.keyed(served, access_token_format="at+jwt")
    got = await client.tokens(await play.phone_of(served), dpop=False)
    token = got["access_token"]
    assert await play.opens(served, token)
    claims, header = strict.claims_of(token), strict.header_of(token)
    for alg in ("none", "None", "NONE"):
        forged = strict.unsigned({**header, "alg": alg}, claims)
        assert not await play.opens(served, forged)
        assert not await play.opens(served, forged + token.rsplit(".", 1)[1])


async def test_HasAudienceClaimTest_it_is_checked(served: Served) -> None:
    client = await strict.keyed(served)
    for aud in (None, "", "https://other.example", ["https://other.example"], served.issuer + "x"):
        assert not await taken(served, client, client.assertion(aud=aud)), aud
    assert await taken(served, client, client.assertion())


async def test_HasIssuerClaimTest_it_is_checked(served: Served) -> None:
    client, other = await strict.keyed(served), await strict.keyed(served)
    for iss in (None, "", other.client_id, served.issuer):
        assert not await taken(served, client, client.assertion(iss=iss)), iss


async def test_HasSubjectClaimTest_it_is_checked(served: Served) -> None:
    client, other = await strict.keyed(served), await strict.keyed(served)
    for sub in (None, "", other.client_id):
        assert not await taken(served, client, client.assertion(sub=sub)), sub
    both = client.assertion(sub=other.client_id, iss=other.client_id)
    assert not await taken(served, client, both)


async def test_IsExpirationCheckedTest_it_is(served: Served) -> None:
    client = await strict.keyed(served)
    for exp in (None, served.clock() - 61, 0, -1, "soon"):
        assert not await taken(served, client, client.assertion(exp=exp)), exp


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "A JWT is taken with iat or nbf up to 10 s ahead, and refused more than 60 s ahead",
)
async def test_IsIssuedAtCheckedTest_it_is(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    now = served.clock()
    assert not await taken(served, client, client.assertion(iat=now + 61))
    assert not await taken(served, client, client.assertion(nbf=now + 61))
    assert await taken(served, client, client.assertion(iat=now + 10, nbf=now + 10))


async def test_IsJwtReplayDetectedTest_an_assertion_is_good_once(served: Served) -> None:
    client = await strict.keyed(served)
    form = client.assertion()
    assert [await taken(served, client, form) for _ in range(3)] == [True, False, False]


async def test_IsNotBeforeCheckedTest_it_is(served: Served) -> None:
    client = await strict.keyed(served)
    assert not await taken(served, client, client.assertion(nbf=served.clock() + 61))
    assert await taken(served, client, client.assertion(nbf=served.clock()))


async def test_IsSignatureCheckedTest_another_key_does_not_count(served: Served) -> None:
    client, other = await strict.keyed(served), await strict.keyed(served)
    other.client_id = client.client_id
    assert not await taken(served, client, other.assertion())
    good = client.assertion()["client_assertion"]
    head, body, signature = good.split(".")
    for place in (0, 40, 85):
        letter = "A" if signature[place] != "A" else "B"
        bad = signature[:place] + letter + signature[place + 1 :]
        assert not await taken(served, client, client.asserting(f"{head}.{body}.{bad}"))


@pytest.mark.spec("FAPI 2.0 Security Profile 5.4.1", "none is never taken")
async def test_IsSignatureRequiredTest_none_is_not_taken(served: Served) -> None:
    client = await strict.keyed(served)
    for alg in ("none", "NONE", "nOne"):
        text = strict.unsigned({"alg": alg, "kid": "mine"}, client.assertion_claims())
        assert not await taken(served, client, client.asserting(text))
        assert not await taken(served, client, client.asserting(text + "AAAA"))


async def test_SupportsJwtClientAuthenticationTest_it_does(served: Served) -> None:
    client = await strict.keyed(served)
    assert await taken(served, client, client.assertion())
