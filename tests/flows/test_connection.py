"""The main path over HTTP, and what an app may ask for."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

import httpx2
import pytest

from endorse.core.policy import SCOPES
from endorse.phone import Phone, sandbox_code
from tests.flows import play
from tests.flows.rows import counts
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

# The example of RFC 7636 B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

STATES = [
    b"xyz",
    b"two words & more = a/b?c#d;e%20f+g",
    b"eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IHp29ikkjsM",
    "ümläut, 漢字 and 🙂".encode(),
    b"latin-1: \xfcml\xe4ut",
    b"\xff\xfe\x00s\x00t\x00a\x00t\x00e",
    b"line\r\nbreak",
    bytes(range(256)),
    b"x" * 2048,
]


async def test_a_person_connects_an_app_to_the_chosen_accounts(served: Served) -> None:
    phone = Phone(served.issuer, served.http, clock=served.clock)
    person = await phone.enrol(await sandbox_code(served.issuer, served.http, "anna"))
    assert person.name == "Anna de Vries"

    tab = play.Tab(served)
    page = await tab.open(state="s 1")
    assert page.status_code == 200
    assert "Budget &amp; Co" in page.text
    assert "wants to see accounts, balances and transactions" in page.text
    assert (await tab.start()).status_code == 200
    async with tab.listening() as page_events:
        assert (await page_events.state())["state"] == "waiting"
        claimed = await phone.claim(await page_events.frame())
        assert claimed.client.name == "Budget & Co"
        assert claimed.client.verified
        await page_events.state("claimed")
        matched = await phone.match(claimed.journey, await play.number(served, claimed.journey))
        assert matched.scope == SCOPES
        assert matched.recurring
        await page_events.state("matched")
        chosen = [account.resource_id for account in matched.accounts[:2]]
        review = await phone.review(claimed.journey, chosen)
        await page_events.state("review")
        assert (await phone.approve(review)).state == "approved"
        await page_events.state("approved")

    location = (await tab.resume()).headers["location"]
    assert location.startswith(CALLBACK + "?")
    answer = play.answered(await tab.resume())
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("s 1", served.issuer)
    got = (await play.redeem(served, answer["code"])).json()
    assert got["token_type"] == "Bearer"
    assert got["expires_in"] == 300
    assert got["scope"] == " ".join(SCOPES)
    listed = (await play.bank(served, "/v1/accounts", got["access_token"])).json()
    assert [account["resourceId"] for account in listed["accounts"]] == chosen


@pytest.mark.parametrize("state", STATES, ids=lambda state: repr(state[:12]))
async def test_state_comes_back_byte_for_byte(served: Served, state: bytes) -> None:
    asked = served.authorize_url(state=None) + "&state=" + quote_from_bytes(state, safe="")
    page = await served.http.get(asked)
    tab = play.Tab(served)
    tab.sealed = page.text.split('name="request" value="')[1].split('"')[0]
    await tab.start()
    await tab.post("/connect/{}/cancel")
    query = urlsplit((await tab.resume()).headers["location"]).query
    [sent_back] = [pair for pair in query.split("&") if pair.startswith("state=")]
    assert unquote_to_bytes(sent_back.removeprefix("state=")) == state


@pytest.mark.parametrize("unsent", [None, ""], ids=["missing", "empty"])
async def test_a_state_that_was_not_sent_does_not_come_back(
    served: Served, unsent: str | None
) -> None:
    tab = await play.approved(served, await play.phone_of(served), state=unsent)
    assert set(play.answered(await tab.resume())) == {"code", "iss"}


async def test_unknown_parameters_are_ignored(served: Served) -> None:
    tab = play.Tab(served)
    page = await tab.open(nonce="n", prompt="login", foo="", **{"é": "1", "ü": "2", "?": "3"})
    assert page.status_code == 200
    assert (await tab.start()).status_code == 200


async def test_two_long_unknown_parameters_that_begin_alike_are_two(served: Served) -> None:
    page = await play.Tab(served).open(**{"x" * 80 + "1": "1", "x" * 80 + "2": "2"})
    assert page.status_code == 200


async def test_the_page_of_auth_stores_nothing_and_sets_no_cookie(served: Served) -> None:
    before = await counts(served)
    for changed in ({}, PKCE, {"scope": None}, {"client_id": "nobody"}, {"scope": "no"}):
        answer = await play.Tab(served).open(**changed)
        assert "set-cookie" not in answer.headers
    assert await counts(served) == before


@pytest.mark.parametrize("scope", [None, ""], ids=["missing", "empty"])
async def test_no_scope_means_what_the_client_is_registered_for(
    served: Served, scope: str | None
) -> None:
    got = await play.tokens(served, await play.phone_of(served), scope=scope)
    assert got["scope"] == " ".join(SCOPES)


async def test_only_what_was_asked_is_granted_in_the_order_a_person_reads(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served), scope="transactions accounts")
    assert got["scope"] == "accounts transactions"
    assert "refresh_token" not in got


@pytest.mark.parametrize("scope", ["accounts email", "Accounts", "offline_access", "accounts,"])
async def test_an_unknown_scope_or_one_that_shows_nothing_is_refused_at_the_redirect(
    served: Served, scope: str
) -> None:
    answer = play.answered(await play.Tab(served).open(scope=scope))
    assert answer["error"] == "invalid_scope"
    assert (answer["state"], answer["iss"]) == ("a state", served.issuer)


ERRORS = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": CHALLENGE}, "invalid_request"),
    ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
    ({"client_id": "app-public"}, "invalid_request"),
]


@pytest.mark.parametrize(("changed", "error"), ERRORS, ids=[str(changed) for changed, _ in ERRORS])
async def test_other_errors_go_back_to_the_app_with_state_and_iss(
    served: Served, changed: dict[str, str | None], error: str
) -> None:
    response = await play.Tab(served).open(**changed)
    assert response.headers["location"].startswith(CALLBACK + "?")
    answer = play.answered(response)
    assert answer["error"] == error
    assert answer["error_description"]
    assert (answer["state"], answer["iss"]) == ("a state", served.issuer)
    assert "code" not in answer


async def test_pkce_is_honoured_when_it_was_sent(served: Served) -> None:
    phone = await play.phone_of(served)
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    code = await play.code_for(served, phone, **PKCE)
    for wrong in ({}, {"code_verifier": ""}, {"code_verifier": "x" * 43}):
        refused = await play.token(served, code=code, **form, **wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    good = await play.token(served, code=code, code_verifier=VERIFIER, **form)
    assert good.status_code == 200


async def test_a_verifier_without_a_challenge_is_refused(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    refused = await play.token(served, code_verifier=VERIFIER, **form)
    assert refused.json()["error"] == "invalid_grant"
    assert (await play.token(served, **form)).status_code == 200


async def test_a_public_client_connects_with_pkce_and_no_secret(served: Served) -> None:
    client_id = served.public_app.client_id
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone, client_id=client_id, **PKCE)
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": code,
        "code_verifier": VERIFIER,
        "client_id": client_id,
    }

    async def ask(**changed: str) -> httpx2.Response:
        return await served.http.post(served.url("/token"), data={**form, **changed})

    assert (await ask(client_secret="guess")).json()["error"] == "invalid_client"
    assert (await ask(code_verifier="y" * 43)).json()["error"] == "invalid_grant"
    got = (await ask()).json()
    again = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    again["client_id"] = client_id
    refreshed = await served.http.post(served.url("/token"), data=again)
    assert refreshed.status_code == 200


@pytest.mark.parametrize(
    "changed",
    [{"redirect_uri": "https://app.example/other"}, {"redirect_uri": CALLBACK + "/"}],
    ids=["another", "a slash more"],
)
async def test_a_code_is_redeemed_only_with_its_own_redirect_uri(
    served: Served, changed: dict[str, str]
) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "code": code, **changed}
    assert (await play.token(served, **form)).json()["error"] == "invalid_grant"


async def test_a_code_of_one_client_is_worth_nothing_to_another(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    thief = {"client_id": served.public_app.client_id}
    stolen = await served.http.post(served.url("/token"), data={**form, **thief})
    assert stolen.json()["error"] == "invalid_grant"
    assert (await play.token(served, **form)).status_code == 200
