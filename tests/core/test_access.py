"""May this token see this account; and how grants and tokens end."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import access, grants
from endorse.core.change import Decision, EndGrant, Notify, RevokeToken
from endorse.core.model import Access, Grant
from endorse.core.notice import By, Connected, Kind, of_connection
from endorse.core.redeem import RefreshToken
from tests.core import scene
from tests.core.scene import ANNA, BEN, CLIENT, NOW, OTHER_CLIENT

OPEN = Access(
    grant_id="grant",
    client_id="app",
    person_id="anna",
    scope=("accounts", "offline_access"),
    account_ids=("acc-1",),
    token_expires_at=NOW + 300,
    grant_expires_at=NOW + 1000,
    ended_at=None,
    last_used_at=None,
    generation=1,
)
GRANT = scene.granted()[1]
REFRESH = RefreshToken(GRANT.grant_id, 1)


def told_of(grant_id: str, by: By = By.CLIENT, phone_id: str | None = None) -> Notify:
    """What Anna is told when this connection ends now."""
    what = Connected(grant_id, "app", "anna")
    return of_connection(Kind.CONNECTION_ENDED, what, by, NOW, phone_id)


def test_a_good_token_is_let_through() -> None:
    assert access.check(OPEN, NOW, "accounts") is None
    assert access.check(OPEN, NOW, *access.SHOWS_ACCOUNTS) is None


@pytest.mark.parametrize(
    ("opened", "now"),
    [
        pytest.param(None, NOW, id="unknown"),
        pytest.param(OPEN, NOW + 300, id="expired"),
        pytest.param(msgspec.structs.replace(OPEN, grant_expires_at=NOW), NOW, id="grant over"),
        pytest.param(msgspec.structs.replace(OPEN, ended_at=NOW - 1), NOW, id="grant ended"),
        pytest.param(
            msgspec.structs.replace(OPEN, ended_at=0), NOW, id="ended at the first second"
        ),
    ],
)
def test_a_token_that_opens_nothing_any_more_is_refused_alike(
    opened: Access | None, now: int
) -> None:
    no = access.check(opened, now, "accounts")
    assert no is not None
    assert (no.name, no.error, no.status) == ("access_token_not_good", "invalid_token", 401)


def test_a_token_is_good_until_its_last_second() -> None:
    assert access.check(OPEN, NOW + 299, "accounts") is None


@pytest.mark.parametrize("wanted", [("balances",), ("transactions", "balances"), ()])
def test_a_token_without_the_scope_is_refused(wanted: tuple[str, ...]) -> None:
    no = access.check(OPEN, NOW, *wanted)
    assert no is not None
    assert (no.error, no.status) == ("insufficient_scope", 403)


def test_an_expired_token_is_told_so_before_its_scope_is_looked_at() -> None:
    no = access.check(OPEN, NOW + 300, "balances")
    assert no is not None
    assert no.error == "invalid_token"


# --- what a client hands back ----------------------------------------------------------------


def revoke(
    opened: Access | None = None,
    refresh: RefreshToken | None = None,
    grant: Grant | None = None,
    client_id: str = "app",
) -> Decision[None]:
    """A revocation by this client, after the token was looked up as both kinds."""
    client = CLIENT if client_id == "app" else OTHER_CLIENT
    sent = scene.params(token="a token")
    return access.revoke(sent, client, opened, "token hash", refresh, grant, NOW)


def test_a_refresh_token_handed_back_ends_the_grant() -> None:
    told = told_of(GRANT.grant_id, By.CLIENT)
    assert revoke(None, REFRESH, GRANT) == Decision(
        None, (EndGrant(GRANT.grant_id, "the client", NOW), told)
    )


def test_an_access_token_handed_back_leaves_a_lasting_grant() -> None:
    assert revoke(OPEN) == Decision(None, (RevokeToken("token hash", OPEN.token_expires_at),))


def test_a_narrowed_access_token_handed_back_leaves_a_lasting_grant_too() -> None:
    narrowed = msgspec.structs.replace(OPEN, scope=("accounts",), generation=3)
    assert revoke(narrowed) == Decision(None, (RevokeToken("token hash", OPEN.token_expires_at),))


def test_the_only_token_of_a_grant_handed_back_ends_the_grant() -> None:
    only = msgspec.structs.replace(OPEN, scope=("accounts",), generation=0)
    ended = EndGrant("grant", "the client", NOW)
    assert revoke(only) == Decision(
        None, (RevokeToken("token hash", OPEN.token_expires_at), ended, told_of("grant"))
    )


def test_what_has_ended_is_not_ended_again() -> None:
    over = msgspec.structs.replace(GRANT, ended_at=NOW - 5)
    assert revoke(None, REFRESH, over) == Decision(None)
    only = msgspec.structs.replace(OPEN, generation=0, ended_at=NOW - 5)
    assert revoke(only).changes == (RevokeToken("token hash", OPEN.token_expires_at),)


def test_another_clients_or_an_unknown_token_is_answered_alike_and_stays() -> None:
    answers = [
        revoke(),
        revoke(OPEN, client_id="other"),
        revoke(None, REFRESH, GRANT, client_id="other"),
        revoke(None, REFRESH, None),
    ]
    assert answers == [Decision(None)] * 4


def test_a_revocation_needs_a_token() -> None:
    decision = access.revoke(scene.params(), CLIENT, OPEN, "hash", REFRESH, GRANT, NOW)
    assert scene.refused(decision).error == "invalid_request"
    assert decision.changes == ()


# --- what a person ends ----------------------------------------------------------------------


def test_a_person_ends_a_connection_at_once() -> None:
    decision = grants.end(GRANT, ANNA, NOW)
    ended = EndGrant(GRANT.grant_id, "the account holder", NOW)
    told = told_of(GRANT.grant_id, By.PHONE, ANNA.phone_id)
    assert decision.changes == (ended, told)
    assert scene.done(decision) == GRANT


def test_a_connection_that_has_ended_stays_as_it_ended() -> None:
    over = msgspec.structs.replace(GRANT, ended_at=NOW - 5)
    assert grants.end(over, ANNA, NOW) == Decision(over)


@pytest.mark.parametrize("grant", [None, GRANT])
def test_another_persons_connection_does_not_exist(grant: Grant | None) -> None:
    decision = grants.end(grant, BEN, NOW)
    assert (scene.refused(decision).status, decision.changes) == (404, ())
