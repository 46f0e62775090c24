"""What RFC 6749, 6750 and 7009 ask of a server, as far as no other test shows it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from endorse.core.client import redirect_uri_problem
from endorse.server.errors import catalogue
from tests import strict
from tests.flows import broken, play
from tests.flows.play import QUICK, quiet_client
from tests.serving import CALLBACK, Served, serving

pytestmark = pytest.mark.anyio


@pytest.mark.spec("RFC 6749 2.2", "A client identifier names one client and is no secret")
async def test_a_client_id_alone_opens_nothing(served: Served) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "er_x"}
    answer = await served.http.post(
        served.url("/token"), data={**form, "client_id": served.app.client_id}
    )
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.spec("RFC 6749 3.1", "The authorization endpoint answers GET")
@pytest.mark.spec("RFC 6749 3.1", "A parameter without a value counts as left out")
async def test_a_parameter_without_a_value_counts_as_left_out(served: Served) -> None:
    good = served.authorize_url().split("?", 1)[1]
    assert (
        await broken.get(served, "/auth", good + "&prompt=&max_age=&request=")
    ).status_code == 200
    without = await play.Tab(served).open(response_type="")
    assert strict.returned(without.headers["location"])["error"] == "invalid_request"


@pytest.mark.spec(
    "RFC 6749 3.1", "A query of the registered redirect URI stays when parameters are added"
)
async def test_a_registered_query_stays(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('query') / 'endorse.sqlite3'}"
    there = "https://app.example/callback?tenant=7"
    async with serving(url, QUICK, registered=(there,)) as served, quiet_client() as http:
        served.http = http
        answer = await play.Tab(served).open(redirect_uri=there, scope="x")
        location = answer.headers["location"]
        assert location.startswith(there + "&")
        assert strict.returned(location)["tenant"] == "7"


@pytest.mark.spec("RFC 6749 3.1.2", "A redirect URI is absolute and has no fragment")
@pytest.mark.spec(
    "RFC 9700 4.1.3", "A redirect URI is https, or a loopback address, or a private scheme"
)
@pytest.mark.parametrize(
    "uri",
    ["/callback", "callback", "https://app.example/#x", "http://app.example/", "https:", "x:y"],
)
def test_such_a_redirect_uri_is_not_registered(uri: str) -> None:
    assert redirect_uri_problem(uri)


@pytest.mark.spec("RFC 6749 3.1.2.2", "A public client registers its redirect URIs")
@pytest.mark.spec(
    "RFC 6749 10.6",
    "The redirect URI of a code is the same at both endpoints, and a public client's is registered",
)
@pytest.mark.spec(
    "RFC 6749 4.1.2.1",
    "With an unknown client or redirect URI the person is told and nothing is redirected",
)
async def test_a_public_client_is_bound_to_its_redirect_uris(served: Served) -> None:
    challenge = {"code_challenge": strict.CHALLENGE, "code_challenge_method": "S256"}
    public = served.public_app.client_id
    answer = await play.Tab(served).open(
        client_id=public, redirect_uri="https://evil.example/", **challenge
    )
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    unknown = await play.Tab(served).open(client_id="nobody")
    assert (unknown.status_code, "location" in unknown.headers) == (400, False)
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone, client_id=public, **challenge)
    form = {"grant_type": "authorization_code", "code": code, "client_id": public}
    form |= {"redirect_uri": CALLBACK + "x", "code_verifier": strict.VERIFIER}
    wrong = await served.http.post(served.url("/token"), data=form)
    assert wrong.json()["error"] == "invalid_grant"


@pytest.mark.spec(
    "RFC 6749 3.1.2.5", "A page that people leave by redirect runs no script of others"
)
async def test_no_page_runs_a_script_of_others(served: Served) -> None:
    policy = (await play.Tab(served).open()).headers["content-security-policy"]
    assert "script-src 'self';" in policy


@pytest.mark.spec("RFC 6749 3.3", "A scope that differs from the one asked for is told")
@pytest.mark.spec(
    "RFC 6749 3.3", "A request without scope gets a default that is documented, or is refused"
)
@pytest.mark.spec("RFC 6749 5.1", "A token response says token_type and access_token as JSON")
async def test_a_token_response_tells_its_scope(served: Served) -> None:
    phone = await play.phone_of(served)
    whole = await play.tokens(served, phone, scope=None)
    assert {"accounts", "balances", "transactions"} <= set(whole["scope"].split())
    answer = await play.refresh(served, whole["refresh_token"], scope="accounts")
    assert answer.json()["scope"] == "accounts"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["access_token"]


@pytest.mark.spec(
    "RFC 6749 4.1.1",
    "Required parameters of an authorization request are checked before a person is asked",
)
async def test_no_person_is_asked_for_a_request_that_is_not_whole(served: Served) -> None:
    for name in ("response_type", "client_id", "redirect_uri"):
        answer = await play.Tab(served).open(**{name: None})
        assert answer.status_code in (303, 400)
        assert 'name="request"' not in answer.text


@pytest.mark.spec(
    "RFC 6749 4.1.2.1",
    "Error parameters of a redirect hold printable ASCII without quotes and backslashes",
)
@pytest.mark.spec(
    "RFC 6749 5.2", "A refused token request is answered 400 with an error code of the list"
)
def test_what_is_told_is_of_the_alphabet_of_errors() -> None:
    for name, kinds in catalogue().items():
        for no in kinds:
            for text in (no.error, no.told):
                wrong = [c for c in text if not " " <= c <= "~" or c in '"\\']
                assert wrong == [], (name, text)


@pytest.mark.spec("RFC 6749 6", "A refresh may ask for no more scope than was granted")
@pytest.mark.spec("RFC 9700 4.14.2", "Refresh tokens are bound to scope and resource servers")
@pytest.mark.spec("RFC 9700 2.3", "A token is good for what it must do and no more")
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1", "A token is good for what was asked and no more"
)
async def test_a_refresh_widens_nothing(served: Served) -> None:
    phone = await play.phone_of(served)
    got = await play.tokens(served, phone, scope="accounts offline_access")
    wider = await play.refresh(served, got["refresh_token"], scope="accounts transactions")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    listed = await play.bank(served, "/v1/accounts", got["access_token"])
    here = listed.json()["accounts"][0]["_links"]["transactions"]["href"]
    assert (await play.bank(served, here, got["access_token"])).status_code == 403


@pytest.mark.spec(
    "RFC 6749 10.12", "The authorization endpoint is protected from cross-site requests"
)
@pytest.mark.spec(
    "RFC 9700 2.6", "The authorization endpoint takes no request of other origins (CORS)"
)
@pytest.mark.spec("RFC 9700 4.7.1", "What the browser began is bound to that browser")
async def test_another_site_begins_nothing_and_reads_nothing(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = await served.http.post(
        served.url("/auth/start"), data={"request": tab.sealed}, headers=headers
    )
    assert answer.status_code == 403
    page = await served.http.get(served.authorize_url(), headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in page.headers
    begun = await play.begun(served)
    assert (await begun.get("/resume/{}", cookie="")).status_code == 404


@pytest.mark.spec("RFC 6749 A", "What is not of the syntax of a parameter is refused")
@pytest.mark.spec("RFC 6749 B", "Forms are read as UTF-8, percent-encoded")
@pytest.mark.parametrize("how", sorted(broken.NOT_TEXT))
async def test_what_is_no_text_is_refused(served: Served, how: str) -> None:
    good = served.authorize_url(scope=None).split("?", 1)[1]
    answer = await broken.get(served, "/auth", f"{good}&scope={broken.NOT_TEXT[how]}")
    told = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert told["error"] == "invalid_request"


@pytest.mark.spec("RFC 6750 3", "A refused API call has a WWW-Authenticate header with the scheme")
@pytest.mark.spec("RFC 6750 3", "A call without any token is told no error code")
async def test_a_call_without_a_token_is_told_the_scheme_alone(served: Served) -> None:
    answer = await served.http.get(served.url("/v1/accounts"))
    assert answer.status_code == 401
    challenge = ", ".join(answer.headers.get_list("www-authenticate"))
    assert "Bearer realm=" in challenge
    assert "error=" not in challenge


@pytest.mark.spec("RFC 6750 3.1", "A token of too little scope is answered 403 insufficient_scope")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.4", "The API checks that a token covers the call")
async def test_a_token_of_too_little_scope_is_told_so(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served), scope="accounts")
    listed = await play.bank(served, "/v1/accounts", got["access_token"])
    here = listed.json()["accounts"][0]["_links"]["balances"]["href"]
    answer = await play.bank(served, here, got["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.spec(
    "RFC 6750 5.2",
    "A token cannot be forged: it has no content that could be changed, or a signature",
)
@pytest.mark.spec("RFC 6750 5.2", "A token names for whom it is")
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.4",
    "The API checks that a token is genuine, live and not revoked",
)
async def test_a_signed_token_with_one_claim_changed_opens_nothing(served: Served) -> None:
    client = await strict.keyed(served, access_token_format="at+jwt")
    got = await client.tokens(await play.phone_of(served), dpop=False)
    token = got["access_token"]
    assert strict.claims_of(token)["aud"]
    head, _, signature = token.split(".")
    for name, value in (("sub", "bram"), ("exp", served.clock() + 9999), ("scope", "all")):
        body = strict.unsigned({}, {**strict.claims_of(token), name: value}).split(".")[1]
        assert not await play.opens(served, f"{head}.{body}.{signature}")
    assert await play.opens(served, token)
    revoked = {"token": token, **client.assertion()}
    assert (await served.http.post(served.url("/revoke"), data=revoked)).status_code == 200
    assert not await play.opens(served, token)


@pytest.mark.spec("RFC 7009 2.1", "Revocation is a POST of a form with token")
@pytest.mark.spec("RFC 7009 5", "Guessing tokens at the revocation endpoint is hopeless")
async def test_a_revocation_tells_nothing_of_a_token(served: Served) -> None:
    async def revoke(**form: str) -> httpx2.Response:
        return await served.http.post(served.url("/revoke"), data=form, auth=served.app.basic)

    got = await play.tokens(served, await play.phone_of(served))
    known, unknown = await revoke(token=got["refresh_token"]), await revoke(token="er_unknown")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert (await revoke()).json()["error"] == "invalid_request"
    query = urlencode({"token": "x"})
    answer = await served.http.get(served.url("/revoke?" + query), auth=served.app.basic)
    assert answer.status_code == 405


@pytest.mark.spec("RFC 9700 4.12", "A redirect after a form is 303")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "A redirect never is a 307; it is a 303")
async def test_every_redirect_is_303(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    started = await served.http.post(
        served.url("/auth/start"), data={"request": tab.sealed}, headers=play.SAME_ORIGIN
    )
    refused = await play.Tab(served).open(scope="x")
    approved = await play.approved(served, await play.phone_of(served))
    leaving = await approved.resume()
    assert [one.status_code for one in (started, refused, leaving)] == [303, 303, 303]


@pytest.mark.spec("RFC 9700 4.5.3", "A code is bound to the request that it came of")
@pytest.mark.spec("RFC 9700 2.1", "PKCE or nonce protects from cross-site requests")
async def test_a_code_of_another_request_is_not_redeemed(served: Served) -> None:
    phone = await play.phone_of(served)
    mine = {"code_challenge": strict.CHALLENGE, "code_challenge_method": "S256"}
    theirs = {"code_challenge": strict.s256("b" * 43), "code_challenge_method": "S256"}
    await play.code_for(served, phone, **mine)
    injected = await play.code_for(served, phone, **theirs)
    answer = await play.token(
        served,
        grant_type="authorization_code",
        code=injected,
        redirect_uri=CALLBACK,
        code_verifier=strict.VERIFIER,
    )
    assert answer.json()["error"] == "invalid_grant"
