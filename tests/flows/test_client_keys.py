"""Clients that hold a key: their assertions at every endpoint, each good for one call."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from endorse.core.assertion import JWT_BEARER
from endorse.core.change import AddClient
from endorse.core.metadata import FAPI2, PLAIN, Metadata
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES
from endorse.store import reads
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

KEY = ECKey.generate_key("P-256", {"kid": "mine"})


async def registered(served: Served, profile: str) -> Client:
    """A client of this profile that authenticates with KEY."""
    client_id = f"keys-{profile}"
    known = await served.desk.store.read(lambda db: reads.client(db, client_id))
    if known is not None:
        return known
    jwks = msgspec.json.encode({"keys": [KEY.as_dict(private=False)]}).decode()
    client = Client(
        client_id=client_id,
        name="Key Ring",
        legal_name="Key Ring B.V.",
        redirect_uris=(CALLBACK,),
        scope=SCOPES,
        public=False,
        verified=True,
        duration=90 * DAY,
        created_at=served.desk.clock(),
        profile=profile,
        metadata=Metadata("private_key_jwt", jwks=jwks),
    )
    assert await served.desk.store.change([AddClient(client)], served.desk.clock())
    return client


def assertion(served: Served, client: Client, jti: str, **claims: Any) -> dict[str, str]:
    """The form's part that shows this client."""
    now = served.clock()
    said: dict[str, Any] = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": served.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": jti,
        **claims,
    }
    text = jws.serialize_compact({"alg": "ES256", "kid": "mine"}, json.dumps(said), KEY)
    return {"client_assertion": text, "client_assertion_type": JWT_BEARER}


async def test_a_client_with_a_key_redeems_refreshes_and_revokes(served: Served) -> None:
    client = await registered(served, PLAIN)
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone, client_id=client.client_id)

    def shows(jti: str, aud: str) -> dict[str, str]:
        return assertion(served, client, jti, aud=served.url(aud))

    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    got = await served.http.post(served.url("/token"), data={**form, **shows("1", "/token")})
    assert got.status_code == 200, got.text
    form = {"grant_type": "refresh_token", "refresh_token": got.json()["refresh_token"]}
    again = await served.http.post(
        served.url("/v1/token"), data={**form, **shows("2", "/v1/token")}
    )
    assert again.status_code == 200, again.text
    ended = await served.http.post(
        served.url("/revoke"),
        data={"token": again.json()["refresh_token"], **shows("3", "/revoke")},
    )
    assert ended.status_code == 200, ended.text
    assert not await play.opens(served, again.json()["access_token"])


@pytest.mark.spec("RFC 7523 3", "an assertion whose jti was used is refused while it could be used")
async def test_an_assertion_is_good_for_one_call(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    client = await registered(served, FAPI2)
    form = {"token": "er_nothing", **assertion(served, client, "once")}
    assert (await served.http.post(served.url("/revoke"), data=form)).status_code == 200
    with caplog.at_level(logging.INFO, logger="endorse"):
        again = await served.http.post(served.url("/revoke"), data=form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_client")
    assert "the jti of the assertion was used before" in caplog.text


async def test_of_many_calls_at_once_with_one_assertion_one_gets_in(served: Served) -> None:
    client = await registered(served, FAPI2)
    form = {"token": "er_nothing", **assertion(served, client, "race")}
    answers = await play.together(
        *(served.http.post(served.url("/revoke"), data=form) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_an_assertion_that_is_not_good_uses_no_id_up(served: Served) -> None:
    client = await registered(served, FAPI2)
    late = {"token": "x", **assertion(served, client, "kept", exp=served.clock() - 100)}
    assert (await served.http.post(served.url("/revoke"), data=late)).status_code == 400
    good = {"token": "x", **assertion(served, client, "kept")}
    assert (await served.http.post(served.url("/revoke"), data=good)).status_code == 200
