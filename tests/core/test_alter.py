"""A request that names a grant: who may, what is signed, and what becomes of the grant."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from endorse.core import alter, approve, asked, authorize, consent, grants, redeem, ways
from endorse.core.change import Amend, MakeGrant, MakeToken, Notify, VoidRefresh
from endorse.core.model import Client, Grant, Journey, Phone, Request
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import ANNA, BEN, CLIENT, KEY, LAW, NOW, OTHER_CLIENT, PUBLIC, TERMS, done

GRANT = msgspec.structs.replace(
    scene.granted(seed="before")[1], scope=("accounts", "balances", "offline_access"), generation=4
)
MERGE = msgspec.structs.replace(
    scene.REQUEST,
    scope=("accounts", "transactions"),
    grant_action="merge",
    grant_id=GRANT.grant_id,
)
REPLACE = msgspec.structs.replace(MERGE, grant_action="replace")
LATER = NOW + 100


def read(client: Client = CLIENT, **sent: str) -> Request | Refusal:
    """What a request with these parameters asks."""
    params = scene.params(response_type="code", scope="accounts", **sent)
    return asked.read(params, client, scene.REQUEST.returns_to, scene.ISSUER, LAW)


def reached(request: Request, grant: Grant = GRANT, *chosen: str) -> Journey:
    """A journey whose document Anna reads, with these accounts chosen."""
    waiting = scene.waiting(request)
    held = done(claimed(waiting, ANNA, grant))
    matched = done(approve.match(held, ANNA, held.number, scene.NOTHING, NOW, LAW, grant))
    return done(scene.chosen(matched, *chosen, grant=grant))


def claimed(journey: Journey, phone: Phone, grant: Grant | None, now: int = NOW) -> Any:
    """A phone's claim of a journey that would change this grant."""
    handle = ways.read(scene.frame_of(journey, now=now), scene.ISSUER)
    fresh = scene.fresh_from("claim")
    return approve.claim(
        handle, journey, phone, scene.NOTHING, scene.GREEN, TERMS, now, fresh, grant
    )


def redirected(journey: Journey, grant: Grant = GRANT) -> Journey:
    """The journey approved, with its code given out."""
    over = scene.assertion_over(journey)
    approved = done(approve.approve(journey, ANNA, scene.NOTHING, over, TERMS, NOW, grant))
    [move, *_] = authorize.reply(approved, NOW, KEY, scene.ISSUER, LAW).changes
    after: Journey = getattr(move, "after")  # noqa: B009 - a Move, whose type is not told here
    return after


def redeemed(request: Request, grant: Grant = GRANT, *chosen: str) -> tuple[Any, ...]:
    """The tokens of a request that changes a grant, and the changes."""
    decision = scene.redemption(redirected(reached(request, grant, *chosen), grant), before=grant)
    return done(decision), *decision.changes


def says(journey: Journey) -> dict[str, Any]:
    """The consent document as a plain reader reads it."""
    said: dict[str, Any] = json.loads(journey.document or "")
    return said


# --- what a client may ask -------------------------------------------------------------------


def test_an_action_and_a_grant_are_read_and_written_again() -> None:
    request = read(grant_management_action="merge", grant_id="g" * 22)
    assert isinstance(request, Request)
    assert (request.grant_action, request.grant_id) == ("merge", "g" * 22)
    assert (
        asked.read(scene.query(asked.query(request)), CLIENT, request.returns_to, scene.ISSUER, LAW)
        == request
    )


@pytest.mark.parametrize(
    ("action", "grant_id"),
    [("create", "g"), ("merge", ""), ("replace", ""), ("", "g"), ("update", "g"), ("MERGE", "g")],
)
def test_an_action_without_its_grant_or_with_one_too_many_is_an_invalid_request(
    action: str, grant_id: str
) -> None:
    named = {"grant_management_action": action, "grant_id": grant_id}
    no = read(CLIENT, **{name: it for name, it in named.items() if it})
    assert isinstance(no, Refusal)
    assert (no.name, no.error) == ("grant_action_wrong", "invalid_request")


def test_a_public_client_has_no_grant_management() -> None:
    no = read(
        PUBLIC,
        grant_management_action="create",
        code_challenge=scene.WITH_PKCE.code_challenge or "",
        code_challenge_method="S256",
    )
    assert isinstance(no, Refusal)
    assert (no.name, no.error) == ("grant_management_confidential", "invalid_request")


@pytest.mark.parametrize(
    "grant",
    [
        None,
        msgspec.structs.replace(GRANT, client_id=OTHER_CLIENT.client_id),
        msgspec.structs.replace(GRANT, ended_at=NOW),
        msgspec.structs.replace(GRANT, expires_at=NOW),
    ],
)
def test_unknown_ended_and_another_clients_are_one_answer(grant: Grant | None) -> None:
    no = alter.unnamed(MERGE, grant, CLIENT, NOW)
    assert no is not None
    assert (no.name, no.error, no.told) == (
        "grant_id_not_good",
        "invalid_grant_id",
        alter.GRANT_NOT_GOOD.told,
    )


def test_a_merge_cannot_bring_back_a_scope_that_the_client_lost() -> None:
    poorer = msgspec.structs.replace(CLIENT, scope=("accounts", "transactions"))
    assert alter.unnamed(MERGE, GRANT, poorer, NOW) is not None
    assert alter.unnamed(REPLACE, GRANT, poorer, NOW) is None
    assert alter.unnamed(MERGE, GRANT, CLIENT, NOW) is None


def test_a_change_is_asked_by_scope_alone() -> None:
    sent = {"grant_management_action": "merge", "grant_id": "g" * 22}
    assert alter.problem(scene.params(**sent), CLIENT) is None
    no = alter.problem(scene.params(**sent, authorization_details="[]"), CLIENT)
    assert no is not None
    assert (no.name, no.error) == ("grant_change_by_details", "invalid_request")
    # Also by the whole request, where the details are good by themselves.
    details = '[{"type":"account_information","actions":["list_accounts"]}]'
    query = scene.params(response_type="code", authorization_details=details, **sent)
    whole = asked.read(query, CLIENT, scene.REQUEST.returns_to, scene.ISSUER, LAW)
    assert isinstance(whole, Refusal)
    assert whole.name == "grant_change_by_details"


def test_what_was_given_in_detail_is_never_changed() -> None:
    detailed = msgspec.structs.replace(GRANT, authorization_details=("a payment",))
    no = alter.unnamed(MERGE, detailed, CLIENT, NOW)
    assert no is not None
    assert no.error == "invalid_grant_id"


# --- who may take it -------------------------------------------------------------------------


def test_another_persons_phone_is_refused_and_leaves_the_journey_to_the_right_one() -> None:
    journey = scene.waiting(MERGE)
    refused = claimed(journey, BEN, GRANT)
    assert scene.refused(refused).name == "connection_of_another"
    assert refused.changes == ()
    assert "anna" not in scene.refused(refused).told.lower()
    assert done(claimed(journey, ANNA, GRANT)).person_id == "anna"


def test_another_persons_passkey_on_the_page_is_refused_as_well() -> None:
    journey = msgspec.structs.replace(scene.waiting(MERGE), ways=("near",))
    taken = approve.come_near(
        journey, BEN, scene.NOTHING, scene.GREEN, NOW, scene.fresh_from("n"), LAW, GRANT
    )
    assert scene.refused(taken).name == "connection_of_another"
    assert taken.changes == ()


def test_a_named_grant_that_is_not_looked_up_lets_nobody_in() -> None:
    assert scene.refused(claimed(scene.waiting(MERGE), ANNA, None)).name == "connection_of_another"


def test_a_grant_that_ended_meanwhile_stops_each_step_of_the_phone() -> None:
    over = msgspec.structs.replace(GRANT, ended_at=NOW)
    waiting = scene.waiting(MERGE)
    assert scene.refused(claimed(waiting, ANNA, over)).name == "connection_ended"
    held = done(claimed(waiting, ANNA, GRANT))
    late = approve.match(held, ANNA, held.number, scene.NOTHING, NOW, LAW, over)
    assert (scene.refused(late).name, late.changes) == ("connection_ended", ())
    matched = done(approve.match(held, ANNA, held.number, scene.NOTHING, NOW, LAW, GRANT))
    assert scene.refused(scene.chosen(matched, "acc-2", grant=over)).name == "connection_ended"
    assert scene.refused(approve.edit(matched, ANNA, NOW, LAW, over)).name == "connection_ended"


# --- what is signed --------------------------------------------------------------------------


def test_a_merge_is_signed_as_the_whole_that_there_will_be() -> None:
    said = says(reached(MERGE, GRANT, "acc-2", "acc-1"))
    assert said["merges"] == GRANT.grant_id
    assert said["revision"] == GRANT.revision + 1
    assert [it["resourceId"] for it in said["accounts"]] == ["acc-1", "acc-3", "acc-2"]
    assert said["scope"] == ["accounts", "balances", "transactions", "offline_access"]
    assert said["recurring"] is True
    assert {"replaces", "renews"}.isdisjoint(said)


def test_a_merge_never_ends_sooner_than_the_grant_did() -> None:
    long = msgspec.structs.replace(GRANT, expires_at=NOW + LAW.grant_at_most)
    said = says(reached(MERGE, long))
    assert said["valid_until"] == consent.timestamp(NOW + LAW.grant_at_most)


def test_a_merge_may_choose_no_account_more() -> None:
    said = says(reached(MERGE))
    assert [it["resourceId"] for it in said["accounts"]] == ["acc-1", "acc-3"]


def test_a_replacement_is_signed_as_what_is_asked_alone() -> None:
    said = says(reached(REPLACE, GRANT, "acc-2"))
    assert (said["replaces"], said["revision"]) == (GRANT.grant_id, GRANT.revision + 1)
    assert [it["resourceId"] for it in said["accounts"]] == ["acc-2"]
    assert (said["scope"], said["recurring"]) == (["accounts", "transactions"], False)
    assert {"merges", "renews"}.isdisjoint(said)


def test_a_replacement_needs_an_account_and_only_ones_of_the_person() -> None:
    held = done(claimed(scene.waiting(REPLACE), ANNA, GRANT))
    matched = done(approve.match(held, ANNA, held.number, scene.NOTHING, NOW, LAW, GRANT))
    assert scene.refused(scene.chosen(matched, grant=GRANT)).name == "accounts_not_accepted"
    foreign = scene.chosen(matched, "acc-of-ben", grant=GRANT)
    assert scene.refused(foreign).name == "accounts_not_accepted"


# --- what becomes of the grant ---------------------------------------------------------------


def test_a_merge_gives_more_by_the_same_grant_and_voids_refresh_tokens() -> None:
    tokens, _, amend, void, token, told, *_ = redeemed(MERGE, GRANT, "acc-2")
    assert isinstance(amend, Amend)
    after = amend.after
    assert (after.grant_id, after.created_at) == (GRANT.grant_id, GRANT.created_at)
    assert [it.resource_id for it in after.accounts] == ["acc-1", "acc-3", "acc-2"]
    assert after.scope == ("accounts", "balances", "transactions", "offline_access")
    assert (after.revision, after.tokens_from) == (GRANT.revision + 1, 0)
    assert (after.generation, after.voided) == (5, 4)
    assert void == VoidRefresh(GRANT.grant_id, 4, NOW)
    assert isinstance(token, MakeToken)
    assert (token.token.grant_id, token.token.revision) == (GRANT.grant_id, after.revision)
    assert isinstance(told, Notify)
    assert told.notice.kind == "connection_changed"
    assert tokens.grant_id == GRANT.grant_id
    held = redeem.read_refresh_token(tokens.refresh_token.reveal(), KEY)
    assert held == redeem.RefreshToken(GRANT.grant_id, 5)
    assert amend.evidence.number == after.revision
    assert json.loads(amend.evidence.signed)["merges"] == GRANT.grant_id


def test_a_replacement_gives_what_was_signed_alone_and_kills_access_tokens() -> None:
    tokens, _, amend, _, token, *_ = redeemed(REPLACE, GRANT, "acc-2")
    after = amend.after
    assert [it.resource_id for it in after.accounts] == ["acc-2"]
    assert after.scope == ("accounts", "transactions")
    assert {it.resource_id for it in after.removed} == {"acc-1", "acc-3"}
    assert after.tokens_from == after.revision == token.token.revision
    assert tokens.refresh_token is None
    assert after.expires_at == NOW + LAW.access_token


def test_an_account_that_comes_back_is_no_longer_among_the_removed() -> None:
    narrow = grants.narrow(GRANT, ANNA, ["acc-3"], "body", "proof", NOW)
    narrowed = done(narrow)
    assert [it.resource_id for it in narrowed.removed] == ["acc-1"]
    _, _, amend, *_ = redeemed(MERGE, narrowed, "acc-1")
    assert amend.after.removed == ()


def test_only_a_request_that_asks_for_it_is_told_the_grant() -> None:
    assert scene.granted()[0].grant_id == ""
    create = msgspec.structs.replace(scene.REQUEST, grant_action="create")
    tokens, grant = scene.granted(create)
    assert tokens.grant_id == grant.grant_id != ""


def test_a_create_makes_a_grant_beside_the_one_that_there_is() -> None:
    create = msgspec.structs.replace(scene.REQUEST, grant_action="create")
    decision = scene.redemption(scene.redirected(create))
    assert any(isinstance(it, MakeGrant) for it in decision.changes)


@pytest.mark.parametrize("request_", [MERGE, REPLACE])
def test_of_two_changes_at_once_the_second_is_refused(request_: Request) -> None:
    journey = redirected(reached(request_, GRANT, "acc-2"))
    _, _, amend, *_ = redeemed(MERGE, GRANT)
    late = scene.redemption(journey, before=amend.after)
    assert (scene.refused(late).name, scene.refused(late).error) == (
        "grant_changed",
        "invalid_grant",
    )
    assert late.changes == ()


def test_an_account_that_was_taken_away_meanwhile_does_not_come_back() -> None:
    journey = reached(MERGE)
    narrowed = done(grants.narrow(GRANT, ANNA, ["acc-3"], "body", "proof", NOW))
    over = scene.assertion_over(journey)
    late = approve.approve(journey, ANNA, scene.NOTHING, over, TERMS, NOW, narrowed)
    assert (scene.refused(late).name, late.changes) == ("connection_changed", ())
    approved = redirected(journey)
    assert scene.refused(scene.redemption(approved, before=narrowed)).name == "grant_changed"


@pytest.mark.parametrize(
    "grant",
    [
        None,
        msgspec.structs.replace(GRANT, ended_at=NOW),
        msgspec.structs.replace(GRANT, person_id="ben"),
        msgspec.structs.replace(GRANT, client_id=OTHER_CLIENT.client_id),
    ],
)
def test_a_code_changes_no_grant_that_ended_or_is_not_its_own(grant: Grant | None) -> None:
    decision = scene.redemption(redirected(reached(MERGE)), before=grant)
    assert scene.refused(decision).name == "grant_changed"
    assert decision.changes == ()


# --- refresh tokens of before ----------------------------------------------------------------


def refreshed(generation: int, grant: Grant) -> Any:
    """The refresh by the token of a generation."""
    token = redeem.RefreshToken(grant.grant_id, generation)
    params = scene.params(refresh_token="er_something")
    return redeem.refresh(params, CLIENT, token, grant, KEY, NOW, scene.fresh_from("f"), LAW)


@pytest.mark.parametrize("generation", [1, 3, 4])
def test_a_refresh_token_of_before_is_void_and_ends_nothing(generation: int) -> None:
    _, _, amend, *_ = redeemed(MERGE, GRANT)
    decision = refreshed(generation, amend.after)
    assert scene.refused(decision).error == "invalid_grant"
    assert decision.changes == ()


def test_reuse_after_the_change_ends_the_grant_as_ever() -> None:
    _, _, amend, *_ = redeemed(MERGE, GRANT)
    after = amend.after
    assert not isinstance(refreshed(5, after).answer, Refusal)
    rotated = msgspec.structs.replace(after, generation=7, rotated_at=NOW)
    stolen = refreshed(5, rotated)
    assert scene.refused(stolen).name == "refresh_token_not_good"
    assert len(stolen.changes) == 2
