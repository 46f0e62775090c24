"""What RFC 9101, 9126 and FAPI 2.0 ask of requests, as far as no other test shows it."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests import strict
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

LEFT_OUT: dict[str, Any] = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))


async def opened(served: Served, client: strict.Keyed, **query: Any) -> httpx2.Response:
    """Open the authorization endpoint with these parameters alone."""
    return await play.Tab(served).open(**{**LEFT_OUT, "client_id": client.client_id, **query})


def told(answer: httpx2.Response) -> str:
    """The error of an answer, "" if it is the page; "stays" if the person is told here."""
    if answer.status_code == 303:
        return strict.returned(answer.headers["location"])["error"]
    return "" if answer.status_code == 200 else "stays"


@pytest.mark.spec("RFC 9101 4", "request and request_uri stand in no request object")
async def test_a_request_object_holds_no_other(served: Served) -> None:
    client = await strict.keyed(served)
    inner = client.request_object()
    for more in ({"request": inner}, {"request_uri": "urn:x"}):
        assert told(await opened(served, client, request=client.request_object(**more)))


@pytest.mark.spec("RFC 9101 5", "A request has request or request_uri, never both")
async def test_never_both(served: Served) -> None:
    client = await strict.keyed(served)
    uri = await client.pushed()
    answer = await opened(served, client, request=client.request_object(), request_uri=uri)
    assert told(answer) in ("invalid_request", "stays")


@pytest.mark.spec("RFC 9101 6.1", "An encrypted request object is refused where it is not offered")
@pytest.mark.spec(
    "RFC 9101 6.3", "A request object that is not valid is answered with invalid_request_object"
)
async def test_an_encrypted_or_broken_request_object_is_refused(served: Served) -> None:
    client = await strict.keyed(served)
    header = strict.b64(b'{"alg":"RSA-OAEP","enc":"A256GCM"}')
    for text in (f"{header}.AAAA.AAAA.AAAA.AAAA", "x", client.request_object() + "x"):
        answer = await client.push(
            **{**LEFT_OUT, "code_challenge": None, "code_challenge_method": None}, request=text
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.spec(
    "RFC 9101 10.2", "A request object is for this server: its audience is the issuer"
)
async def test_a_request_object_for_another_server_is_refused(served: Served) -> None:
    client = await strict.keyed(served)
    for aud in ("https://other.example", ["https://other.example"]):
        assert told(await opened(served, client, request=client.request_object(aud=aud))), aud
    assert told(await opened(served, client, request=client.request_object())) == ""


@pytest.mark.spec("RFC 9126 2", "The pushed request endpoint takes a POST of a form")
@pytest.mark.spec("RFC 9126 2.3", "Another method than POST is answered 405, a body too large 413")
async def test_a_pushed_request_is_a_posted_form(served: Served) -> None:
    client = await strict.keyed(served)
    url = (await strict.metadata(served))["pushed_authorization_request_endpoint"]
    assert (await served.http.get(url)).status_code == 405
    assert (await served.http.post(url, json=client.request())).status_code == 400
    assert (await client.push(state="x" * 70_000)).status_code == 413


@pytest.mark.spec(
    "RFC 9126 2",
    "The issuer is taken as the audience of a client assertion at the pushed request endpoint",
)
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2",
    "The code flow with client-authenticated pushed requests is there",
)
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "The audience of a client assertion is the issuer, as a string",
)
async def test_a_strict_client_names_the_issuer_and_nothing_else(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    assert (await client.push()).status_code == 201
    url = (await strict.metadata(served))["pushed_authorization_request_endpoint"]
    for aud in (url, [served.issuer], served.url("/token"), [served.issuer, url]):
        form = {**client.request(), **client.assertion(aud=aud)}
        assert (await served.http.post(url, data=form)).json()["error"] == "invalid_client"


@pytest.mark.spec(
    "RFC 9126 2.3", "A refused pushed request is answered in JSON with the code of the error"
)
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2", "redirect_uri is required in a pushed request"
)
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_refused_pushed_request_says_why(
    served: Served, changed: dict[str, Any], error: str
) -> None:
    answer = await (await strict.keyed(served)).push(**changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.spec("RFC 9126 4", "Parameters beside the request_uri do not count")
async def test_what_stands_beside_a_request_uri_does_not_count(served: Served) -> None:
    client, phone = await strict.keyed(served), await play.phone_of(served)
    uri = await client.pushed(state="inside")
    beside = {"state": "beside", "redirect_uri": "https://evil.example/", "scope": "x"}
    tab = await strict.begun_with(served, client_id=client.client_id, request_uri=uri, **beside)
    await phone.approve(await play.reviewed(tab, phone))
    location = (await tab.resume()).headers["location"]
    assert location.startswith(CALLBACK + "?")
    assert strict.returned(location)["state"] == "inside"


@pytest.mark.spec("FAPI 2.0 Security Profile 5.4.3", "Two keys of one kid do not confuse the check")
async def test_of_two_keys_of_one_kid_each_counts(served: Served) -> None:
    first, second = await strict.keyed(served), await strict.keyed(served)
    keys = [{**one.key.as_dict(private=False), "kid": "mine"} for one in (first, second)]
    both = await strict.keyed(served, jwks=json.dumps({"keys": keys}))
    for one in (first, second):
        both.key = one.key
        form = {"token": "x", **both.assertion()}
        answer = await served.http.post(served.url("/revoke"), data=form)
        assert answer.status_code == 200, answer.text
