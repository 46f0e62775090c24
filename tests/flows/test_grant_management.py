"""A client changes a connection that it names (Grant Management for OAuth 2.0)."""

from __future__ import annotations

import asyncio

import pytest

from endorse.core.policy import DAY, SCOPES
from endorse.phone import Phone, Refused
from tests.flows import play
from tests.flows.managing import (
    SOME,
    another_client,
    changed,
    connected,
    evidence_holds,
    ids_of,
    listed,
    redeemed,
    sent_back,
    the_connection,
)
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


# --- the request -----------------------------------------------------------------------------


async def test_the_grant_id_comes_when_it_is_asked_for_and_names_the_connection(
    served: Served,
) -> None:
    phone, tokens, _ = await connected(served)
    assert tokens["grant_id"] == (await the_connection(phone)).grant_id
    plain = await play.tokens(served, await play.somebody(served))
    assert "grant_id" not in plain
    assert "grant_id" not in (await play.refresh(served, tokens["refresh_token"])).json()


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "update", "grant_id": "g" * 22}, "invalid_request"),
        ({"grant_management_action": "create", "grant_id": "g" * 22}, "invalid_request"),
        ({"grant_id": "g" * 22}, "invalid_request"),
        ({"grant_management_action": "merge", "grant_id": "g" * 22}, "invalid_grant_id"),
        ({"grant_management_action": "replace", "grant_id": "no such"}, "invalid_grant_id"),
    ],
)
async def test_a_bad_request_is_refused_by_the_drafts_errors_everywhere(
    served: Served, asked: dict[str, str], error: str
) -> None:
    assert (await sent_back(served, **asked))["error"] == error
    sent = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "accounts", **asked}
    answer = await served.http.post(served.url("/par"), data=sent, auth=served.app.basic)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_another_clients_grant_and_one_that_ended_are_as_good_as_unknown(
    served: Served,
) -> None:
    phone, tokens, _ = await connected(served)
    named = {"grant_management_action": "merge", "grant_id": tokens["grant_id"]}
    other = (await another_client(served)).client_id
    answers = [await sent_back(served, client_id=other, **named)]
    await phone.end(tokens["grant_id"])
    answers.append(await sent_back(served, **named))
    answers.append(await sent_back(served, **{**named, "grant_id": "g" * 22}))
    assert [it["error"] for it in answers] == ["invalid_grant_id"] * 3
    assert len({it["error_description"] for it in answers}) == 1


async def test_a_pushed_request_is_looked_at_again_when_the_page_opens(served: Served) -> None:
    phone, tokens, _ = await connected(served)
    sent = {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "accounts",
        "grant_management_action": "merge",
        "grant_id": tokens["grant_id"],
    }
    answer = await served.http.post(served.url("/par"), data=sent, auth=served.app.basic)
    uri = answer.json()["request_uri"]
    at = served.url("/auth")
    params = {"client_id": served.app.client_id, "request_uri": uri}
    assert (await served.http.get(at, params=params)).status_code == 200
    await phone.end(tokens["grant_id"])
    back = play.answered(await served.http.get(at, params=params))
    assert back["error"] == "invalid_grant_id"


# --- the phone -------------------------------------------------------------------------------


async def test_the_phone_is_told_what_the_connection_gives_and_what_it_will(
    served: Served,
) -> None:
    phone, tokens, ids = await connected(served)
    named = {"grant_management_action": "merge", "grant_id": tokens["grant_id"]}
    tab = await play.begun(served, scope="balances", **named)
    journey = (await play.claimed(tab, phone)).journey
    asked = await play.matched(tab, phone, journey)
    assert asked.changes is not None
    assert (asked.changes.how, asked.changes.grant_id) == ("merge", tokens["grant_id"])
    assert asked.changes.scope == ("accounts", "offline_access")
    assert asked.changes.kept == {ids[0]}
    assert asked.scope == ("accounts", "balances", "offline_access")
    assert asked.recurring
    review = await phone.review(journey, ids[1:2], changes=asked.changes)
    assert review.consent.merges == tokens["grant_id"]
    again = await phone.edit(journey)
    assert again.changes == asked.changes


async def test_another_persons_phone_is_refused_and_the_right_one_goes_on(served: Served) -> None:
    phone, tokens, ids = await connected(served)
    stranger = await play.somebody(served)
    named = {"grant_management_action": "replace", "grant_id": tokens["grant_id"]}
    tab = await play.begun(served, scope=SOME, **named)
    with pytest.raises(Refused) as refused:
        await stranger.claim(await tab.frame())
    assert refused.value.code == "connection_of_another"
    assert await tab.state() == "waiting"
    await phone.approve(await play.reviewed(tab, phone, ids[1:2]))
    await redeemed(served, tab)
    assert ids_of(await the_connection(phone)) == ids[1:2]


# --- what becomes of it ----------------------------------------------------------------------


async def test_a_merge_adds_to_the_connection_that_there_is(served: Served) -> None:
    phone, before, ids = await connected(served)
    served.clock.move(1)
    after = await changed(
        served, phone, before["grant_id"], "merge", ids[1], scope="balances transactions"
    )
    connection = await the_connection(phone)
    assert connection.grant_id == before["grant_id"] == after["grant_id"]
    assert ids_of(connection) == ids[:2]
    assert connection.scope == SCOPES
    assert after["scope"].split() == list(SCOPES)
    assert await listed(served, after["access_token"]) == set(ids[:2])
    # The token of before goes on within what the connection gives, by its own scope.
    assert await listed(served, before["access_token"]) == set(ids[:2])
    balances = f"/v1/accounts/{ids[0]}/balances"
    assert (await play.bank(served, balances, before["access_token"])).status_code == 403
    assert (await play.bank(served, balances, after["access_token"])).status_code == 200
    assert [it.kind for it in await phone.notices()][:1] == ["connection_changed"]


async def test_a_replacement_gives_something_else_and_kills_the_tokens_of_before(
    served: Served,
) -> None:
    phone, before, ids = await connected(served, "accounts balances offline_access")
    after = await changed(served, phone, before["grant_id"], "replace", ids[1])
    connection = await the_connection(phone)
    assert (connection.grant_id, connection.scope) == (
        before["grant_id"],
        ("accounts", "offline_access"),
    )
    assert [it.resource_id for it in connection.removed] == [ids[0]]
    assert await listed(served, after["access_token"]) == {ids[1]}
    assert not await play.opens(served, before["access_token"])


@pytest.mark.parametrize("how", ["merge", "replace"])
async def test_refresh_tokens_of_before_are_void_and_end_nothing(served: Served, how: str) -> None:
    phone, before, ids = await connected(served)
    after = await changed(served, phone, before["grant_id"], how, ids[1])
    old = await play.refresh(served, before["refresh_token"])
    assert (old.status_code, old.json()["error"]) == (400, "invalid_grant")
    new = await play.refresh(served, after["refresh_token"])
    assert new.status_code == 200
    assert await play.opens(served, new.json()["access_token"])


async def test_a_merge_makes_it_last_longer_and_never_shorter(served: Served) -> None:
    phone, before, _ = await connected(served)
    until = (await the_connection(phone)).valid_until
    await changed(served, phone, before["grant_id"], "merge", scope="accounts")
    assert (await the_connection(phone)).valid_until == until
    served.clock.move(10 * DAY)
    await phone.sign_in()
    await changed(served, phone, before["grant_id"], "merge", scope="accounts")
    assert (await the_connection(phone)).valid_until > until


async def test_evidence_holds_after_merge_renewal_narrowing_and_replacement(
    served: Served,
) -> None:
    phone, tokens, ids = await connected(served)
    grant_id = tokens["grant_id"]
    await changed(served, phone, grant_id, "merge", *ids[1:], scope="balances")
    await phone.narrow(grant_id, ids[:2])
    served.clock.move(DAY)
    await phone.sign_in()
    await phone.approve_renewal(await phone.renew(await the_connection(phone)))
    await changed(served, phone, grant_id, "replace", ids[2])
    assert await evidence_holds(served, phone, grant_id) == 5


async def test_a_replayed_code_of_a_merge_ends_the_connection(served: Served) -> None:
    phone, tokens, ids = await connected(served)
    named = {"grant_management_action": "merge", "grant_id": tokens["grant_id"]}
    code = await play.code_for(served, phone, ids[1:2], scope=SOME, **named)
    assert (await play.redeem(served, code)).status_code == 200
    assert (await play.redeem(served, code)).json()["error"] == "invalid_grant"
    assert (await the_connection(phone)).ended_at is not None


# --- races -----------------------------------------------------------------------------------


async def two_codes(served: Served, phone: Phone, grant_id: str, *accounts: str) -> list[str]:
    """Codes of two merges, each of which adds one account."""
    named = {"grant_management_action": "merge", "grant_id": grant_id}
    return [await play.code_for(served, phone, [one], scope=SOME, **named) for one in accounts]


async def test_of_two_merges_at_once_one_counts(served: Served) -> None:
    phone, tokens, ids = await connected(served)
    codes = await two_codes(served, phone, tokens["grant_id"], ids[1], ids[2])
    answers = await asyncio.gather(*(play.redeem(served, code) for code in codes))
    assert sorted(it.status_code for it in answers) == [200, 400]
    [refused] = [it.json() for it in answers if it.status_code == 400]
    assert refused["error"] == "invalid_grant"
    assert refused["error_uri"].endswith("/errors/grant_changed")
    won = ids[1] if answers[0].status_code == 200 else ids[2]
    assert ids_of(await the_connection(phone)) == (ids[0], won)


@pytest.mark.parametrize("meanwhile", ["end", "narrow", "renew"])
async def test_what_the_person_does_meanwhile_counts_and_the_merge_does_not(
    served: Served, meanwhile: str
) -> None:
    phone, tokens, ids = await connected(served)
    grant_id = tokens["grant_id"]
    await changed(served, phone, grant_id, "merge", ids[1])
    served.clock.move(DAY)
    await phone.sign_in()
    [code] = await two_codes(served, phone, grant_id, ids[2])
    before = await the_connection(phone)
    if meanwhile == "end":
        await phone.end(grant_id)
    elif meanwhile == "narrow":
        await phone.narrow(grant_id, ids[:1])
    else:
        await phone.approve_renewal(await phone.renew(before))
    answer = await play.redeem(served, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    after = await the_connection(phone)
    assert ids_of(after) == (ids[:1] if meanwhile == "narrow" else ids[:2])
    assert (after.ended_at is not None) == (meanwhile == "end")


async def test_a_merge_and_what_else_comes_at_that_moment_never_mix(served: Served) -> None:
    phone, tokens, ids = await connected(served)
    grant_id = tokens["grant_id"]
    await changed(served, phone, grant_id, "merge", ids[1])
    [code] = await two_codes(served, phone, grant_id, ids[2])
    merge, narrow = await play.together(play.redeem(served, code), phone.narrow(grant_id, ids[1:2]))
    after = ids_of(await the_connection(phone))
    merged = merge.status_code == 200
    # A narrowing that comes after names fewer than there are then, so that it counts as well.
    assert not isinstance(narrow, BaseException)
    assert after == ids[1:2]
    assert await evidence_holds(served, phone, grant_id) == (4 if merged else 3)


async def test_a_merge_and_a_refresh_at_that_moment_leave_one_refresh_token(
    served: Served,
) -> None:
    phone, before, ids = await connected(served)
    [code] = await two_codes(served, phone, before["grant_id"], ids[1])
    merge, refresh = await play.together(
        play.redeem(served, code), play.refresh(served, before["refresh_token"])
    )
    assert merge.status_code == 200
    assert refresh.status_code in (200, 400)
    if refresh.status_code == 200:
        old = await play.refresh(served, refresh.json()["refresh_token"])
        assert old.status_code == 400
    assert (await play.refresh(served, merge.json()["refresh_token"])).status_code == 200
