"""Requests that are pushed or signed, from the client's call to the code that answers them."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from endorse.core.change import ChangeClient
from endorse.core.metadata import Metadata
from endorse.store import reads
from tests import signing
from tests.flows import broken, play
from tests.flows.broken import FORM, NOT_TEXT
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served, serving

pytestmark = pytest.mark.anyio

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "accounts", "state": "s"}


async def push(served: Served, **changed: str | None) -> httpx2.Response:
    """Push a good request of the app with a secret; a parameter set to None is left out."""
    sent = {name: it for name, it in {**ASKED, **changed}.items() if it is not None}
    return await served.http.post(served.url("/par"), data=sent, auth=served.app.basic)


async def pushed(served: Served, **changed: str | None) -> str:
    """The request_uri of a good pushed request."""
    answer = await push(served, **changed)
    assert answer.status_code == 201, answer.text
    uri: str = answer.json()["request_uri"]
    return uri


async def opened(served: Served, uri: str, client_id: str | None = None) -> httpx2.Response:
    """Open the authorization endpoint with a request_uri."""
    params = {"client_id": client_id or served.app.client_id, "request_uri": uri}
    return await served.http.get(served.url("/auth"), params=params)


async def tab_of(served: Served, uri: str) -> play.Tab:
    """A tab that began from a request_uri."""
    tab = play.Tab(served)
    page = await opened(served, uri)
    assert page.status_code == 200, page.text
    tab.sealed = re.findall(r'name="request" value="([^"]+)"', page.text)[0]
    assert (await tab.start()).status_code == 200
    return tab


async def register(served: Served, **known: Any) -> None:
    """Change what the app with a secret is registered with."""
    client = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert client is not None
    after = msgspec.structs.replace(client, metadata=Metadata(**known))
    assert await served.desk.store.change([ChangeClient(after)], served.clock())


@pytest.fixture
async def signer(served: Served) -> AsyncIterator[Served]:
    """The server, whose app has registered a signing key."""
    await register(served, jwks=signing.jwks(signing.EC))
    yield served
    await register(served)


def object_of(served: Served, jti: str, **changed: Any) -> str:
    """A signed request of the app."""
    now, client_id = served.clock(), served.app.client_id
    times = {"exp": now + 60, "nbf": now, "iat": now, "jti": jti}
    who = {"iss": client_id, "aud": served.issuer, "client_id": client_id}
    return signing.signed({**who, **times, **ASKED, **changed})


@pytest.mark.spec("RFC 9126 2.2", "the answer is 201 with request_uri and expires_in, not kept")
async def test_a_pushed_request_leads_to_a_code(served: Served) -> None:
    answer = await push(served)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"request_uri", "expires_in"}
    tab = await tab_of(served, answer.json()["request_uri"])
    phone = await play.phone_of(served)
    await phone.approve(await play.reviewed(tab, phone))
    sent = play.answered(await tab.resume())
    assert sent["state"] == "s"
    got = await play.redeem(served, sent["code"])
    assert got.json()["scope"] == "accounts"


async def test_it_may_be_opened_again_until_a_code_answered_it(served: Served) -> None:
    uri = await pushed(served)
    phone = await play.phone_of(served)
    first, second = await tab_of(served, uri), await tab_of(served, uri)
    review = await play.reviewed(second, phone)
    await phone.approve(review)
    assert "code" in play.answered(await second.resume())
    gone = await opened(served, uri)
    assert (gone.status_code, "location" in gone.headers) == (400, False)
    # The other tab began before: its approval leads nowhere, and its page says so.
    await phone.approve(await play.reviewed(first, phone))
    back = await first.resume()
    assert back.headers["location"] == f"/connect/{first.short}"
    assert await first.state() == "expired"
    # The lost redirect of the code that did answer is had again.
    assert "code" in play.answered(await second.resume())


async def test_two_approvals_of_one_request_at_the_same_moment_make_one_code(
    served: Served,
) -> None:
    uri = await pushed(served)
    phone = await play.phone_of(served)
    tabs = [await tab_of(served, uri) for _ in range(4)]
    for tab in tabs:
        await phone.approve(await play.reviewed(tab, phone))
    answers = await play.together(*(tab.resume() for tab in tabs))
    assert sum("code=" in answer.headers["location"] for answer in answers) == 1


async def test_a_page_that_was_open_too_long_does_not_begin(served: Served) -> None:
    uri = await pushed(served)
    tab = play.Tab(served)
    page = await opened(served, uri)
    tab.sealed = re.findall(r'name="request" value="([^"]+)"', page.text)[0]
    served.clock.move(served.desk.law.pushed_request)
    before = await contents(served)
    assert (await tab.start()).status_code == 400
    assert (await opened(served, uri)).status_code == 400
    assert await contents(served) == before


@pytest.mark.spec("RFC 9126 2.2", "the request_uri is bound to the client that pushed it")
async def test_another_client_cannot_open_it(served: Served) -> None:
    uri = await pushed(served)
    answer = await opened(served, uri, served.public_app.client_id)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert (await opened(served, uri)).status_code == 200


async def test_what_stands_beside_a_request_uri_changes_nothing(served: Served) -> None:
    uri = await pushed(served)
    params = {
        "client_id": served.app.client_id,
        "request_uri": uri,
        "redirect_uri": "https://evil.example",
        "scope": "transactions",
        "state": "other",
        "prompt": "none",
    }
    page = await served.http.get(served.url("/auth"), params=params)
    assert page.status_code == 200
    assert "evil.example" not in page.text


async def test_opening_it_stores_nothing(served: Served) -> None:
    uri = await pushed(served)
    before = await contents(served)
    for _ in range(3):
        assert (await opened(served, uri)).status_code == 200
    assert await contents(served) == before


@pytest.mark.spec("RFC 9126 2", "the client authenticates as at the token endpoint")
async def test_without_its_secret_a_client_stores_nothing(served: Served) -> None:
    before = await contents(served)
    for client_id, secret in (
        (served.app.client_id, ""),
        (served.app.client_id, "wrong"),
        ("x", ""),
    ):
        data = {**ASKED, "client_id": client_id, "client_secret": secret}
        answer = await served.http.post(served.url("/par"), data=data)
        assert answer.json()["error"] == "invalid_client"
    assert await contents(served) == before


@pytest.mark.parametrize(
    "name",
    [
        *ASKED,
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "nonce",
        "prompt",
        "max_age",
        "dpop_jkt",
        "request",
        "request_uri",
        "client_id",
        "client_secret",
        "unknown",
    ],
)
async def test_each_parameter_broken_in_each_way_is_refused_and_nothing_stored(
    served: Served, name: str
) -> None:
    good = {
        **ASKED,
        "client_id": served.app.client_id,
        "client_secret": served.app.secret,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    optional = {"scope", "state", "response_mode", "nonce", "prompt", "max_age", "dpop_jkt"}
    optional |= {"request", "request_uri", "unknown"}
    for case in broken.cases(good, name):
        if name in optional and case.how in ("missing", "empty", "bare"):
            continue
        before = await contents(served)
        answer = await broken.post(served, "/par", case.raw)
        assert answer.status_code == 400, case
        assert broken.is_json_error(answer), case
        if case.how.startswith("doubled") or case.how in NOT_TEXT:
            assert answer.json()["error"] == "invalid_request", case
        assert await contents(served) == before


async def test_a_request_with_a_state_of_2_kib_goes_through(served: Served) -> None:
    uri = await pushed(served, state="s" * 2048)
    phone = await play.phone_of(served)
    tab = await tab_of(served, uri)
    await phone.approve(await play.reviewed(tab, phone))
    assert play.answered(await tab.resume())["state"] == "s" * 2048
    assert (await push(served, state="s" * 2049)).json()["error"] == "invalid_request"


async def test_a_public_client_pushes_a_bounded_number_of_times(tmp_path: Path) -> None:
    law = msgspec.structs.replace(play.QUICK, starts_a_minute=3)
    url = f"sqlite:///{tmp_path / 'endorse.sqlite3'}"
    async with serving(url, law) as served:
        form = {**ASKED, "client_id": served.public_app.client_id}
        form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        codes = [
            (await served.http.post(served.url("/par"), data=form)).status_code for _ in range(5)
        ]
        assert codes == [201, 201, 201, 429, 429]
        assert (await push(served)).status_code == 201


async def test_what_is_too_old_is_swept(served: Served) -> None:
    await pushed(served)
    served.clock.move(served.desk.law.pushed_request)
    await served.desk.sweeper.round()
    assert (await contents(served))["pushed_requests"] == []


# --- signed requests ------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9126 3", "a pushed request may be a signed one, and only its inside counts")
async def test_a_signed_request_may_be_pushed_once(signer: Served) -> None:
    text = object_of(signer, "pushed once")
    auth, url = signer.app.basic, signer.url("/par")
    first = await signer.http.post(url, data={"request": text, "scope": "evil"}, auth=auth)
    assert first.status_code == 201, first.text
    assert (await opened(signer, first.json()["request_uri"])).status_code == 200
    again = await signer.http.post(url, data={"request": text}, auth=auth)
    assert again.json()["error"] == "invalid_request_object"
    by_value = await signer.http.get(
        signer.url("/auth"), params={"client_id": signer.app.client_id, "request": text}
    )
    assert play.answered(by_value)["error"] == "invalid_request_object"


async def test_a_signed_request_by_value_is_answered_once(signer: Served) -> None:
    text = object_of(signer, "by value once")
    params = {"client_id": signer.app.client_id, "request": text}
    url = str(httpx2.URL(signer.url("/auth"), params=params))
    phone = await play.phone_of(signer)
    before = await contents(signer)
    pages = [await signer.http.get(url) for _ in range(2)]
    assert (await contents(signer))["used_once"] == before["used_once"]
    tab = play.Tab(signer)
    tab.sealed = re.findall(r'name="request" value="([^"]+)"', pages[1].text)[0]
    await tab.start()
    await phone.approve(await play.reviewed(tab, phone))
    assert "code" in play.answered(await tab.resume())
    assert play.answered(await signer.http.get(url))["error"] == "invalid_request_object"


async def test_a_request_signed_by_another_key_is_refused_where_it_comes(signer: Served) -> None:
    now, client_id = signer.clock(), signer.app.client_id
    said = {"iss": client_id, "aud": signer.issuer, "client_id": client_id, "exp": now + 60}
    text = signing.signed({**said, **ASKED}, signing.STRANGER)
    pushed_ = await signer.http.post(
        signer.url("/par"), data={"request": text}, auth=signer.app.basic
    )
    assert (pushed_.status_code, pushed_.json()["error"]) == (400, "invalid_request_object")
    params = {"client_id": client_id, "request": text}
    page = await signer.http.get(signer.url("/auth"), params=params)
    assert (page.status_code, "location" in page.headers) == (400, False)


async def test_a_client_that_must_push_is_served_by_push_alone(served: Served) -> None:
    await register(served, require_pushed_authorization_requests=True)
    direct = play.answered(await play.Tab(served).open(code_challenge=CHALLENGE))
    assert direct["error"] == "invalid_request"
    uri = await pushed(served)
    assert (await opened(served, uri)).status_code == 200
    await register(served)


# --- by POST --------------------------------------------------------------------------------------


async def test_the_authorization_endpoint_takes_a_form_of_another_site(served: Served) -> None:
    form = {**ASKED, "client_id": served.app.client_id}
    elsewhere = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    before = await contents(served)
    page = await served.http.post(served.url("/auth"), data=form, headers=elsewhere)
    assert page.status_code == 200
    assert re.search(r'name="request" value="[^"]+"', page.text)
    refused = await served.http.post(served.url("/auth"), data={**form, "scope": "no"})
    assert play.answered(refused)["error"] == "invalid_scope"
    evil = await served.http.post(
        served.url("/auth"), data={**form, "redirect_uri": "https://evil.example"}
    )
    assert (evil.status_code, "location" in evil.headers) == (400, False)
    # The query of a POST is not looked at.
    in_query = await broken.post(
        served, "/auth?" + "&".join(f"{k}={v}" for k, v in form.items()), b""
    )
    assert in_query.status_code == 400
    assert await contents(served) == before


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", FORM + "x"])
async def test_a_post_that_is_no_form_gets_the_developers_page(
    served: Served, content_type: str
) -> None:
    answer = await served.http.post(
        served.url("/auth"), content=b"client_id=x", headers={"Content-Type": content_type}
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_prompt_none_goes_back_with_an_error(served: Served) -> None:
    sent = play.answered(await play.Tab(served).open(prompt="none", nonce="n"))
    assert (sent["error"], sent["state"]) == ("login_required", "a state")


async def test_the_way_to_try_again_leads_back_by_the_request_uri(served: Served) -> None:
    uri = await pushed(served)
    page = await opened(served, uri)
    again = re.findall(r'href="(/auth\?[^"]+)"', page.text)
    assert again
    for url in again:
        assert httpx2.URL(html.unescape(url)).params["request_uri"] == uri
