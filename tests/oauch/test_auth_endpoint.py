"""OAuch's cases of the authorization endpoint."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from tests import strict
from tests.flows import broken, play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


async def opened(served: Served, **changed: str | None) -> httpx2.Response:
    """Open a good authorization URL, changed."""
    return await play.Tab(served).open(**changed)


def error_of(answer: httpx2.Response) -> str:
    """The error of a redirect back to the client."""
    assert answer.status_code == 303, answer.text[:200]
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"]


def stays_here(answer: httpx2.Response) -> bool:
    """Whether the person is told on a page that leads nowhere."""
    return answer.status_code == 400 and "location" not in answer.headers


async def with_object(served: Served, client: strict.Keyed, text: str, **beside: str | None) -> str:
    """Open a request by a request object; "page", "stays" or the error."""
    left_out = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))
    changed = {**left_out, "client_id": client.client_id, "request": text, **beside}
    answer = await opened(served, **changed)
    if answer.status_code == 200:
        return "page"
    return "stays" if stays_here(answer) else error_of(answer)


@pytest.mark.spec(
    "RFC 9101 5", "client_id stands beside the request object and equals the one in it"
)
async def test_ClientIdsCorrespondTest_two_client_ids_are_refused(served: Served) -> None:
    client = await strict.keyed(served)
    other = await strict.keyed(served)
    assert await with_object(served, client, client.request_object()) == "page"
    text = client.request_object(client_id=other.client_id)
    assert await with_object(served, client, text) != "page"
    assert await with_object(served, other, client.request_object()) != "page"


async def test_CodePollutionTest_no_code_of_others_rides_along(served: Served) -> None:
    assert stays_here(await opened(served, redirect_uri=CALLBACK + "?code=polluted"))


@pytest.mark.spec("RFC 6749 10.13", "The authorization page cannot be framed")
async def test_HasContentSecurityPolicyTest_nobody_frames_it(served: Served) -> None:
    policy = (await opened(served)).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_HasFragmentTest_the_endpoints_address_has_none(served: Served) -> None:
    assert "#" not in (await strict.metadata(served))["authorization_endpoint"]


@pytest.mark.spec("RFC 9700 4.16", "The authorization page cannot be framed")
async def test_HasFrameOptionsTest_they_deny(served: Served) -> None:
    assert (await opened(served)).headers["x-frame-options"] == "DENY"


@pytest.mark.spec("RFC 6749 3.1.2.4", "Nothing is redirected to a redirect URI that does not match")
@pytest.mark.spec("RFC 9700 2.1", "The authorization endpoint is no open redirector")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "There is no open redirector")
async def test_InvalidRedirectTest_nothing_goes_there(served: Served) -> None:
    for uri in ("https://evil.example/", "https://app.example.evil.example/callback", "//x", "x"):
        for more in ({}, {"scope": "x"}, {"response_type": "x"}, {"prompt": "none"}):
            assert stays_here(await opened(served, redirect_uri=uri, **more)), uri


@pytest.mark.spec(
    "RFC 9101 10.5", "A client that registered so is refused without a signed request object"
)
async def test_IsJarRequiredTest_where_the_client_registered_so(served: Served) -> None:
    client = await strict.keyed(served, require_signed_request_object=True)
    answer = await opened(served, client_id=client.client_id, **pkce())
    assert error_of(answer) == "invalid_request"
    assert await with_object(served, client, client.request_object()) == "page"


@pytest.mark.spec(
    "RFC 9101 6.2", "The signature is checked with a key of the client, and a bad one is refused"
)
async def test_IsJarSignatureCheckedTest_it_is(served: Served) -> None:
    client, other = await strict.keyed(served), await strict.keyed(served)
    other.client_id = client.client_id
    assert await with_object(served, client, other.request_object()) != "page"
    good = client.request_object()
    middle = good.split(".")[1]
    for place in (0, len(middle) // 2):
        changed = good.replace(middle, middle[:place] + "A" + middle[place + 1 :])
        if changed != good:
            assert await with_object(served, client, changed) != "page"


@pytest.mark.spec(
    "RFC 9101 6.2", "The algorithm is the one that the client may use, and never none"
)
async def test_IsJarSignatureRequiredTest_it_is(served: Served) -> None:
    client = await strict.keyed(served)
    claims = strict.claims_of(client.request_object())
    for alg in ("none", "None", "nOnE", ""):
        text = strict.unsigned({"alg": alg, "typ": "oauth-authz-req+jwt"}, claims)
        assert await with_object(served, client, text) != "page"


@pytest.mark.spec("RFC 9101 4", "A request object is a signed JWT whose claims are the parameters")
async def test_IsJarSupportedTest_by_value(served: Served) -> None:
    client = await strict.keyed(served)
    assert await with_object(served, client, client.request_object()) == "page"


@pytest.mark.spec(
    "RFC 6749 3.1.1", "A request without response_type, or with one that is not known, is refused"
)
async def test_IsResponseTypeCheckedTest_it_is(served: Served) -> None:
    assert error_of(await opened(served, response_type=None)) == "invalid_request"
    for wrong in ("x", "code x", "CODE", "code code"):
        assert error_of(await opened(served, response_type=wrong)) == "unsupported_response_type"


@pytest.mark.spec("RFC 9101 5", "Parameters beside the request object do not count")
@pytest.mark.spec(
    "RFC 9101 6.3", "Every parameter comes from the request object and is checked as any request is"
)
async def test_JarParametersInRequestTest_what_stands_beside_does_not_count(
    served: Served,
) -> None:
    client = await strict.keyed(served)
    for name in ("response_type", "redirect_uri"):
        beside = {name: client.request()[name]}
        text = client.request_object(**{name: None})
        assert await with_object(served, client, text, **beside) != "page", name
    text = client.request_object(scope="everything")
    assert await with_object(served, client, text, scope="accounts") == "invalid_scope"


async def test_RedirectUriConfusionTest_paths_are_not_resolved(served: Served) -> None:
    for path in ("/callback/../callback", "/./callback", "/x/../callback", "/%63allback"):
        assert stays_here(await opened(served, redirect_uri="https://app.example" + path))


@pytest.mark.spec(
    "RFC 9700 2.1",
    "A redirect URI is compared character for character; the port of a loopback address may differ",
)
@pytest.mark.spec(
    "RFC 6749 3.1.2.3", "A redirect URI that was registered whole is compared as a string"
)
async def test_RedirectUriFullyMatchedTest_to_the_last_character(served: Served) -> None:
    for tail in ("?", "?x=1", "#", "#x", "/", "%20", "\\", "%00"):
        assert stays_here(await opened(served, redirect_uri=CALLBACK + tail)), tail


async def test_RedirectUriPathMatchedTest_host_and_path_are_compared(served: Served) -> None:
    for uri in (
        "https://app.example/callback/evil",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example:443/callback",
        "https://user@app.example/callback",
        "http://app.example/callback",
    ):
        assert stays_here(await opened(served, redirect_uri=uri)), uri


async def test_RedirectUriRequiredTest_it_is(served: Served) -> None:
    assert stays_here(await opened(served, redirect_uri=None))


@pytest.mark.spec("RFC 9700 4.2.4", "The authorization page tells its address to nobody")
async def test_ReferrerPolicyEnforcedTest_no_other_site_learns_the_address(
    served: Served,
) -> None:
    policy = (await opened(served)).headers["referrer-policy"]
    assert policy in ("no-referrer", "same-origin")


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2",
    "The person sees who asks for what before anything is given",
)
async def test_RequireUserConsentTest_there_is_no_code_without_a_phone(served: Served) -> None:
    tab = await play.begun(served)
    answer = await tab.resume()
    assert answer.headers["location"].startswith("/connect/")
    page = await tab.get("/connect/{}")
    assert "Budget &amp; Co" in page.text


@pytest.mark.spec(
    "RFC 6749 3.1", "A parameter of an authorization request that comes twice is refused"
)
async def test_SameParameterTwiceDisallowedTest_it_is(served: Served) -> None:
    query = served.authorize_url().split("?", 1)[1]
    for name, value in parse_qsl(query):
        doubled = f"{query}&{name}={httpx2.QueryParams({'x': value})}".replace("=x=", "=")
        answer = await broken.get(served, "/auth", doubled)
        stays = name in ("client_id", "redirect_uri")
        assert stays_here(answer) if stays else error_of(answer) == "invalid_request", name


@pytest.mark.spec("RFC 6749 4.1.2", "state comes back exactly as it was sent")
async def test_StatePresentTest_it_comes_back(served: Served) -> None:
    state = "a+b c%20d&e=f é\u00a0🏦'\""
    tab = await play.approved(served, await play.phone_of(served), state=state)
    assert strict.returned((await tab.resume()).headers["location"])["state"] == state


async def test_SupportsPostAuthorizationRequestsTest_a_form_may_begin(served: Served) -> None:
    url = httpx2.URL(served.authorize_url())
    answer = await served.http.post(served.url("/auth"), data=dict(url.params))
    assert answer.status_code == 200
    assert re.search(r'name="request" value="', answer.text)


async def test_SupportsPostResponseModeTest_form_post(served: Served) -> None:
    tab = await play.approved(served, await play.phone_of(served), response_mode="form_post")
    page = await tab.resume()
    assert page.status_code == 200
    assert f'action="{CALLBACK}"' in page.text
    assert re.search(r'name="code" value="[^"]+"', page.text)
    assert re.search(r'name="iss" value="[^"]+"', page.text)


@pytest.mark.spec("RFC 6749 3.1", "An unknown parameter of an authorization request is ignored")
async def test_UnrecognizedParameterAllowedTest_it_is_ignored(served: Served) -> None:
    assert (await opened(served, something="else")).status_code == 200


def pkce() -> dict[str, str]:
    """A good challenge."""
    return {"code_challenge": strict.CHALLENGE, "code_challenge_method": "S256"}
