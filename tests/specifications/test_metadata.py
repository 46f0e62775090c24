"""What RFC 8414 and 9207 ask of what a server says of itself."""

from __future__ import annotations

import pytest

from tests import strict
from tests.flows import broken, play
from tests.serving import Served

pytestmark = pytest.mark.anyio

PATH = "/.well-known/oauth-authorization-server"


@pytest.mark.spec(
    "RFC 8414 2", "The metadata names the issuer, the endpoints and the response types"
)
@pytest.mark.spec("RFC 8414 3", "The metadata stands at the well-known address, as a GET")
@pytest.mark.spec(
    "RFC 8414 3.2", "The metadata is a JSON object, answered with 200 and application/json"
)
@pytest.mark.spec("RFC 8414 3.3", "The issuer in the metadata is the one whose address was asked")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "The metadata is at the well-known address")
async def test_the_metadata_is_whole(served: Served) -> None:
    answer = await served.http.get(served.url(PATH))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()
    assert told["issuer"] == served.issuer
    assert told["response_types_supported"] == ["code"]
    endpoints = [url for name, url in told.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) > 5
    assert all(url.startswith(served.issuer + "/") for url in endpoints)
    assert all(value not in (None, [], "") for value in told.values())


@pytest.mark.spec(
    "RFC 8414 2", "The metadata lists how clients may authenticate and with which algorithms"
)
@pytest.mark.spec("RFC 8414 2", "Algorithm lists of client assertions do not hold none")
async def test_no_list_of_algorithms_holds_none_or_a_mac(served: Served) -> None:
    told = await strict.metadata(served)
    lists = {name: them for name, them in told.items() if "_alg_values_" in name}
    assert "token_endpoint_auth_signing_alg_values_supported" in lists
    for name, algorithms in lists.items():
        assert [one for one in algorithms if one == "none" or one.startswith("HS")] == [], name
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]


@pytest.mark.spec("RFC 8414 6.2", "Nobody can make the metadata name another issuer")
async def test_no_header_changes_the_issuer(served: Served) -> None:
    forged = [
        (b"X-Forwarded-Host", b"evil.example"),
        (b"X-Forwarded-Proto", b"https"),
        (b"Forwarded", b"host=evil.example;proto=https"),
        (b"X-Original-URL", b"https://evil.example/"),
    ]
    answer = await broken.exchange(served, "GET", PATH.encode(), forged)
    assert answer.json()["issuer"] == served.issuer
    assert "evil" not in answer.text


@pytest.mark.spec("RFC 9207 2", "iss is in every redirect back, with a code and with an error")
@pytest.mark.spec("RFC 9207 2", "iss is exactly the issuer of the metadata")
@pytest.mark.spec("RFC 9207 2.3", "The metadata says that iss is sent")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "iss is in the authorization response")
async def test_iss_is_in_every_answer(served: Served) -> None:
    told = await strict.metadata(served)
    assert told["authorization_response_iss_parameter_supported"] is True
    good = await (await play.approved(served, await play.phone_of(served))).resume()
    cancelled = await play.begun(served)
    await cancelled.post("/connect/{}/cancel")
    for answer in (good, await cancelled.resume(), await play.Tab(served).open(scope="x")):
        assert strict.returned(answer.headers["location"])["iss"] == told["issuer"]
