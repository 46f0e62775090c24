"""Each change: what it does, and that it is not done when its guard is lost."""

from __future__ import annotations

import sqlite3
from functools import partial

import asyncpg
import msgspec
import pytest

from endorse.core.change import (
    AddClient,
    AddSecret,
    Amend,
    Begin,
    ChangeClient,
    CountUp,
    EndGrant,
    Enrol,
    Issue,
    KeepSandboxKey,
    MakeToken,
    MarkRead,
    Move,
    RevokeToken,
    Rotate,
    TouchGrant,
    VoidRefresh,
)
from endorse.core.journey import Event, State
from endorse.core.model import ClientSecret, Grant, Journey, Phone
from endorse.core.notice import By, Kind, of_phone
from endorse.store import Store, reads
from endorse.store.apply import _MOVING
from tests.store import looking, things
from tests.store.things import CLIENT, CODE, GRANT, JOURNEY, NOW, PHONE, TOKEN

pytestmark = pytest.mark.anyio

CLAIMED = msgspec.structs.replace(JOURNEY, state=State.CLAIMED, person_id="anna", phone_id="p")
CLAIM = Move(Event.CLAIM, JOURNEY, CLAIMED)


async def journey_in(store: Store) -> Journey | None:
    """The stored journey."""
    return await store.read(lambda db: reads.journey_by_qid(db, JOURNEY.qid))


async def grant_in(store: Store) -> Grant:
    """The stored grant."""
    grant = await store.read(lambda db: reads.grant(db, GRANT.grant_id))
    assert grant is not None
    return grant


async def phone_in(store: Store) -> Phone | None:
    """The stored phone."""
    return await store.read(lambda db: reads.phone(db, PHONE.phone_id))


# --- journeys --------------------------------------------------------------------------------


async def test_a_journey_begins_once_for_each_of_its_handles(store: Store) -> None:
    await things.put_journey(store)
    for same in ("journey_id", "short", "qid"):
        other = msgspec.structs.replace(things.journey(2), **{same: getattr(JOURNEY, same)})
        assert not await store.change([Begin(other)], NOW), same
    assert await journey_in(store) == JOURNEY
    assert await looking.count(store, "journeys") == 1


async def test_a_move_writes_all_that_changed_and_leaves_the_rest(store: Store) -> None:
    await things.put_journey(store)
    before = JOURNEY
    whole = {name: getattr(things.WHOLE_JOURNEY, name) for name in _MOVING}
    empty = [{name: getattr(JOURNEY, name)} for name in _MOVING]
    for fields in (whole, *empty):
        after = msgspec.structs.replace(before, version=before.version + 1, **fields)
        assert await store.change([Move(Event.NEW_CODE, before, after)], NOW)
        before = msgspec.structs.replace(before, version=after.version, **fields)
        found = await store.read(lambda db: reads.journey_by_short(db, JOURNEY.short))
        assert found == before


async def test_a_move_wins_once(store: Store) -> None:
    await things.put_journey(store)
    assert await store.change([CLAIM], NOW)
    assert await journey_in(store) == msgspec.structs.replace(CLAIMED, version=1)
    other = msgspec.structs.replace(CLAIMED, person_id="ben", phone_id="q")
    assert not await store.change([Move(Event.CLAIM, JOURNEY, other)], NOW)
    assert await journey_in(store) == msgspec.structs.replace(CLAIMED, version=1)


async def test_a_move_within_one_state_is_lost_to_another_one_within_it(store: Store) -> None:
    # NEW_CODE leads from WAITING to WAITING: only the version tells that somebody was there.
    await things.put_journey(store)
    one = Move(Event.NEW_CODE, JOURNEY, msgspec.structs.replace(JOURNEY, qid="one"))
    two = Move(Event.NEW_CODE, JOURNEY, msgspec.structs.replace(JOURNEY, qid="two"))
    assert await store.change([one], NOW)
    assert not await store.change([two], NOW)
    assert await store.read(lambda db: reads.journey_by_qid(db, "two")) is None


async def test_a_move_from_a_state_that_is_over_is_lost_even_with_the_right_version(
    store: Store,
) -> None:
    await things.put_journey(store)
    assert await store.change([CLAIM], NOW)
    stale = msgspec.structs.replace(JOURNEY, version=1)
    cancelled = msgspec.structs.replace(stale, state=State.CANCELLED)
    assert not await store.change([Move(Event.CANCEL, stale, cancelled)], NOW)


async def test_a_move_of_an_unknown_journey_is_lost(store: Store) -> None:
    assert not await store.change([CLAIM], NOW)


async def test_a_move_outside_the_table_is_a_bug_and_changes_nothing(store: Store) -> None:
    await things.put_journey(store)
    leap = Move(Event.APPROVE, JOURNEY, msgspec.structs.replace(JOURNEY, state=State.APPROVED))
    with pytest.raises(AssertionError, match="not allowed in waiting"):
        await store.change([leap], NOW)
    assert await journey_in(store) == JOURNEY


async def test_a_move_cannot_change_what_is_frozen(store: Store) -> None:
    await things.put_journey(store)
    swapped = msgspec.structs.replace(
        CLAIMED,
        short="x",
        browser_hash="x",
        digest="x",
        browser="x",
        started_at=1,
        forget_at=1,
        request=msgspec.structs.replace(JOURNEY.request, state=b"x"),
    )
    assert await store.change([Move(Event.CLAIM, JOURNEY, swapped)], NOW)
    assert await journey_in(store) == msgspec.structs.replace(CLAIMED, version=1)


# --- grants and tokens -----------------------------------------------------------------------


async def test_a_grant_is_made_once(store: Store) -> None:
    await things.put_grant(store)
    other = msgspec.structs.replace(GRANT, person_id="ben")
    assert not await store.change([things.made(other)], NOW)
    assert await grant_in(store) == GRANT


async def test_a_token_is_made_once(store: Store) -> None:
    await things.put_grant(store)
    other = msgspec.structs.replace(TOKEN, grant_id="another")
    # Nothing but a mistake makes one twice, so that it is a bug and not a lost guard.
    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)):
        await store.change([MakeToken(other)], NOW)
    access = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert access is not None
    assert access.grant_id == GRANT.grant_id


def narrowed(grant: Grant = GRANT, number: int = 2) -> Amend:
    """One account taken away."""
    after = msgspec.structs.replace(
        grant,
        accounts=grant.accounts[:1],
        removed=(*grant.removed, *grant.accounts[1:]),
        expires_at=grant.expires_at + 5,
        phone_id="other phone",
        revision=number,
    )
    signed = msgspec.structs.replace(things.EVIDENCE, number=number, kind="amendment")
    return Amend(after, signed)


async def test_an_amendment_wins_once_and_reaches_every_token(store: Store) -> None:
    await things.put_grant(store)
    amend = narrowed()
    assert await store.change([amend], NOW)
    assert await grant_in(store) == amend.after
    access = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert access is not None
    assert access.account_ids == ("acc 1",)
    assert not await store.change([amend], NOW)
    assert not await store.change([narrowed(number=4)], NOW)
    signed = await store.read(lambda db: reads.evidence(db, "grant"))
    assert signed == [things.EVIDENCE, amend.evidence]


def another(scope: tuple[str, ...], tokens_from: int = 0) -> Amend:
    """Another scope by another approval; access tokens count from a revision on."""
    after = msgspec.structs.replace(GRANT, scope=scope, tokens_from=tokens_from, revision=2)
    signed = '{"replaces":"grant"}' if tokens_from else '{"merges":"grant"}'
    return Amend(after, msgspec.structs.replace(things.EVIDENCE, number=2, signed=signed))


async def test_a_token_of_before_gives_no_more_than_its_grant_by_now(store: Store) -> None:
    await things.put(
        store,
        things.made(),
        MakeToken(msgspec.structs.replace(TOKEN, scope=("accounts", "balances"))),
        another(("balances", "transactions")),
    )
    access = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert access is not None
    assert access.scope == ("balances",)


async def test_a_token_from_before_a_replacement_opens_nothing(store: Store) -> None:
    await things.put_grant(store)
    newer = msgspec.structs.replace(TOKEN, token_hash="newer", revision=2)
    await things.put(store, another(("accounts",), tokens_from=2), MakeToken(newer))
    assert (await grant_in(store)).tokens_from == 2
    assert await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW)) is None
    assert await store.read(lambda db: reads.access(db, "newer", NOW)) is not None


@pytest.mark.parametrize("life", [1, 300, 3600])
async def test_a_token_is_found_at_every_moment_of_its_life(store: Store, life: int) -> None:
    await things.put_grant(store)
    for begins in (0, 1, 1800, 3299, 3300, 3301, 3599):
        made = NOW - NOW % 3600 + begins
        name = f"made at {begins}"
        token = msgspec.structs.replace(
            TOKEN, token_hash=name, created_at=made, expires_at=made + life
        )
        await things.put(store, MakeToken(token))
        for now in {made, made + life // 2, made + life - 1}:
            found = await store.read(partial(reads.access, token_hash=name, now=now))
            assert found is not None, (begins, now - made)


async def test_refresh_tokens_are_made_void_at_the_generation_that_was_read(store: Store) -> None:
    await things.put_grant(store)
    assert not await store.change([VoidRefresh("grant", 2, NOW + 5)], NOW)
    assert await store.change([VoidRefresh("grant", 1, NOW + 5)], NOW)
    assert not await store.change([VoidRefresh("grant", 1, NOW + 6)], NOW)
    grant = await grant_in(store)
    assert (grant.voided, grant.generation, grant.rotated_at) == (1, 2, NOW + 5)


@pytest.mark.parametrize("ends", ["ended", "expired", "unknown"])
async def test_an_amendment_of_what_is_over_is_lost(store: Store, ends: str) -> None:
    grant = msgspec.structs.replace(GRANT, expires_at=NOW) if ends == "expired" else GRANT
    if ends != "unknown":
        await things.put(store, things.made(grant))
    if ends == "ended":
        await things.put(store, EndGrant("grant", "the client", NOW))
    assert not await store.change([narrowed(grant)], NOW)
    assert await looking.count(store, "evidence") == (0 if ends == "unknown" else 1)


async def test_what_was_signed_is_never_written_over(store: Store) -> None:
    await things.put_grant(store)
    amend = narrowed()
    again = msgspec.structs.replace(amend.evidence, number=1)
    assert not await store.change([Amend(amend.after, again)], NOW)
    assert await grant_in(store) == GRANT
    assert await store.read(lambda db: reads.evidence(db, "grant")) == [things.EVIDENCE]


async def test_a_phone_marks_only_its_own_persons_notices(store: Store) -> None:
    told = of_phone(Kind.PHONE_ENROLLED, "anna", "phone", By.PHONE, NOW)
    await things.put(store, told)
    ids = (told.notice.notice_id, "unknown")
    for person, marks in (("ben", 0), ("anna", 1), ("anna", 1)):
        await things.put(store, MarkRead(person, "phone", ids))
        assert await looking.count(store, "notices_read") == marks


async def test_a_notice_is_told_once_however_often_it_is_tried(store: Store) -> None:
    for now, phone, tells in ((NOW, "phone", 1), (NOW + 9, "phone", 1), (NOW, "other", 2)):
        await things.put(store, of_phone(Kind.PHONE_REVOKED, "anna", phone, By.BANK, now))
        assert await looking.count(store, "notices") == tells


async def test_a_rotation_wins_once_for_its_generation(store: Store) -> None:
    await things.put_grant(store)
    assert not await store.change([Rotate("grant", 2, NOW + 5)], NOW)
    assert await store.change([Rotate("grant", 1, NOW + 5)], NOW)
    assert not await store.change([Rotate("grant", 1, NOW + 6)], NOW)
    grant = await grant_in(store)
    assert (grant.generation, grant.rotated_at) == (2, NOW + 5)


async def test_a_grant_that_has_ended_or_is_over_is_not_rotated(store: Store) -> None:
    await things.put_grant(store)
    assert not await store.change([Rotate("grant", 1, GRANT.expires_at)], NOW)
    assert await store.change([EndGrant("grant", "the client", NOW)], NOW)
    assert not await store.change([Rotate("grant", 1, NOW)], NOW)
    assert (await grant_in(store)).generation == 1


async def test_a_grant_ends_once_and_ending_it_again_is_fine(store: Store) -> None:
    await things.put_grant(store)
    assert await store.change([EndGrant("grant", "the client", NOW)], NOW)
    assert await store.change([EndGrant("grant", "the account holder", NOW + 9)], NOW)
    grant = await grant_in(store)
    assert (grant.ended_at, grant.ended_by) == (NOW, "the client")
    access = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert access is not None
    assert access.ended_at == NOW


async def test_the_last_note_of_use_stays(store: Store) -> None:
    await things.put_grant(store)
    for second in (5, 7, 6):
        assert await store.change([TouchGrant("grant", NOW + second)], NOW)
    assert (await grant_in(store)).last_used_at == NOW + 6


async def test_a_revoked_token_is_gone_and_gone_is_gone(store: Store) -> None:
    await things.put_grant(store)
    for _ in range(2):
        assert await store.change([RevokeToken(TOKEN.token_hash, TOKEN.expires_at)], NOW)
        assert await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW)) is None
    assert (await grant_in(store)).ended_at is None


# --- phones ----------------------------------------------------------------------------------


async def test_an_enrolment_code_is_used_once(store: Store) -> None:
    await things.put(store, Issue(CODE))
    assert await store.change([Enrol(PHONE, CODE.code_hash, NOW + 3)], NOW)
    second = msgspec.structs.replace(PHONE, phone_id="second", credential_id="second")
    assert not await store.change([Enrol(second, CODE.code_hash, NOW + 4)], NOW)
    assert await store.read(lambda db: reads.phone(db, "second")) is None
    code = await store.read(lambda db: reads.enrolment(db, CODE.code_hash))
    assert code == msgspec.structs.replace(CODE, used_at=NOW + 3)


async def test_no_phone_joins_by_a_code_that_was_not_issued(store: Store) -> None:
    assert not await store.change([Enrol(PHONE, "unknown", NOW)], NOW)
    assert await phone_in(store) is None


async def test_a_passkey_joins_once_and_leaves_the_code_unused_if_it_cannot(store: Store) -> None:
    two = msgspec.structs.replace(CODE, code_hash="two")
    await things.put(store, Issue(CODE), Issue(two), Enrol(PHONE, CODE.code_hash, NOW))
    again = msgspec.structs.replace(PHONE, phone_id="second")
    assert not await store.change([Enrol(again, "two", NOW)], NOW)
    assert await store.read(lambda db: reads.enrolment(db, "two")) == two


async def test_an_enrolment_code_is_issued_once(store: Store) -> None:
    await things.put(store, Issue(CODE))
    assert not await store.change([Issue(msgspec.structs.replace(CODE, person_id="ben"))], NOW)


async def test_a_counter_only_grows(store: Store) -> None:
    await things.put(store, Issue(CODE), Enrol(PHONE, CODE.code_hash, NOW))
    count = PHONE.sign_count
    assert not await store.change([CountUp("phone", count)], NOW)
    assert not await store.change([CountUp("phone", count - 1)], NOW)
    assert await store.change([CountUp("phone", count + 2)], NOW)
    assert not await store.change([CountUp("nobody", count + 9)], NOW)
    assert await phone_in(store) == msgspec.structs.replace(PHONE, sign_count=count + 2)


# --- clients ---------------------------------------------------------------------------------


async def test_a_client_is_added_once_with_its_secrets(store: Store) -> None:
    await things.put(store, AddClient(CLIENT))
    thief = msgspec.structs.replace(CLIENT, name="x", secrets=(ClientSecret("thief", NOW),))
    assert not await store.change([AddClient(thief)], NOW)
    assert await store.read(lambda db: reads.client(db, "app")) == CLIENT


async def test_a_changed_client_keeps_its_secrets_and_its_kind(store: Store) -> None:
    changed = msgspec.structs.replace(
        CLIENT,
        name="New name",
        legal_name="New B.V.",
        redirect_uris=("https://new.example/",),
        scope=("balances",),
        verified=False,
        duration=5,
    )
    assert not await store.change([ChangeClient(changed)], NOW)
    await things.put(store, AddClient(CLIENT))
    other = msgspec.structs.replace(changed, public=True, created_at=1, secrets=())
    assert await store.change([ChangeClient(other)], NOW)
    assert await store.read(lambda db: reads.client(db, "app")) == changed


async def test_a_new_secret_lets_the_old_ones_overlap_and_never_live_longer(store: Store) -> None:
    secrets = (ClientSecret("ending", NOW, NOW + 10), ClientSecret("lasting", NOW))
    await things.put(store, AddClient(msgspec.structs.replace(CLIENT, secrets=secrets)))
    assert await store.change([AddSecret("app", ClientSecret("new", NOW + 1), NOW + 60)], NOW)
    client = await store.read(lambda db: reads.client(db, "app"))
    assert client is not None
    assert {secret.secret_hash: secret.expires_at for secret in client.secrets} == {
        "ending": NOW + 10,
        "lasting": NOW + 60,
        "new": None,
    }


async def test_the_same_secret_is_not_added_twice(store: Store) -> None:
    await things.put(store, AddClient(CLIENT))
    again = ClientSecret("hash-1", NOW)
    assert not await store.change([AddSecret("app", again, NOW)], NOW)
    assert await store.read(lambda db: reads.client(db, "app")) == CLIENT


async def test_a_secret_needs_a_client_that_is_not_public(store: Store) -> None:
    public = msgspec.structs.replace(CLIENT, client_id="public", public=True, secrets=())
    await things.put(store, AddClient(public))
    for client_id in ("nobody", "public"):
        assert not await store.change([AddSecret(client_id, ClientSecret("new", NOW), NOW)], NOW)
    assert await looking.count(store, "client_secrets") == 0


async def test_clients_are_listed_in_their_order_without_secrets(store: Store) -> None:
    for name, at in (("b", 2), ("c", 1), ("a", 2)):
        await things.put(
            store, AddClient(msgspec.structs.replace(CLIENT, client_id=name, created_at=at))
        )
    found = await store.read(lambda db: reads.clients(db, 10))
    assert [client.client_id for client in found] == ["c", "a", "b"]
    assert all(client.secrets == () for client in found)
    assert len(await store.read(lambda db: reads.clients(db, 2))) == 2


async def test_a_sandboxs_key_is_kept_and_never_replaced(store: Store) -> None:
    assert await store.read(reads.sandbox_key) is None
    assert await store.change([KeepSandboxKey("first")], NOW)
    assert await store.change([KeepSandboxKey("second")], NOW)
    assert await store.read(reads.sandbox_key) == "first"
