"""OpenID Connect: who approved, told to the app that asked and as far as the person agreed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from endorse.core import evidence, openid, signing
from endorse.core.change import ChangeClient
from endorse.core.evidence import Bundle
from endorse.core.policy import ASKABLE, SCOPES
from endorse.store import reads
from tests.dpop import DpopKey
from tests.flows import play
from tests.flows.test_introspection import another, registered_with
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

ASKED = " ".join(ASKABLE)


@pytest.fixture(autouse=True)
async def knowing(served: Served) -> AsyncIterator[None]:
    """The app may ask who the person is."""
    store, app = served.desk.store, served.app.client_id
    known = await store.read(lambda db: reads.client(db, app))
    assert known is not None
    await store.change([ChangeClient(msgspec.structs.replace(known, scope=ASKABLE))], 0)
    yield
    await store.change([ChangeClient(known)], 0)


async def connected(served: Served, scope: str = ASKED, **asked: str) -> dict[str, Any]:
    return await play.tokens(served, await play.phone_of(served), scope=scope, **asked)


async def read(served: Served, id_token: str, alg: str = "RS256") -> jwt.Token:
    keys = KeySet.import_key_set((await served.http.get(served.url("/jwks"))).json())
    registry = jws.JWSRegistry(algorithms=[alg])
    return jwt.decode(id_token, keys, algorithms=[alg], registry=registry)


def half_hash(text: str) -> str:
    half = hashlib.sha256(text.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@pytest.mark.spec("OpenID Connect Core 2", "An ID token has iss, sub, aud, exp and iat")
@pytest.mark.spec("OpenID Connect Core 2", "iss is the issuer of the metadata")
@pytest.mark.spec("OpenID Connect Core 2", "aud is the client_id of the client that asked")
@pytest.mark.spec(
    "OpenID Connect Core 2",
    "The nonce of the request is in the ID token, unchanged, and none where none was asked",
)
@pytest.mark.spec("OpenID Connect Core 2", "A request with max_age is answered with auth_time")
@pytest.mark.spec(
    "OpenID Connect Core 2", "The header of an ID token neither brings nor points to a key"
)
@pytest.mark.spec(
    "OpenID Connect Core 3.1.3.6",
    "at_hash is the left half of the access token's hash, by the algorithm's own hash",
)
@pytest.mark.spec(
    "OpenID Connect Core 3.1.3.3",
    "The answer to a code has an ID token beside the access token, and may not be kept",
)
async def test_an_id_token_says_who_approved_and_when(served: Served) -> None:
    phone = await play.phone_of(served)
    tab = await play.approved(served, phone, scope=ASKED, nonce="n-é&0", max_age="0")
    approved_at = served.clock()
    served.clock.move(7)
    code = play.answered(await tab.resume())["code"]
    served.clock.move(5)
    answer = await play.redeem(served, code)
    assert answer.headers["cache-control"] == "no-store"
    got = answer.json()
    token = await read(served, got["id_token"])
    assert set(token.header) == {"alg", "kid", "typ"}
    now = served.clock()
    assert token.claims == {
        "iss": served.issuer,
        "sub": openid.subject(served.desk.keys.handles, served.app.client_id, "anna"),
        "aud": served.app.client_id,
        "exp": now + 300,
        "iat": now,
        "auth_time": approved_at,
        "acr": "urn:openbanking:psd2:sca",
        "amr": ["pop", "user", "mfa"],
        "nonce": "n-é&0",
        "at_hash": half_hash(got["access_token"]),
    }


async def test_without_a_nonce_none_is_said_and_without_openid_nothing(served: Served) -> None:
    got = await connected(served, "openid accounts")
    assert "nonce" not in (await read(served, got["id_token"])).claims
    assert got["scope"] == "openid accounts"
    for scope in (" ".join(SCOPES), None):
        plain = await play.tokens(served, await play.phone_of(served), scope=scope)
        assert "id_token" not in plain
        assert plain["scope"] == " ".join(SCOPES)


@pytest.mark.parametrize("alg", signing.ALGORITHMS)
@pytest.mark.spec("OpenID Connect Core 15.1", "RS256 can be asked for")
@pytest.mark.spec("OpenID Connect Core 2", "An ID token is signed, never with alg none")
async def test_an_id_token_is_signed_as_the_client_registered(served: Served, alg: str) -> None:
    async with registered_with(served, id_token_signed_response_alg=alg):
        got = await connected(served)
    assert (await read(served, got["id_token"], alg)).header["alg"] == alg


async def test_no_registration_gets_an_unsigned_id_token(served: Served) -> None:
    for alg in ("none", "HS256", ""):
        async with registered_with(served, id_token_signed_response_alg=alg):
            got = await connected(served)
        assert (await read(served, got["id_token"])).header["alg"] == "RS256"


@pytest.mark.spec(
    "OpenID Connect Core 12.2",
    "An ID token of a refresh has the same iss, sub and aud, and its own iat",
)
@pytest.mark.spec(
    "OpenID Connect Core 12.2", "auth_time of a refresh is that of the first ID token"
)
async def test_an_id_token_of_a_refresh_is_about_the_same_approval(served: Served) -> None:
    got = await connected(served, nonce="once")
    first = (await read(served, got["id_token"])).claims
    served.clock.move(3600)
    answer = (await play.refresh(served, got["refresh_token"])).json()
    second = (await read(served, answer["id_token"])).claims
    same = ("iss", "sub", "aud", "auth_time", "acr")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert second["iat"] == first["iat"] + 3600
    assert "nonce" not in second
    narrower = await play.refresh(served, answer["refresh_token"], scope="accounts")
    assert "id_token" not in narrower.json()


async def ask(served: Served, token: str, method: str = "GET") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await served.http.request(method, served.url("/userinfo"), headers=headers)


@pytest.mark.spec("OpenID Connect Core 5.3", "The UserInfo endpoint takes GET and POST")
@pytest.mark.spec("OpenID Connect Core 5.3", "The UserInfo endpoint takes a bearer token")
@pytest.mark.spec(
    "OpenID Connect Core 5.3.2", "sub is in every UserInfo answer, the same as in the ID token"
)
@pytest.mark.spec("OpenID Connect Core 5.3.2", "A UserInfo answer is application/json")
@pytest.mark.spec("OpenID Connect Core 5.3.2", "What is not given is left out, not null")
async def test_userinfo_tells_the_name_only_to_who_may_know_it(served: Served) -> None:
    for method in ("GET", "POST"):
        got = await connected(served)
        sub = (await read(served, got["id_token"])).claims["sub"]
        answer = await ask(served, got["access_token"], method)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {"sub": sub, "name": "Anna de Vries"}
        got = await connected(served, "openid accounts")
        assert (await ask(served, got["access_token"], method)).json() == {"sub": sub}


@pytest.mark.spec(
    "OpenID Connect Core 5.3.3", "A token that is not good is answered as RFC 6750 says"
)
async def test_userinfo_refuses_as_the_bank_does(served: Served) -> None:
    got = await connected(served)
    plain = await connected(served, "accounts offline_access")
    no = await ask(served, plain["access_token"])
    assert (no.status_code, no.json()["error"]) == (403, "insufficient_scope")
    for token in ("ea_x", got["refresh_token"], got["id_token"]):
        no = await ask(served, token)
        assert (no.status_code, no.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in no.headers["www-authenticate"]
    bare = await served.http.get(served.url("/userinfo"))
    assert bare.status_code == 401
    in_query = await served.http.get(
        served.url("/userinfo"), params={"access_token": got["access_token"]}
    )
    assert in_query.status_code == 401
    form = {"token": got["refresh_token"]}
    await served.http.post(served.url("/revoke"), data=form, auth=served.app.basic)
    assert (await ask(served, got["access_token"])).status_code == 401
    own = await another(served, "own-too", grant_types=("client_credentials",))
    asked = {"grant_type": "client_credentials"}
    given = await served.http.post(served.url("/token"), data=asked, auth=own.basic)
    assert (await ask(served, given.json()["access_token"])).status_code == 403


async def test_userinfo_takes_a_bound_token_with_its_key_alone(served: Served) -> None:
    key, url = DpopKey(), served.url("/token")
    code = await play.code_for(served, await play.phone_of(served), scope=ASKED)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    headers = {"DPoP": key.proof("POST", url, served.clock())}
    got = await served.http.post(url, data=form, headers=headers, auth=served.app.basic)
    token, where = got.json()["access_token"], served.url("/userinfo")
    assert (await ask(served, token)).status_code == 401
    proof = key.proof("GET", where, served.clock(), token)
    shown = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert (await served.http.get(where, headers=shown)).json()["name"] == "Anna de Vries"


@pytest.mark.spec(
    "OpenID Connect Core 3.1.2.4", "The person is asked before anything about them is given"
)
async def test_the_person_signs_that_the_app_learns_their_name(served: Served) -> None:
    phone = await play.phone_of(served)
    tab = await play.begun(served, scope=ASKED)
    review = await play.reviewed(tab, phone)
    assert review.consent.scope == ASKABLE
    page = await play.Tab(served).open(scope=ASKED)
    assert "your name" in page.text


@pytest.mark.parametrize("scope", ["openid", "openid profile", "profile accounts", "openid email"])
async def test_who_the_person_is_is_asked_only_beside_accounts_and_by_openid(
    served: Served, scope: str
) -> None:
    tab = play.Tab(served)
    answer = await tab.open(scope=scope)
    assert play.answered(answer)["error"] == "invalid_scope"


async def test_a_client_that_is_not_registered_for_it_may_not_ask(served: Served) -> None:
    answer = await play.Tab(served).open(
        client_id=served.public_app.client_id,
        scope="openid accounts",
        code_challenge="7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM",
        code_challenge_method="S256",
    )
    assert play.answered(answer)["error"] == "invalid_scope"


@pytest.mark.spec("OpenID Connect Core 8", "The metadata names the kinds of sub")
async def test_both_well_known_addresses_say_the_same(served: Served) -> None:
    paths = ("oauth-authorization-server", "openid-configuration")
    both = [(await served.http.get(served.url(f"/.well-known/{path}"))).json() for path in paths]
    assert both[0] == both[1]
    told = both[0]
    assert told["userinfo_endpoint"] == served.url("/userinfo")
    assert told["subject_types_supported"] == ["pairwise"]
    assert told["id_token_signing_alg_values_supported"] == list(signing.ALGORITHMS)
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert set(ASKABLE) <= set(told["scopes_supported"])
    assert {"sub", "iss", "name", "auth_time"} <= set(told["claims_supported"])


# --- tokens that are over, of another app, or give less -----------------------------------------


async def test_userinfo_gives_each_app_its_own_number_of_the_same_person(served: Served) -> None:
    mine = (await ask(served, (await connected(served))["access_token"])).json()
    other = await another(served, "who-too", scope=ASKABLE)
    code = await play.code_for(
        served, await play.phone_of(served), scope=ASKED, client_id=other.client_id
    )
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    got = (await served.http.post(served.url("/token"), data=form, auth=other.basic)).json()
    theirs = (await ask(served, got["access_token"])).json()
    assert theirs["sub"] == (await read(served, got["id_token"])).claims["sub"]
    assert theirs["name"] == mine["name"]
    assert theirs["sub"] != mine["sub"]


async def test_userinfo_tells_nothing_to_a_token_that_is_over(served: Served) -> None:
    token = (await connected(served))["access_token"]
    served.clock.move(served.desk.law.access_token - 1)
    assert (await ask(served, token)).status_code == 200
    served.clock.move(1)
    assert (await ask(served, token)).status_code == 401


async def test_userinfo_tells_nothing_within_a_second_of_the_end_of_a_connection(
    served: Served,
) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope=ASKED)
    [connection] = await phone.connections()
    assert (await ask(served, got["access_token"])).status_code == 200
    await phone.end(connection.grant_id)
    async with asyncio.timeout(1):
        assert (await ask(served, got["access_token"])).status_code == 401


async def test_a_token_of_fewer_scopes_tells_less(served: Served) -> None:
    got = await connected(served)
    fewer = await play.refresh(served, got["refresh_token"], scope="openid accounts")
    assert set((await ask(served, fewer.json()["access_token"])).json()) == {"sub"}


async def test_taking_accounts_away_leaves_who_somebody_is(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope=ASKED)
    before = (await ask(served, got["access_token"])).json()
    [connection] = await phone.connections()
    await phone.narrow(connection.grant_id, [connection.accounts[0].resource_id])
    assert (await ask(served, got["access_token"])).json() == before


async def test_what_the_person_agreed_to_tell_stays_in_their_list_and_in_the_evidence(
    served: Served,
) -> None:
    phone = await play.somebody(served)
    await play.tokens(served, phone, scope=ASKED)
    [connection] = await phone.connections()
    assert connection.scope == ASKABLE
    whole = evidence.read(await phone.evidence(connection.grant_id))
    assert isinstance(whole, Bundle), whole
    assert [it for it in evidence.verify(whole, served.issuer) if it.wrong] == []
    assert '"openid","profile"' in whole.items[0].signed


@pytest.mark.usefixtures("one_server")
async def test_asking_who_somebody_is_counts_as_a_use_of_the_connection(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope=ASKED)
    [connection] = await phone.connections()
    assert connection.last_used_at is None
    await ask(served, got["access_token"])
    await served.desk.finish()
    [connection] = await phone.connections()
    assert connection.last_used_at is not None


# --- what a request of OpenID Connect may hold ---------------------------------------------------


@pytest.mark.spec("OpenID Connect Core 3.1.2.1", "The authorization endpoint takes GET and POST")
async def test_a_request_may_come_by_get_and_by_post(served: Served) -> None:
    url = httpx2.URL(served.authorize_url(scope=ASKED, nonce="n"))
    by_get = await served.http.get(url)
    by_post = await served.http.post(served.url("/auth"), data=dict(url.params))
    for page in (by_get, by_post):
        assert page.status_code == 200
        assert "your name and a number for you" in page.text


@pytest.mark.spec(
    "OpenID Connect Core 3.1.2.1", "prompt=login asks the person anew, or is an error"
)
@pytest.mark.spec(
    "OpenID Connect Core 3.1.2.1",
    "A request with max_age is approved by somebody who authenticates within it",
)
@pytest.mark.spec(
    "OpenID Connect Core 3.1.2.3",
    "The person is asked anew for a code where max_age or prompt=login want it",
)
async def test_every_request_is_approved_anew_on_the_phone(served: Served) -> None:
    for more in ({"prompt": "login"}, {"max_age": "0"}, {}):
        served.clock.move(60)
        got = await connected(served, **more)
        assert (await read(served, got["id_token"])).claims["auth_time"] == served.clock()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"id_token_hint": "e30.e30.e30"}, "login_required"),
    ],
)
@pytest.mark.spec("OpenID Connect Core 3.1.2.1", "prompt=none shows no page")
@pytest.mark.spec("OpenID Connect Core 3.1.2.1", "prompt=none beside another value is an error")
@pytest.mark.spec(
    "OpenID Connect Core 3.1.2.1",
    "A request with id_token_hint is answered about that person or with an error",
)
async def test_what_would_need_a_person_signed_in_here_goes_back_as_an_error(
    served: Served, more: dict[str, str], error: str
) -> None:
    answer = await play.Tab(served).open(scope=ASKED, **more)
    assert play.answered(answer)["error"] == error


@pytest.mark.spec(
    "OpenID Connect Core 15.1", "acr_values, claims_locales, display and login_hint are no error"
)
@pytest.mark.spec("OpenID Connect Core 3.1.2.2", "Parameters that are not known are ignored")
async def test_parameters_that_change_nothing_are_no_error(served: Served) -> None:
    page = await play.Tab(served).open(
        scope=ASKED,
        acr_values=openid.ACR,
        claims_locales="nl",
        display="popup",
        login_hint="anna",
        claims='{"userinfo":{"name":null}}',
    )
    assert page.status_code == 200
