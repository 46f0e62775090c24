"""What a token is, told to its own client and to the bank's APIs, and to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from endorse.core import client as rules
from endorse.core import openid
from endorse.core.change import AddClient, ChangeClient
from endorse.core.metadata import Metadata
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES
from endorse.store import reads
from tests.dpop import DpopKey
from tests.flows import play
from tests.serving import CALLBACK, App, Served

pytestmark = pytest.mark.anyio

DEAD = {"active": False}
TYPE = "application/token-introspection+jwt"


async def another(
    served: Served, name: str, scope: tuple[str, ...] = SCOPES, **metadata: Any
) -> App:
    """Another client with a secret."""
    secret, stored = rules.new_secret(served.desk.fresh, served.clock())
    client = Client(
        client_id=name,
        name="Another",
        legal_name="Another B.V.",
        redirect_uris=(CALLBACK,),
        scope=scope,
        public=False,
        verified=True,
        duration=90 * DAY,
        created_at=served.clock(),
        secrets=(stored,),
        metadata=Metadata(**metadata),
    )
    known = await served.desk.store.read(lambda db: reads.client(db, name))
    if known is not None:
        name = f"{name}-{served.desk.fresh(4).hex()}"
        client = msgspec.structs.replace(client, client_id=name)
    assert await served.desk.store.change([AddClient(client)], served.clock())
    return App(name, secret.reveal())


@asynccontextmanager
async def registered_with(served: Served, **metadata: Any) -> AsyncIterator[None]:
    """The app with a secret, registered with more for a while."""
    store = served.desk.store
    known = await store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    changed = msgspec.structs.replace(known.metadata, **metadata)
    await store.change([ChangeClient(msgspec.structs.replace(known, metadata=changed))], 0)
    try:
        yield
    finally:
        await store.change([ChangeClient(known)], 0)


async def ask(
    served: Served, token: str, app: App | None = None, **headers: str
) -> httpx2.Response:
    auth = (app or served.app).basic
    url = served.url("/introspect")
    return await served.http.post(url, data={"token": token}, auth=auth, headers=headers)


async def told(served: Served, token: str, app: App | None = None) -> dict[str, Any]:
    answer = await ask(served, token, app)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.spec("RFC 7662 2.2", "A live token is answered with active true")
async def test_a_client_learns_what_its_tokens_are(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    now, app = served.clock(), served.app.client_id
    sub = openid.subject(served.desk.keys.handles, app, "anna")
    both = {
        "active": True,
        "iss": served.issuer,
        "client_id": app,
        "scope": " ".join(SCOPES),
        "sub": sub,
        "iat": now,
    }
    assert await told(served, got["access_token"]) == {
        **both,
        "token_type": "Bearer",
        "exp": now + 300,
        "aud": served.issuer,
    }
    assert await told(served, got["refresh_token"]) == {**both, "exp": now + 90 * DAY}


@pytest.mark.spec("RFC 7662 2.2", "A token that is over or revoked is never called active")
async def test_a_token_that_is_over_is_not_active(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    served.clock.move(300)
    assert await told(served, got["access_token"]) == DEAD
    answer = await play.refresh(served, got["refresh_token"])
    assert await told(served, got["refresh_token"]) == DEAD
    new = answer.json()
    for name in ("access_token", "refresh_token"):
        assert (await told(served, new[name]))["active"]
    revoked = {"token": new["refresh_token"]}
    await served.http.post(served.url("/revoke"), data=revoked, auth=served.app.basic)
    for name in ("access_token", "refresh_token"):
        assert await told(served, new[name]) == DEAD


@pytest.mark.spec(
    "RFC 7662 2.2",
    "A token that is dead, unknown or not for who asks is answered with active false and nothing "
    "else",
)
@pytest.mark.spec(
    "RFC 7662 4", "The answer of an introspection tells nothing of other clients' tokens"
)
async def test_another_clients_token_looks_like_one_that_never_was(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    other = await another(served, "another")
    for token in (got["access_token"], got["refresh_token"], "ea_x", "er_x", "x", "a.b.c", "é"):
        assert await told(served, token, other) == DEAD


@pytest.mark.spec("RFC 7662 2.1", "A resource server of the bank learns of every token")
async def test_an_api_of_the_bank_learns_of_every_token_and_who_the_person_is(
    served: Served,
) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    api = await another(served, "api", resource_server=True)
    for name in ("access_token", "refresh_token"):
        mine, its = await told(served, got[name]), await told(served, got[name], api)
        assert its == {**mine, "username": "anna"}


async def test_a_bound_token_names_its_key(served: Served) -> None:
    key = DpopKey()
    code = await play.code_for(served, await play.phone_of(served))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    proof = key.proof("POST", served.url("/token"), served.clock())
    headers = {"DPoP": proof}
    url = served.url("/token")
    got = await served.http.post(url, data=form, headers=headers, auth=served.app.basic)
    said = await told(served, got.json()["access_token"])
    assert said["token_type"] == "DPoP"
    assert said["cnf"] == {"jkt": key.thumbprint}


@pytest.mark.spec("RFC 7662 2", "Whoever asks for an introspection authenticates")
@pytest.mark.spec("RFC 7662 2.3", "A caller who failed to authenticate is answered 401")
async def test_who_does_not_authenticate_learns_nothing(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    url, token = served.url("/introspect"), got["access_token"]
    wrong = await served.http.post(url, data={"token": token}, auth=("app-confidential", "ecs_x"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    public = {"token": token, "client_id": served.public_app.client_id}
    for form in ({"token": token}, public):
        answer = await served.http.post(url, data=form)
        assert answer.json()["error"] == "invalid_client"
        assert "active" not in answer.text


@pytest.mark.spec("RFC 7662 2.1", "Introspection is a POST of a form with token")
async def test_the_token_comes_in_a_form(served: Served) -> None:
    none = await served.http.post(served.url("/introspect"), data={"x": "y"}, auth=served.app.basic)
    assert (none.status_code, none.json()["error"]) == (400, "invalid_request")
    get = await served.http.get(served.url("/introspect?token=x"), auth=served.app.basic)
    assert get.status_code == 405


async def opened(served: Served, answer: httpx2.Response, alg: str) -> jwt.Token:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(TYPE)
    published = (await served.http.get(served.url("/jwks"))).json()
    registry = jws.JWSRegistry(algorithms=[alg])
    return jwt.decode(
        answer.text, KeySet.import_key_set(published), algorithms=[alg], registry=registry
    )


async def test_an_answer_is_signed_for_who_asks_for_that(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    for token in (got["access_token"], "ea_nothing"):
        token_ = await opened(served, await ask(served, token, Accept=TYPE), "RS256")
        assert token_.header["typ"] == "token-introspection+jwt"
        assert token_.claims == {
            "iss": served.issuer,
            "aud": served.app.client_id,
            "iat": served.clock(),
            "token_introspection": await told(served, token),
        }


async def test_a_client_that_registered_an_algorithm_gets_signed_answers_only(
    served: Served,
) -> None:
    api = await another(
        served, "signing-api", resource_server=True, introspection_signed_response_alg="ES256"
    )
    got = await play.tokens(served, await play.phone_of(served))
    answer = await ask(served, got["access_token"], api, Accept="application/json")
    assert (await opened(served, answer, "ES256")).claims["token_introspection"]["active"]
