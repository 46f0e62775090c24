"""What is asked of answers that go back as a signed token, or by a form."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests import strict
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = [pytest.mark.anyio]


async def read(served: Served, answer: httpx2.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """The verified header and claims of the token in an answer's query."""
    said = strict.returned(answer.headers["location"])
    assert set(said) == {"response"}
    text = said["response"]
    keys = await served.http.get((await strict.metadata(served))["jwks_uri"])
    header = strict.header_of(text)
    jws.deserialize_compact(text, KeySet.import_key_set(keys.json()), [header["alg"]])
    return header, strict.claims_of(text)


async def code_answer(served: Served, client: strict.Keyed, mode: str) -> httpx2.Response:
    """The answer to an approved request in this mode."""
    tab = await strict.begun_with(served, **client.request(response_mode=mode))
    await (await play.phone_of(served)).approve(
        await play.reviewed(tab, await play.phone_of(served))
    )
    return await tab.resume()


@pytest.mark.spec("RFC 9207 2.4", "In a JWT response the iss is the claim of the JWT")
@pytest.mark.spec("JARM 4.1", "The token has iss, aud and exp beside the answer")
@pytest.mark.spec("JARM 4.3.1", "In the query the answer is the one parameter response")
@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
async def test_an_answer_as_a_token_is_for_this_client_and_soon_over(
    served: Served, mode: str
) -> None:
    client = await strict.keyed(served)
    answer = await code_answer(served, client, mode)
    header, claims = await read(served, answer)
    assert header["alg"] in ("ES256", "PS256", "EdDSA", "RS256")
    assert claims["iss"] == served.issuer
    assert claims["aud"] in (client.client_id, [client.client_id])
    assert served.clock() < claims["exp"] <= served.clock() + 600
    assert claims["state"] == "a state"
    assert (await client.redeem(claims["code"], dpop=False)).status_code == 200


async def test_a_refusal_is_a_token_too(served: Served) -> None:
    client = await strict.keyed(served)
    answer = await play.Tab(served).open(**client.request(response_mode="jwt", scope="x"))
    _, claims = await read(served, answer)
    assert claims["error"] == "invalid_scope"
    assert claims["error_uri"].startswith(served.issuer + "/errors/")
    assert claims["state"] == "a state"


@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
async def test_a_form_carries_the_answer_and_leads_to_that_one_place(
    served: Served, mode: str
) -> None:
    client = await strict.keyed(served)
    page = await code_answer(served, client, mode)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    policy = page.headers["content-security-policy"]
    assert re.search(r"form-action https://app\.example(;|$)", policy)
    assert "unsafe" not in policy
    assert f'action="{CALLBACK}"' in page.text
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
    }
    if mode == "form_post":
        assert set(fields) == {"code", "state", "iss"}
        code = fields["code"]
    else:
        assert set(fields) == {"response"}
        code = strict.claims_of(fields["response"])["code"]
    assert re.search("<button", page.text)
    assert (await client.redeem(code, dpop=False)).status_code == 200
