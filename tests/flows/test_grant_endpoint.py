"""A client looks at a grant and ends it, by a token for itself (Grant Management 6)."""

from __future__ import annotations

import pytest

from tests.flows import play
from tests.flows.managing import (
    another_client,
    connected,
    managed,
    own_token,
    sent_back,
    the_connection,
)
from tests.serving import Served

pytestmark = pytest.mark.anyio


# --- the endpoint ----------------------------------------------------------------------------


async def test_a_client_looks_at_its_grant(served: Served) -> None:
    phone, tokens, ids = await connected(served)
    answer = await managed(served, "GET", tokens["grant_id"], "grant_management_query")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["scopes"] == [{"scope": "accounts offline_access"}]
    assert said["accounts"] == [{"resourceId": ids[0]}]
    connection = await the_connection(phone)
    assert said["expires_at"] == connection.valid_until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert phone.person is not None
    assert phone.person.name not in answer.text


async def test_a_client_ends_its_grant_with_all_tokens(served: Served) -> None:
    phone, tokens, _ = await connected(served)
    answer = await managed(served, "DELETE", tokens["grant_id"], "grant_management_revoke")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await play.opens(served, tokens["access_token"])
    assert (await play.refresh(served, tokens["refresh_token"])).status_code == 400
    assert (await the_connection(phone)).ended_by == "client"
    again = await managed(served, "DELETE", tokens["grant_id"], "grant_management_revoke")
    assert (again.status_code, again.json()["error"]) == (404, "not_found")


async def test_to_another_client_the_grant_does_not_exist(served: Served) -> None:
    phone, tokens, _ = await connected(served)
    form = {
        "grant_type": "client_credentials",
        "scope": "grant_management_query grant_management_revoke",
    }
    await own_token(served, "grant_management_query")
    other = await another_client(served)
    got = await served.http.post(served.url("/token"), data=form, auth=other.basic)
    stranger = got.json()["access_token"]
    for method in ("GET", "DELETE"):
        foreign = await managed(served, method, tokens["grant_id"], token=stranger)
        unknown = await managed(served, method, "g" * 22, token=stranger)
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json() == unknown.json()
    assert (await the_connection(phone)).ended_at is None


@pytest.mark.parametrize(
    ("method", "scope"), [("GET", "grant_management_revoke"), ("DELETE", "grant_management_query")]
)
async def test_a_token_for_the_other_call_is_not_enough(
    served: Served, method: str, scope: str
) -> None:
    _, tokens, _ = await connected(served)
    answer = await managed(served, method, tokens["grant_id"], scope)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def test_a_persons_token_manages_nothing_and_no_token_is_told_so(served: Served) -> None:
    _, tokens, _ = await connected(served)
    persons = await managed(served, "GET", tokens["grant_id"], token=tokens["access_token"])
    assert persons.status_code == 403
    nonsense = await managed(served, "GET", tokens["grant_id"], token="ea_nonsense")
    assert (nonsense.status_code, nonsense.json()["error"]) == (401, "invalid_token")
    bare = await served.http.get(served.url(f"/grants/{tokens['grant_id']}"))
    assert bare.status_code == 401
    assert bare.headers["www-authenticate"].startswith("Bearer")


# --- tokens of a client for itself -----------------------------------------------------------


async def test_a_client_token_is_for_what_it_names_and_opens_no_account(served: Served) -> None:
    answer = await own_token(served, "grant_management_revoke")
    assert answer.json()["scope"] == "grant_management_revoke"
    # Who names none gets the one that is of no grant.
    body = (await own_token(served, "")).json()
    assert body["scope"] == "directory"
    assert body["expires_in"] == served.desk.law.access_token
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    accounts = await play.bank(served, "/v1/accounts", body["access_token"])
    assert accounts.status_code == 403
    served.clock.move(served.desk.law.access_token)
    late = await managed(served, "GET", "g" * 22, token=body["access_token"])
    assert late.status_code == 401


@pytest.mark.parametrize("scope", ["accounts", "grant_management_query accounts", "unknown"])
async def test_no_scope_of_a_person_is_had_without_the_person(served: Served, scope: str) -> None:
    answer = await own_token(served, scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_public_client_gets_no_token_for_itself(served: Served) -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": "grant_management_query",
        "client_id": served.public_app.client_id,
    }
    answer = await served.http.post(served.url("/token"), data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_no_person_is_asked_for_a_clients_own_scope(served: Served) -> None:
    back = await sent_back(served, scope="accounts grant_management_query")
    assert back["error"] == "invalid_scope"


async def test_the_metadata_tells_what_there_is(served: Served) -> None:
    at = served.url("/.well-known/oauth-authorization-server")
    said = (await served.http.get(at)).json()
    assert said["grant_management_endpoint"] == served.url("/grants")
    wanted = ["query", "revoke", "create", "merge", "replace"]
    assert said["grant_management_actions_supported"] == wanted
    assert said["grant_management_action_required"] is False
    assert "client_credentials" in said["grant_types_supported"]
