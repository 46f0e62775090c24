"""How an answer goes back to the client: in the address, in a posted form, as it is or signed."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from endorse.core.change import ChangeClient
from endorse.core.metadata import Metadata
from endorse.phone.encoding import from_b64url
from endorse.server.pages import origin_of
from endorse.store import reads
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

WAYS = ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"]


def posted(page: httpx2.Response) -> dict[str, str]:
    """What the form of a page sends, after checking where to."""
    assert page.status_code == 200, page.text
    assert unescape(re.findall(r'<form[^>]* action="([^"]*)"', page.text)[0]) == CALLBACK
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    return {unescape(name): unescape(value) for name, value in found}


async def answer_of(served: Served, answer: httpx2.Response, mode: str) -> dict[str, Any]:
    """The answer that a client gets in a mode, after checking its signature where it has one."""
    if mode.startswith("form_post"):
        sent = posted(answer)
    else:
        sent = dict(parse_qsl(urlsplit(answer.headers["location"]).query, strict_parsing=True))
    if not mode.endswith("jwt"):
        return sent
    assert set(sent) == {"response"}
    keys = KeySet.import_key_set((await served.http.get(served.url("/jwks"))).json())
    token = jwt.decode(sent["response"], keys, algorithms=["ES256", "PS256", "RS256", "EdDSA"])
    claims: dict[str, Any] = token.claims
    assert claims.pop("aud") == served.app.client_id
    assert 0 < claims.pop("exp") - served.clock() <= 600
    return claims


@pytest.mark.parametrize("mode", WAYS)
async def test_a_code_comes_back_in_the_asked_way(served: Served, mode: str) -> None:
    state = 'a "state" & <more>\u20ac'
    tab = await play.approved(served, await play.phone_of(served), response_mode=mode, state=state)
    sent = await answer_of(served, await tab.resume(), mode)
    assert set(sent) == {"code", "state", "iss"}
    assert (sent["state"], sent["iss"]) == (state, served.issuer)
    again = await answer_of(served, await tab.resume(), mode)
    assert again["code"] == sent["code"]
    assert (await play.redeem(served, sent["code"])).status_code == 200


@pytest.mark.parametrize("mode", WAYS)
async def test_an_error_comes_back_in_the_asked_way(served: Served, mode: str) -> None:
    answer = await play.Tab(served).open(response_mode=mode, scope="no")
    sent = await answer_of(served, answer, mode)
    assert (sent["error"], sent["state"]) == ("invalid_scope", "a state")
    assert sent["iss"] == served.issuer
    tab = await play.begun(served, response_mode=mode)
    await tab.post("/connect/{}/cancel")
    refused = await answer_of(served, await tab.resume(), mode)
    assert refused["error"] == "access_denied"


@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "web_message", "QUERY", "jwt query"])
async def test_no_other_way_is_taken(served: Served, mode: str) -> None:
    sent = play.answered(await play.Tab(served).open(response_mode=mode))
    assert sent["error"] == "invalid_request"


async def test_the_form_may_be_sent_to_the_client_and_nowhere_else(served: Served) -> None:
    answer = await play.Tab(served).open(response_mode="form_post", scope="no")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["form-action"] == "https://app.example"
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert "<script>" not in answer.text
    assert "<button" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "strict-origin"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/callback", "https://app.example"),
        ("http://127.0.0.1:8001/callback", "http://127.0.0.1:8001"),
        ("http://[::1]:8001/callback", "http://[::1]:8001"),
        ("com.example.app:/callback", "com.example.app:"),
        ("https://a;script-src * /callback", "https:"),
        ("https://a,b/callback", "https:"),
    ],
)
def test_an_address_cannot_write_into_the_policy(uri: str, source: str) -> None:
    assert origin_of(uri) == source


@pytest.mark.parametrize("state", ["%FF", "a%0Ab", "a%00b"])
@pytest.mark.parametrize("mode", ["form_post", "jwt"])
async def test_a_state_that_would_not_come_back_as_it_was_is_refused(
    served: Served, mode: str, state: str
) -> None:
    url = served.authorize_url(response_mode=mode, state=None) + f"&state={state}"
    sent = await answer_of(served, await served.http.get(url), mode)
    assert sent["error"] == "invalid_request"
    assert "state" not in sent


@pytest.mark.parametrize("alg", ["PS256", "ES256", "RS256"])
async def test_a_client_that_registered_for_signed_answers_gets_no_others(
    served: Served, alg: str
) -> None:
    client = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert client is not None
    strict = msgspec.structs.replace(
        client, metadata=Metadata(authorization_signed_response_alg=alg)
    )
    await served.desk.store.change([ChangeClient(strict)], served.clock())
    try:
        for mode in ("query", "form_post"):
            no = await answer_of(served, await play.Tab(served).open(response_mode=mode), "jwt")
            assert no["error"] == "invalid_request"
        tab = await play.approved(served, await play.phone_of(served))
        answer = await tab.resume()
        assert "code" in await answer_of(served, answer, "jwt")
        (text,) = dict(parse_qsl(urlsplit(answer.headers["location"]).query)).values()
        assert msgspec.json.decode(_part(text))["alg"] == alg
    finally:
        await served.desk.store.change([ChangeClient(client)], served.clock())


def _part(token: str) -> bytes:
    return from_b64url(token.split(".", maxsplit=1)[0])
