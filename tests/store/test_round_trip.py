"""What was stored comes back equal, field for field."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from endorse.core.change import (
    AddClient,
    Begin,
    BeginPoll,
    CountPoll,
    EndGrant,
    Enrol,
    Issue,
    KeepRequest,
    MakeToken,
    Move,
    UseOnce,
)
from endorse.core.journey import Event, State
from endorse.core.model import Access, Client, Grant, Journey, Phone
from endorse.store import Store, polls, reads, requests
from endorse.store.connection import Connection
from tests.store import looking, things
from tests.store.things import (
    CLIENT,
    CODE,
    GRANT,
    JOURNEY,
    NOW,
    PHONE,
    POLL,
    TOKEN,
    WHOLE_JOURNEY,
)

pytestmark = pytest.mark.anyio


def test_the_things_here_have_every_field_set() -> None:
    for thing in (WHOLE_JOURNEY, POLL, CLIENT, things.REQUEST, things.PUSHED, TOKEN):
        assert all(value not in (None, "", ()) for value in msgspec.structs.asdict(thing).values())


@pytest.mark.parametrize("journey", [JOURNEY, WHOLE_JOURNEY], ids=["new", "whole"])
async def test_a_journey(store: Store, journey: Journey) -> None:
    await things.put(store, Begin(journey))
    by_qid = await store.read(lambda db: reads.journey_by_qid(db, journey.qid))
    by_short = await store.read(lambda db: reads.journey_by_short(db, journey.short))
    by_code = await store.read(lambda db: reads.approval_by_code(db, "code-hash"))
    assert by_qid == by_short == journey
    assert by_code.journey == (journey if journey.code_hash else None)
    assert by_code.phone is None
    assert by_qid is not None
    assert isinstance(by_qid.state, State)


async def test_what_a_client_polls_with(store: Store) -> None:
    assert await store.read(lambda db: polls.poll(db, "poll-hash")) == (None,) * 4
    await things.put(store, BeginPoll(POLL))
    assert not await store.change([BeginPoll(POLL)], NOW)
    same_letters = msgspec.structs.replace(POLL, poll_hash="another")
    assert not await store.change([BeginPoll(same_letters)], NOW)
    assert await store.read(lambda db: polls.poll_by_user_code(db, "user-code-hash")) == (
        POLL,
        False,
    )
    slower = msgspec.structs.replace(POLL, every=10, polled_at=NOW + 9)
    assert await store.change([CountPoll(POLL, slower)], NOW)
    assert not await store.change([CountPoll(POLL, slower)], NOW), "it polled meanwhile"
    await things.put(store, Begin(WHOLE_JOURNEY))
    found = await store.read(lambda db: polls.poll(db, "poll-hash"))
    assert found == (slower, WHOLE_JOURNEY, None, None)
    assert (await store.read(lambda db: polls.poll_by_user_code(db, "user-code-hash")))[1]
    second = msgspec.structs.replace(
        JOURNEY, journey_id="x", short="x", qid="x", poll_hash="poll-hash"
    )
    assert not await store.change([Begin(second)], NOW), "one journey a poll"


async def test_a_journey_that_moved_has_every_field_that_may_move(store: Store) -> None:
    await things.put_journey(store)
    claimed = msgspec.structs.replace(
        WHOLE_JOURNEY,
        state=State.CLAIMED,
        qid="new-qid",
        code_from=NOW + 7,
        codes=3,
        expires_at=NOW + 8,
        poll_hash=None,
        polls_until=None,
    )
    await things.put(store, Move(Event.CLAIM, JOURNEY, claimed))
    stored = await store.read(lambda db: reads.journey_by_qid(db, "new-qid"))
    assert stored == msgspec.structs.replace(claimed, version=1)


@pytest.mark.parametrize("state", [None, b"", b"\x00\xff"])
async def test_a_request_with_and_without_its_options(store: Store, state: bytes | None) -> None:
    request = msgspec.structs.replace(things.REQUEST, state=state, code_challenge=None)
    await things.put(store, Begin(msgspec.structs.replace(JOURNEY, request=request)))
    stored = await store.read(lambda db: reads.journey_by_short(db, "short"))
    assert stored is not None
    assert stored.request == request


async def test_a_pushed_request_and_that_it_was_answered(store: Store) -> None:
    await things.put(store, KeepRequest(things.PUSHED))
    assert not await store.change([KeepRequest(things.PUSHED)], NOW)
    for used in (False, True):
        if used:
            await things.put(store, UseOnce("request-hash", NOW + 1))
        found = await store.read(lambda db: requests.pushed(db, "request-hash"))
        assert found == (things.PUSHED, used)
    assert await store.read(lambda db: requests.pushed(db, "another")) == (None, False)


async def test_a_client(store: Store) -> None:
    public = msgspec.structs.replace(
        CLIENT, client_id="public", public=True, verified=False, secrets=()
    )
    for client in (CLIENT, public):
        await things.put(store, AddClient(client))
        stored = await store.read(partial(reads.client, client_id=client.client_id))
        assert isinstance(stored, Client)
        assert stored == client


async def test_a_grant_and_what_its_token_opens(store: Store) -> None:
    await things.put_grant(store)
    grant = await store.read(lambda db: reads.grant(db, "grant"))
    assert isinstance(grant, Grant)
    assert grant == GRANT
    access = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert access == Access(
        grant_id="grant",
        client_id="app",
        person_id="anna",
        scope=("accounts",),
        account_ids=("acc 1", "acc-2"),
        token_expires_at=NOW + 300,
        grant_expires_at=GRANT.expires_at,
        ended_at=None,
        last_used_at=None,
        generation=1,
        created_at=NOW,
        bound_to="jkt:thumbprint",
        authorization_details=things.DETAILS,
    )


async def test_a_token_without_a_grant_is_its_clients_own(store: Store) -> None:
    own = msgspec.structs.replace(TOKEN, grant_id="")
    await things.put(store, MakeToken(own))
    opened = await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW))
    assert opened is not None
    assert (opened.client_id, opened.person_id, opened.account_ids) == ("app", "", ())
    assert opened.grant_expires_at == own.expires_at


async def test_a_token_whose_grant_is_gone_opens_nothing(store: Store) -> None:
    await things.put(store, MakeToken(TOKEN))
    assert await store.read(lambda db: reads.access(db, TOKEN.token_hash, NOW)) is None


async def test_what_may_be_used_once_is_used_once(store: Store) -> None:
    assert await store.change([UseOnce("a jti", NOW + 60)], NOW)
    assert not await store.change([UseOnce("a jti", NOW + 90)], NOW)
    await looking.sweep(store, NOW + 60)
    assert await store.change([UseOnce("a jti", NOW + 90)], NOW + 60)


async def test_an_ended_grant(store: Store) -> None:
    await things.put(store, things.made(GRANT), EndGrant("grant", "the client", NOW + 1))
    ended = msgspec.structs.replace(GRANT, ended_at=NOW + 1, ended_by="the client")
    assert await store.read(lambda db: reads.grant(db, "grant")) == ended


async def test_a_phone_and_its_enrolment_code(store: Store) -> None:
    await things.put(store, Issue(CODE))
    assert await store.read(lambda db: reads.enrolment(db, CODE.code_hash)) == CODE
    await things.put(store, Enrol(PHONE, CODE.code_hash, NOW + 1))
    stored = await store.read(lambda db: reads.phone(db, "phone"))
    assert isinstance(stored, Phone)
    assert stored == PHONE


async def test_a_persons_grants_newest_first_without_those_over_at_a_time(
    store: Store,
) -> None:
    for number in range(5):
        made = msgspec.structs.replace(things.grant(number), created_at=NOW + number)
        await things.put(store, things.made(made))
    others = msgspec.structs.replace(things.grant("ben"), person_id="ben")
    await things.put(store, things.made(others))
    found = await store.read(lambda db: reads.grants_of(db, "anna", NOW, 3))
    assert [grant.grant_id for grant in found] == ["grant-4", "grant-3", "grant-2"]
    for number, at in ((3, NOW + 7), (1, NOW + 8)):
        await things.put(store, EndGrant(f"grant-{number}", "the client", at))
    over = things.GRANT.expires_at
    for since, left in ((NOW + 7, [4, 2, 1, 0]), (NOW + 8, [4, 2, 0]), (over, [])):
        found = await store.read(partial(reads.grants_of, person_id="anna", since=since, at_most=9))
        assert [grant.grant_id for grant in found] == [f"grant-{number}" for number in left]


async def test_the_codes_issued_to_a_person_since_a_time(store: Store) -> None:
    for number in range(4):
        code = msgspec.structs.replace(CODE, code_hash=f"c{number}", created_at=NOW + number)
        await things.put(store, Issue(code))
    assert await store.read(lambda db: reads.enrolments_since(db, "anna", NOW)) == 3
    assert await store.read(lambda db: reads.enrolments_since(db, "ben", NOW)) == 0


async def test_a_name_that_is_not_there_finds_nothing(store: Store) -> None:
    await things.put(store, AddClient(CLIENT), Begin(WHOLE_JOURNEY), things.made(GRANT))

    async def found(db: Connection, name: str) -> list[object]:
        one_by_one: list[object] = [
            await reads.client(db, name),
            await reads.journey_by_short(db, name),
            await reads.journey_by_qid(db, name),
            (await reads.approval_by_code(db, name)).journey,
            await reads.phone(db, name),
            await reads.enrolment(db, name),
            await reads.grant(db, name),
            await reads.access(db, name, NOW),
        ]
        many = await reads.grants_of(db, name, 0, 9)
        return [thing for thing in one_by_one if thing is not None] + [*many]

    for name in ("", "nobody", "é", "\0", "a\0b", "' OR 1=1 --", "%", "_____", "x" * 9000):
        assert await store.read(partial(found, name=name)) == [], name
        assert await store.read(partial(reads.enrolments_since, person_id=name, since=0)) == 0
