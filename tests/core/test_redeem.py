"""From a code to tokens, and from a refresh token to the next."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import redeem
from endorse.core.change import (
    Change,
    Decision,
    EndGrant,
    KnowBrowser,
    MakeGrant,
    MakeToken,
    Move,
    Notify,
    Rotate,
)
from endorse.core.coding import b64url, fingerprint, from_b64url
from endorse.core.journey import State
from endorse.core.model import Client, Grant, Journey
from endorse.core.notice import By
from endorse.core.redeem import RefreshToken, Tokens
from tests.core import scene
from tests.core.scene import ANNA, CALLBACK, CLIENT, KEY, LAW, NOW, OTHER_CLIENT, VERIFIER

T = 300


def redeemed(grant_id: str = "grant") -> Journey:
    """A journey whose code was used."""
    journey = scene.redirected()
    return msgspec.structs.replace(journey, state=State.REDEEMED, grant_id=grant_id)


def made(changes: tuple[Change, ...]) -> tuple[Move, MakeGrant, MakeToken]:
    """The changes of a redemption, but for the notice of it and the browser known from it."""
    move, grant, token, told = (it for it in changes if not isinstance(it, KnowBrowser))
    assert isinstance(told, Notify)
    assert isinstance(move, Move)
    assert isinstance(grant, MakeGrant)
    assert isinstance(token, MakeToken)
    return move, grant, token


# --- a code ----------------------------------------------------------------------------------


def test_a_code_gives_tokens_a_grant_and_is_used_up_in_one_decision() -> None:
    journey = scene.redirected()
    decision = scene.redemption(journey)
    tokens = scene.done(decision)
    move, grant, token = made(decision.changes)
    assert (move.before, move.after.state) == (journey, State.REDEEMED)
    assert move.after.grant_id == grant.grant.grant_id == token.token.grant_id
    assert token.token.token_hash == fingerprint(tokens.access_token.reveal())
    assert (tokens.expires_in, token.token.expires_at) == (T, NOW + T)
    assert tokens.scope == token.token.scope == journey.request.scope


def test_no_token_is_in_what_is_stored() -> None:
    decision = scene.redemption(scene.redirected())
    tokens = scene.done(decision)
    assert tokens.refresh_token is not None
    stored = msgspec.json.encode(decision.changes).decode()
    assert tokens.access_token.reveal() not in stored
    assert tokens.refresh_token.reveal() not in stored
    assert scene.code_of(scene.redirected()) not in stored


def test_the_grant_holds_exactly_what_the_signed_document_says() -> None:
    # Everything else that could name scope, accounts or end says something different.
    journey = scene.redirected()
    wider = msgspec.structs.replace(journey.request, scope=("accounts",))
    tampered = msgspec.structs.replace(journey, request=wider)
    client = msgspec.structs.replace(CLIENT, duration=1, scope=("balances",))
    _, made_grant, _ = made(scene.redemption(tampered, NOW + 7, client).changes)
    grant = made_grant.grant
    assert grant.scope == scene.REQUEST.scope
    assert grant.accounts == (scene.CURRENT, scene.DOLLARS)
    assert grant.expires_at == NOW + 90 * 86400
    signed = made_grant.evidence
    assert (signed.signed, signed.signature) == (journey.document, journey.assertion)
    assert (signed.grant_id, signed.number, signed.kind) == (grant.grant_id, 1, "consent")
    assert (signed.credential_id, signed.public_key) == (ANNA.credential_id, ANNA.public_key)
    assert (grant.person_id, grant.phone_id, grant.client_id) == ("anna", "phone-anna", "app")
    assert (grant.created_at, grant.generation, grant.rotated_at) == (NOW + 7, 1, NOW + 7)


def test_without_offline_access_the_grant_ends_with_its_access_token() -> None:
    tokens, grant = scene.granted(scene.ONCE)
    assert tokens.refresh_token is None
    assert grant.generation == 0
    assert grant.expires_at == NOW + T
    assert grant.live(NOW + T - 1)
    assert not grant.live(NOW + T)


def test_no_access_token_outlives_its_grant() -> None:
    journey = scene.redirected()
    document = (journey.document or "").replace("2027-04-15T08:00:00Z", "2027-01-15T08:01:40Z")
    assert document != journey.document
    short = msgspec.structs.replace(journey, document=document)
    tokens = scene.done(scene.redemption(short))
    assert tokens.expires_in == 100


@pytest.mark.parametrize(
    ("journey", "sent"),
    [
        pytest.param(None, {}, id="unknown code"),
        pytest.param(scene.redirected(), {"redirect_uri": CALLBACK + "/"}, id="other uri"),
        pytest.param(
            scene.redirected(), {"redirect_uri": CLIENT.redirect_uris[1]}, id="other registered uri"
        ),
        pytest.param(scene.redirected(), {"code_verifier": VERIFIER}, id="downgrade"),
        pytest.param(scene.redirected(scene.WITH_PKCE), {}, id="no verifier"),
        pytest.param(
            scene.redirected(scene.WITH_PKCE), {"code_verifier": VERIFIER[:-1]}, id="bad verifier"
        ),
        pytest.param(scene.approved(), {}, id="never handed out"),
        pytest.param(scene.waiting(), {}, id="waiting"),
        pytest.param(scene.ended(scene.redirected(), State.KILLED), {}, id="killed"),
    ],
)
def test_every_bad_code_is_refused_alike_and_changes_nothing(
    journey: Journey | None, sent: dict[str, str]
) -> None:
    values = {"code": "ec_x", "redirect_uri": CALLBACK, **sent}
    decision = redeem.code(
        scene.params(**values),
        CLIENT,
        redeem.Approval(journey, ANNA),
        KEY,
        NOW,
        scene.fresh_from("r"),
        LAW,
    )
    no = scene.refused(decision)
    assert (no.name, no.error, no.status) == ("code_not_good", "invalid_grant", 400)
    assert decision.changes == ()


def test_a_code_of_another_client_is_refused_and_stays_good() -> None:
    decision = scene.redemption(scene.redirected(), client=OTHER_CLIENT)
    assert scene.refused(decision).name == "code_not_good"
    assert decision.changes == ()


def test_another_client_that_replays_a_used_code_ends_nothing() -> None:
    decision = scene.redemption(redeemed(), client=OTHER_CLIENT)
    assert scene.refused(decision).name == "code_not_good"
    assert decision.changes == ()


def test_a_code_is_good_for_sixty_seconds() -> None:
    journey = scene.redirected()
    assert scene.redemption(journey, NOW + 59).changes
    late = scene.redemption(journey, NOW + 60)
    assert scene.refused(late).name == "code_not_good"
    assert late.changes == ()


@pytest.mark.parametrize("later", [0, 60, 86_000])
def test_a_second_use_of_a_code_ends_the_grant(later: int) -> None:
    decision = scene.redemption(redeemed(), NOW + later)
    assert scene.refused(decision).name == "code_not_good"
    ended, told = decision.changes
    assert ended == EndGrant("grant", "replay of its code", NOW + later)
    assert isinstance(told, Notify)
    assert (told.notice.person_id, told.notice.by) == ("anna", By.MISUSE)


def test_a_second_use_ends_the_grant_whatever_else_is_sent() -> None:
    decision = scene.redemption(
        redeemed(), redirect_uri="https://evil.example", code_verifier="x" * 43
    )
    assert [type(change) for change in decision.changes] == [EndGrant, Notify]


@pytest.mark.parametrize("name", ["code", "redirect_uri"])
def test_a_redemption_needs_code_and_redirect_uri(name: str) -> None:
    sent = {"code": "ec_x", "redirect_uri": CALLBACK}
    del sent[name]
    decision = redeem.code(
        scene.params(**sent),
        CLIENT,
        redeem.Approval(redeemed(), ANNA),
        KEY,
        NOW,
        scene.fresh_from("r"),
        LAW,
    )
    no = scene.refused(decision)
    assert (no.error, name in no.told) == ("invalid_request", True)


def test_the_verifier_of_the_challenge_is_accepted() -> None:
    journey = scene.redirected(scene.WITH_PKCE)
    made(scene.redemption(journey, code_verifier=VERIFIER).changes)


def test_a_journey_without_a_signed_document_is_a_bug_and_never_a_grant() -> None:
    journey = msgspec.structs.replace(scene.redirected(), assertion=None)
    with pytest.raises(AssertionError, match="signed document"):
        scene.redemption(journey)


# --- a refresh token -------------------------------------------------------------------------

TOKENS, GRANT = scene.granted()


def token_of(grant: Grant, generation: int | None = None) -> str:
    """The refresh token of this grant and generation, as the server makes it."""
    shown = GRANT if generation is None else msgspec.structs.replace(grant, generation=generation)
    assert shown.grant_id == grant.grant_id
    tokens = redeem._with_refresh(TOKENS, shown, KEY)
    assert tokens.refresh_token is not None
    return tokens.refresh_token.reveal()


def refresh(
    grant: Grant | None,
    generation: int = 1,
    now: int = NOW + 100,
    client: Client = CLIENT,
    scope: str = "",
) -> Decision[Tokens]:
    """A refresh with the token of this generation."""
    text = token_of(GRANT, generation)
    sent = {"refresh_token": text, **({"scope": scope} if scope else {})}
    held = redeem.read_refresh_token(text, KEY)
    return redeem.refresh(
        scene.params(**sent), client, held, grant, KEY, now, scene.fresh_from("next"), LAW
    )


def successor(decision: Decision[Tokens]) -> str:
    """The refresh token that a refresh answered."""
    token = scene.done(decision).refresh_token
    assert token is not None
    return token.reveal()


def rotated(times: int = 1, at: int = NOW + 100) -> Grant:
    """The grant after its refresh token was used."""
    return msgspec.structs.replace(GRANT, generation=1 + times, rotated_at=at)


def test_the_first_refresh_token_is_the_one_that_came_with_the_code() -> None:
    assert TOKENS.refresh_token is not None
    assert TOKENS.refresh_token.reveal() == token_of(GRANT)


def test_a_refresh_rotates_the_token_and_makes_an_access_token() -> None:
    decision = refresh(GRANT)
    tokens = scene.done(decision)
    rotate, token = decision.changes
    assert rotate == Rotate(GRANT.grant_id, 1, NOW + 100)
    assert isinstance(token, MakeToken)
    assert token.token.token_hash == fingerprint(tokens.access_token.reveal())
    assert token.token.expires_at == NOW + 100 + T
    assert successor(decision) == token_of(GRANT, 2)
    assert tokens.scope == GRANT.scope


@pytest.mark.parametrize("seconds", [0, 10])
def test_a_retry_within_ten_seconds_gives_the_same_successor(seconds: int) -> None:
    retry = refresh(rotated(), 1, NOW + 100 + seconds)
    assert successor(retry) == successor(refresh(GRANT))
    assert [type(change) for change in retry.changes] == [MakeToken]


def test_a_retry_after_ten_seconds_ends_the_grant() -> None:
    decision = refresh(rotated(), 1, NOW + 111)
    assert scene.refused(decision).name == "refresh_token_not_good"
    ended = EndGrant(GRANT.grant_id, "reuse of a refresh token", NOW + 111)
    assert decision.changes[0] == ended
    assert [type(change) for change in decision.changes] == [EndGrant, Notify]


def test_an_older_token_ends_the_grant_even_within_ten_seconds() -> None:
    decision = refresh(rotated(times=2), 1, NOW + 101)
    assert [type(change) for change in decision.changes] == [EndGrant, Notify]


def test_a_token_from_beyond_the_last_rotation_ends_the_grant() -> None:
    assert [type(change) for change in refresh(GRANT, 2).changes] == [EndGrant, Notify]


def test_a_narrower_scope_gives_a_narrower_token_and_keeps_the_grant() -> None:
    decision = refresh(GRANT, scope="balances accounts")
    _, token = decision.changes
    assert isinstance(token, MakeToken)
    assert scene.done(decision).scope == token.token.scope == ("accounts", "balances")
    assert successor(decision) == token_of(GRANT, 2)


@pytest.mark.parametrize("scope", ["payments", "accounts payments", "accounts transactions x"])
def test_a_wider_scope_is_refused_and_the_token_stays_good(scope: str) -> None:
    decision = refresh(GRANT, scope=scope)
    assert scene.refused(decision).error == "invalid_scope"
    assert decision.changes == ()


def test_a_scope_that_the_person_did_not_grant_is_wider() -> None:
    narrow = msgspec.structs.replace(GRANT, scope=("accounts", "offline_access"))
    assert scene.refused(refresh(narrow, scope="balances")).error == "invalid_scope"
    assert scene.done(refresh(narrow)).scope == ("accounts", "offline_access")


@pytest.mark.parametrize(
    ("grant", "client"),
    [
        pytest.param(None, CLIENT, id="unknown"),
        pytest.param(GRANT, OTHER_CLIENT, id="another client"),
        pytest.param(msgspec.structs.replace(GRANT, ended_at=NOW), CLIENT, id="ended"),
        pytest.param(msgspec.structs.replace(GRANT, expires_at=NOW + 100), CLIENT, id="over"),
    ],
)
def test_a_refresh_of_no_live_grant_of_ones_own_changes_nothing(
    grant: Grant | None, client: Client
) -> None:
    decision = refresh(grant, client=client)
    no = scene.refused(decision)
    assert (no.name, no.error) == ("refresh_token_not_good", "invalid_grant")
    assert decision.changes == ()


def test_a_missing_refresh_token_is_an_invalid_request() -> None:
    decision = redeem.refresh(
        scene.params(), CLIENT, None, GRANT, KEY, NOW, scene.fresh_from("x"), LAW
    )
    assert scene.refused(decision).error == "invalid_request"


def test_a_refresh_token_reads_back_as_its_grant_and_generation() -> None:
    assert redeem.read_refresh_token(token_of(GRANT, 7), KEY) == RefreshToken(GRANT.grant_id, 7)


def test_a_forged_refresh_token_is_not_read() -> None:
    text = token_of(GRANT)
    raw = from_b64url(text.removeprefix("er_")) or b""
    for place in range(len(raw)):
        flipped = bytearray(raw)
        flipped[place] ^= 1
        assert redeem.read_refresh_token("er_" + b64url(bytes(flipped)), KEY) is None
    for forged in (text[3:], "ea_" + text[3:], text + "A", text[:-1], text + "=", "er_", ""):
        assert redeem.read_refresh_token(forged, KEY) is None


def test_a_refresh_token_of_another_server_is_not_read() -> None:
    assert redeem.read_refresh_token(token_of(GRANT), b"other key".ljust(32)) is None


def test_a_forged_token_ends_nothing() -> None:
    sent = scene.params(refresh_token="er_forged")
    decision = redeem.refresh(sent, CLIENT, None, GRANT, KEY, NOW, scene.fresh_from("x"), LAW)
    assert scene.refused(decision).name == "refresh_token_not_good"
    assert decision.changes == ()
