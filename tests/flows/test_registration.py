"""Clients that register themselves, look after it, and go (RFC 7591, RFC 7592)."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from endorse.core.change import AddInvitation, ChangeClient
from endorse.core.invitation import invite
from endorse.core.metadata import FAPI2, PLAIN
from endorse.core.model import Client
from endorse.core.policy import DAY, HOUR
from endorse.core.statement import Issuer
from endorse.store import reads
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.flows.test_openapi_clients import document_of, problems
from tests.serving import CALLBACK, Served, serving

pytestmark = pytest.mark.anyio

DIRECTORY = "https://directory.example"
DIRECTORY_KEY = ECKey.generate_key("P-256", {"kid": "directory"})
KEY = ECKey.generate_key("P-256", {"kid": "mine"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
UNHURRIED = msgspec.structs.replace(QUICK, amber_wait=0)
"""Such clients are not verified, so there is a warning to read."""
GOOD: dict[str, Any] = {"client_name": "New App", "redirect_uris": [CALLBACK]}


def jwks_of(key: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False)]})


@pytest.fixture(scope="module")
async def served(database: str) -> AsyncIterator[Served]:
    """A server that trusts the statements of one directory."""
    issuers = (Issuer(DIRECTORY, FAPI2, jwks_of(DIRECTORY_KEY)),)
    async with (
        serving(database, UNHURRIED, software_issuers=issuers) as server,
        quiet_client() as http,
    ):
        server.http = http
        yield server


async def invited(served: Served, profile: str = PLAIN, uses: int = 1, lives: int = DAY) -> str:
    """An initial access token."""
    now = served.clock()
    token, stored = invite("New App B.V.", profile, uses, lives, now, secrets.token_bytes)
    assert await served.desk.store.change([AddInvitation(stored)], now)
    return token.reveal()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def register(served: Served, token: str | None, said: Any = None) -> httpx2.Response:
    headers = bearer(token) if token is not None else {}
    return await served.http.post(served.url("/register"), json=said or GOOD, headers=headers)


async def registered(served: Served, profile: str = PLAIN, **said: Any) -> dict[str, Any]:
    """The answer to a good registration."""
    answer = await register(served, await invited(served, profile), {**GOOD, **said})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def own(
    served: Served, method: str, client: dict[str, Any], token: str | None = None, said: Any = None
) -> httpx2.Response:
    """A call to the client's own address."""
    url = client["registration_client_uri"]
    headers = bearer(token or client["registration_access_token"])
    return await served.http.request(method, url, headers=headers, json=said)


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def works(served: Served, client: dict[str, Any]) -> bool:
    """Whether this client's secret still shows it."""
    auth = httpx2.BasicAuth(client["client_id"], client["client_secret"])
    answer = await served.http.post(served.url("/revoke"), data={"token": "x"}, auth=auth)
    return answer.status_code == 200


# --- RFC 7591 -----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7591 3.2.1", "A registration answers 201 with all that is registered")
async def test_an_invited_client_registers_and_connects(served: Served) -> None:
    client = await registered(
        served,
        grant_types=["authorization_code", "refresh_token"],
        logo_uri="https://x/y",
        unheard_of={"a": 1},
    )
    assert client["client_id_issued_at"] == served.clock()
    assert client["client_secret_expires_at"] == 0
    assert client["redirect_uris"] == [CALLBACK]
    assert client["token_endpoint_auth_method"] == "client_secret_basic"
    assert client["response_types"] == ["code"]
    assert not {"unheard_of", "logo_uri", "vouched_by"} & set(client)
    code = await play.code_for(
        served, await play.phone_of(served), client_id=client["client_id"], scope=client["scope"]
    )
    got = await served.http.post(
        served.url("/token"),
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK},
        auth=httpx2.BasicAuth(client["client_id"], client["client_secret"]),
    )
    assert got.status_code == 200, got.text
    stored = await served.desk.store.read(lambda db: reads.client(db, client["client_id"]))
    assert stored is not None
    assert (stored.verified, stored.legal_name) == (False, "New App B.V.")


async def test_a_strict_client_registers_its_keys_and_gets_no_secret(served: Served) -> None:
    client = await registered(served, FAPI2, jwks=JWKS, dpop_bound_access_tokens=True)
    assert not {"client_secret", "client_secret_expires_at"} & set(client)
    assert client["jwks"] == JWKS
    assert client["token_endpoint_auth_method"] == "private_key_jwt"
    assert client["dpop_bound_access_tokens"] is True
    public = await registered(served, token_endpoint_auth_method="none")
    assert "client_secret" not in public


@pytest.mark.parametrize("token", [None, "eia_", "eia_unknown", "x" * 3000])
async def test_nobody_registers_without_an_invitation(served: Served, token: str | None) -> None:
    no = await register(served, token)
    assert error(no) == (401, "invalid_token")
    assert no.headers["www-authenticate"].startswith("Bearer")


async def test_an_invitation_counts_its_uses_and_runs_out(served: Served) -> None:
    twice = await invited(served, uses=2)
    answers = [(await register(served, twice)).status_code for _ in range(3)]
    assert answers == [201, 201, 401]
    old = await invited(served, lives=HOUR)
    served.clock.move(HOUR)
    assert error(await register(served, old)) == (401, "invalid_token")


async def test_of_many_registrations_at_once_as_many_win_as_were_invited(served: Served) -> None:
    token = await invited(served, uses=3)
    answers = await play.together(*(register(served, token) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [401] * 9


async def test_a_registration_that_is_refused_uses_nothing_up(served: Served) -> None:
    token = await invited(served)
    assert (await register(served, token, {"client_name": "x"})).status_code == 400
    assert (await register(served, token)).status_code == 201


@pytest.mark.spec("RFC 7591 3.2.2", "What is wrong is told as one of the four codes")
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"client_name": None}, "invalid_client_metadata"),
        ({"client_name": ["x"]}, "invalid_client_metadata"),
        ({"client_name": "Ba\u202enk"}, "invalid_client_metadata"),
        ({"client_name": "x" * 81}, "invalid_client_metadata"),
        ({"jwks_uri": "https://169.254.169.254/keys"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": []}, "invalid_client_metadata"),
        ({"scope": "everything"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [KEY.as_dict(private=True)]}}, "invalid_client_metadata"),
        ({"jwks": "keys"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
        ({"contacts": "me"}, "invalid_client_metadata"),
        ({"software_statement": "a.b.c"}, "invalid_software_statement"),
        ({"software_statement": 7}, "invalid_software_statement"),
    ],
)
async def test_a_registration_that_is_not_good_says_so_exactly(
    served: Served, said: dict[str, Any], code: str
) -> None:
    no = await register(served, await invited(served), {**GOOD, **said})
    assert error(no) == (400, code)
    assert no.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b"\xff",
        b'{"client_name": "A", "client_name": "B"}',
        b'{"a": NaN}',
        b"[" * 60_000,
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(served: Served, body: bytes) -> None:
    headers = {**bearer(await invited(served)), "Content-Type": "application/json"}
    no = await served.http.post(served.url("/register"), content=body, headers=headers)
    assert error(no) == (400, "invalid_client_metadata")


async def test_members_of_ours_cannot_be_registered(served: Served) -> None:
    wishes = {
        "vouched_by": DIRECTORY,
        "access_token_format": "at+jwt",
        "verified": True,
        "profile": FAPI2,
        "client_id": "budgetly",
        "public": True,
        "duration": 10**9,
    }
    client = (await register(served, await invited(served), {**GOOD, **wishes})).json()
    stored = await served.desk.store.read(lambda db: reads.client(db, client["client_id"]))
    assert stored is not None
    assert client["client_id"] != "budgetly"
    assert (stored.verified, stored.profile, stored.public) == (False, PLAIN, False)
    assert (stored.metadata.vouched_by, stored.metadata.access_token_format) == ("", "opaque")
    assert stored.duration == served.desk.law.grant_by_default


# --- software statements ------------------------------------------------------------------------


def statement(
    served: Served, key: Any = DIRECTORY_KEY, alg: str = "ES256", header: Any = None, **claims: Any
) -> str:
    now = served.clock()
    said = {
        "iss": DIRECTORY,
        "iat": now,
        "exp": now + HOUR,
        "client_name": "Vouched App",
        "org_name": "Vouched B.V.",
        "redirect_uris": [CALLBACK],
        "jwks": JWKS,
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    head = {"alg": alg, **(header or {})}
    return jws.serialize_compact(head, json.dumps(said), key, registry=registry)


async def test_a_statement_alone_registers_what_it_says(served: Served) -> None:
    text = statement(served)
    evil = {"client_name": "Demo Bank", "redirect_uris": ["https://evil.example/"]}
    made = await register(served, None, {**evil, "software_statement": text})
    assert made.status_code == 201, made.text
    client = made.json()
    assert (client["client_name"], client["redirect_uris"]) == ("Vouched App", [CALLBACK])
    assert client["software_statement"] == text
    stored = await served.desk.store.read(lambda db: reads.client(db, client["client_id"]))
    assert stored is not None
    assert (stored.profile, stored.legal_name) == (FAPI2, "Vouched B.V.")
    assert not stored.verified
    # Nor can it say something else afterwards.
    said = {**evil, "jwks": JWKS, "client_id": client["client_id"]}
    assert error(await own(served, "PUT", client, said=said)) == (400, "invalid_client_metadata")
    again = await own(served, "PUT", client, said={**said, "software_statement": statement(served)})
    assert again.json()["client_name"] == "Vouched App"


@pytest.mark.parametrize("name", ["redirect_uris", "jwks", "client_name"])
async def test_a_statement_alone_must_say_what_it_vouches_for(served: Served, name: str) -> None:
    without: dict[str, Any] = {name: None}
    text = statement(served, **without)
    no = await register(served, None, {**GOOD, "jwks": JWKS, "software_statement": text})
    assert error(no) == (400, "invalid_client_metadata")


async def test_a_statement_that_is_not_good_is_refused(served: Served) -> None:
    now = served.clock()
    stranger = ECKey.generate_key("P-256", {"kid": "directory"})
    shared = OctKey.import_key(jwks_of(DIRECTORY_KEY))
    good = statement(served)
    head, body, signature = good.split(".")
    cases = {
        "another key": statement(served, key=stranger),
        "the public key as a secret": statement(served, key=shared, alg="HS256"),
        "expired": statement(served, exp=now - 11),
        "in the future": statement(served, iat=now + 61),
        "old, without exp": statement(served, exp=None, iat=now - DAY - 1),
        "without times": statement(served, exp=None, iat=None),
        "for another server": statement(served, aud="https://other.example"),
        "unsigned": f"{head}.{body}.",
        "changed": f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        "its own key": statement(
            served, key=stranger, header={"jwk": stranger.as_dict(private=False)}
        ),
        "a type of another use": statement(served, header={"typ": "dpop+jwt"}),
    }
    for what, text in cases.items():
        no = await register(served, None, {"software_statement": text})
        assert error(no) == (400, "invalid_software_statement"), what
    foreign = statement(served, iss="https://other.example")
    no = await register(served, None, {"software_statement": foreign})
    assert error(no) == (400, "unapproved_software_statement")


# --- RFC 7592 -----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7592 2.1", "A client reads its registration with its own token")
async def test_a_client_reads_its_registration(served: Served) -> None:
    client = await registered(served)
    seen = await own(served, "GET", client)
    assert seen.status_code == 200
    assert seen.json()["registration_access_token"] == client["registration_access_token"]
    assert "client_secret" not in seen.json()
    assert seen.json()["redirect_uris"] == client["redirect_uris"]


@pytest.mark.spec("RFC 7592 2", "Another client's token opens nothing, known client or not")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_foreign_token_opens_nothing(served: Served, method: str) -> None:
    mine, theirs = await registered(served), await registered(served)
    for token in (theirs["registration_access_token"], "era_unknown", mine["client_secret"]):
        no = await own(served, method, mine, token, said={})
        assert error(no) == (401, "invalid_token")
    nobody = {**mine, "registration_client_uri": served.url("/register/nobody")}
    assert error(await own(served, method, nobody, said={})) == (401, "invalid_token")
    by_hand = {**mine, "registration_client_uri": served.url("/register/app-confidential")}
    assert error(await own(served, method, by_hand, said={})) == (401, "invalid_token")
    assert await works(served, mine)


@pytest.mark.spec("RFC 7592 2.2", "A change replaces the registration, whole")
async def test_a_change_replaces_the_registration(served: Served) -> None:
    client = await registered(served, contacts=["me@app.example"])
    said = {**GOOD, "client_id": client["client_id"], "client_name": "Newer App"}
    changed = await own(served, "PUT", client, said=said)
    assert changed.status_code == 200, changed.text
    after = changed.json()
    assert after["client_name"] == "Newer App"
    assert "contacts" not in after
    assert "client_secret" not in after
    assert await works(served, client)


async def test_a_change_replaces_the_token_and_a_lost_answer_locks_nobody_out(
    served: Served,
) -> None:
    client = await registered(served)
    said = {**GOOD, "client_id": client["client_id"]}
    lost = (await own(served, "PUT", client, said=said)).json()["registration_access_token"]
    got = (await own(served, "PUT", client, said=said)).json()["registration_access_token"]
    assert len({client["registration_access_token"], lost, got}) == 3
    assert (await own(served, "GET", client, lost)).status_code == 401
    assert (await own(served, "GET", client)).status_code == 200
    assert (await own(served, "GET", client, got)).status_code == 200
    # The new one was used: the one before is over.
    assert (await own(served, "GET", client)).status_code == 401


async def test_what_the_bank_verified_is_not_verified_under_another_name(served: Served) -> None:
    client = await registered(served)
    client_id = client["client_id"]

    async def stored() -> Client:
        found = await served.desk.store.read(lambda db: reads.client(db, client_id))
        assert found is not None
        return found

    checked = msgspec.structs.replace(await stored(), verified=True)
    assert await served.desk.store.change([ChangeClient(checked)], served.clock())
    said = {**GOOD, "client_id": client_id, "contacts": ["me"]}
    assert (await own(served, "PUT", client, said=said)).status_code == 200
    assert (await stored()).verified
    renamed = {**said, "client_name": "Demo Bank"}
    assert (await own(served, "PUT", client, said=renamed)).status_code == 200
    assert not (await stored()).verified


@pytest.mark.parametrize(
    "said",
    [
        {"client_id": None},
        {"client_id": "app-confidential"},
        {"registration_access_token": "era_x"},
        {"registration_client_uri": "https://x/"},
        {"client_secret_expires_at": 1},
        {"client_id_issued_at": 1},
        {"client_secret": "ecs_chosen-by-myself"},
        {"token_endpoint_auth_method": "none"},
        {"client_name": "Ba\u202enk"},
    ],
)
async def test_a_change_that_may_not_be_is_refused(served: Served, said: dict[str, Any]) -> None:
    client = await registered(served)
    whole = {**GOOD, "client_id": client["client_id"], **said}
    no = await own(served, "PUT", client, said=whole)
    assert error(no) == (400, "invalid_client_metadata")
    assert (await own(served, "GET", client)).json()["client_name"] == "New App"


async def test_a_client_moves_from_a_secret_to_its_key_and_back(served: Served) -> None:
    client = await registered(served)
    said = {**GOOD, "client_id": client["client_id"]}
    by_key = {**said, "token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    keyed = await own(served, "PUT", client, said=by_key)
    assert keyed.status_code == 200, keyed.text
    assert not await works(served, client)
    client["registration_access_token"] = keyed.json()["registration_access_token"]
    assert (await own(served, "PUT", client, said=said)).status_code == 200
    assert await works(served, client)


@pytest.mark.spec("RFC 7592 2.3", "A client that is deleted has no grants and tokens any more")
async def test_deletion_ends_the_client_its_grants_and_its_tokens(served: Served) -> None:
    client = await registered(served, grant_types=["authorization_code", "refresh_token"])
    phone = await play.somebody(served)
    code = await play.code_for(
        served, phone, client_id=client["client_id"], scope="accounts offline_access"
    )
    auth = httpx2.BasicAuth(client["client_id"], client["client_secret"])
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    got = (await served.http.post(served.url("/token"), data=form, auth=auth)).json()
    assert await play.opens(served, got["access_token"])

    gone = await own(served, "DELETE", client)
    assert (gone.status_code, gone.content) == (204, b"")
    assert not await play.opens(served, got["access_token"])
    assert not await works(served, client)
    for method in ("GET", "PUT", "DELETE"):
        assert (await own(served, method, client, said={})).status_code == 401
    page = await play.Tab(served).open(client_id=client["client_id"])
    assert page.status_code == 400
    [connection] = await phone.connections()
    assert connection.ended_at is not None
    assert connection.client.name == "New App"
    [told] = [it for it in await phone.notices() if it.kind == "connection_ended"]
    assert told.client_name == "New App"


async def test_each_answer_is_as_the_openapi_document_says(served: Served) -> None:
    document = await document_of(served)
    client, there = await registered(served), "/register/{client_id}"
    seen = [
        ("/register", await register(served, await invited(served))),
        ("/register", await register(served, None)),
        ("/register", await register(served, await invited(served), {"client_name": 7})),
        (there, await own(served, "GET", client)),
        (there, await own(served, "GET", client, "era_x")),
        (there, await own(served, "PUT", client, said={})),
        (there, await own(served, "DELETE", client)),
    ]
    assert [problem for path, answer in seen for problem in problems(document, path, answer)] == []


async def test_the_metadata_names_the_endpoint(served: Served) -> None:
    told = (await served.http.get(served.url("/.well-known/oauth-authorization-server"))).json()
    assert told["registration_endpoint"] == served.url("/register")


async def test_no_client_makes_itself_an_api_of_the_bank_or_lets_itself_ask_for_payments(
    served: Served,
) -> None:
    mine: dict[str, Any] = {
        "resource_server": True,
        "access_token_format": "at+jwt",
        "vouched_by": "me",
        "authorization_details_types": ["account_information", "payment_initiation"],
    }
    client = await registered(served, **mine)
    assert not set(mine) & set(client)
    store, client_id = served.desk.store, client["client_id"]

    async def metadata() -> Any:
        found = await store.read(lambda db: reads.client(db, client_id))
        assert found is not None
        return found

    before = await metadata()
    assert not before.metadata.resource_server
    assert before.metadata.access_token_format == "opaque"
    assert before.metadata.authorization_details_types == ("account_information",)
    # What the bank decided stays, whatever the client says of itself later.
    banks = msgspec.structs.replace(before.metadata, resource_server=True)
    await store.change([ChangeClient(msgspec.structs.replace(before, metadata=banks))], 0)
    said = {**GOOD, **mine, "client_id": client_id, "resource_server": False}
    answer = await own(served, "PUT", client, said=said)
    assert answer.status_code == 200, answer.text
    after = await metadata()
    assert after.metadata.resource_server
    assert (after.metadata.access_token_format, after.metadata.vouched_by) == ("opaque", "")
    assert after.metadata.authorization_details_types == ("account_information",)
