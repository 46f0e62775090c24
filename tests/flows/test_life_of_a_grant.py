"""After the approval: fewer accounts, a renewal, an end; each at once, and each kept as signed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from endorse.core import evidence
from endorse.core.evidence import Bundle
from endorse.core.policy import DAY, HISTORY, SCOPES
from endorse.phone import Connection, Phone, PhoneError, Refused, sandbox_code
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def connected(served: Served, scope: str = " ".join(SCOPES)) -> tuple[Phone, Connection, Any]:
    """A new person's phone, their one connection, and its tokens."""
    phone = await play.somebody(served)
    got = await play.tokens(served, phone, scope=scope)
    [connection] = await phone.connections()
    return phone, connection, got


async def second_phone(served: Served, first: Phone) -> Phone:
    """Another phone of the same person."""
    assert first.person is not None
    second = Phone(served.issuer, served.http, clock=served.clock)
    await second.enrol(await sandbox_code(served.issuer, served.http, first.person.id))
    return second


async def seen(served: Served, access_token: str) -> set[str]:
    """The accounts that a token shows."""
    answer = await play.bank(served, "/v1/accounts", access_token)
    assert answer.status_code == 200, answer.text
    return {account["resourceId"] for account in answer.json()["accounts"]}


async def bundle(phone: Phone, grant_id: str) -> Bundle:
    """The evidence of a connection, which must hold."""
    whole = evidence.read(await phone.evidence(grant_id))
    assert isinstance(whole, Bundle), whole
    assert [it for it in evidence.verify(whole, phone.issuer.url) if it.wrong] == []
    return whole


def ids(connection: Connection) -> list[str]:
    return [account.resource_id for account in connection.accounts]


# --- fewer accounts --------------------------------------------------------------------------


async def test_a_narrowing_holds_at_once_for_every_token(served: Served) -> None:
    phone, connection, got = await connected(served)
    refreshed = (await play.refresh(served, got["refresh_token"])).json()
    keep, *gone = ids(connection)
    after = await phone.narrow(connection.grant_id, [keep])
    assert ids(after) == [keep]
    assert [account.resource_id for account in after.removed] == gone
    assert await phone.connections() == (after,)
    for token in (got["access_token"], refreshed["access_token"]):
        assert await seen(served, token) == {keep}
        answer = await play.bank(served, f"/v1/accounts/{gone[0]}/balances", token)
        assert answer.status_code in (403, 404)
    again = (await play.refresh(served, refreshed["refresh_token"])).json()
    assert await seen(served, again["access_token"]) == {keep}
    whole = await bundle(phone, connection.grant_id)
    assert [item.kind for item in whole.items] == ["consent", "amendment"]


async def test_only_fewer_accounts_can_stay(served: Served) -> None:
    phone, connection, _ = await connected(served)
    first, second, *_ = ids(connection)
    for keep in ([], ids(connection), [first, first], [first, "another"], ["another"]):
        with pytest.raises(PhoneError) as no:
            await phone.narrow(connection.grant_id, keep)
        assert no.value.code == "accounts_not_accepted", keep
    await phone.narrow(connection.grant_id, [first])
    with pytest.raises(PhoneError):
        await phone.narrow(connection.grant_id, [first, second])
    assert len((await bundle(phone, connection.grant_id)).items) == 2


async def test_narrowings_at_the_same_moment_never_widen(served: Served) -> None:
    phone, connection, got = await connected(served)
    every = ids(connection)
    assert len(every) > 1
    wanted = [every[:-1], every[1:], every[:1], every[-1:]] * 3
    done = await play.together(*(phone.narrow(connection.grant_id, keep) for keep in wanted))
    won = [after for after in done if isinstance(after, Connection)]
    assert won
    [now] = await phone.connections()
    assert await seen(served, got["access_token"]) == set(ids(now))
    assert all(set(ids(now)) <= set(ids(after)) for after in won)
    assert len((await bundle(phone, connection.grant_id)).items) == 1 + len(won)


async def test_only_the_phone_that_approved_last_takes_accounts_away(served: Served) -> None:
    phone, connection, _ = await connected(served)
    second = await second_phone(served, phone)
    assert [
        one.can_narrow for one in (*await phone.connections(), *await second.connections())
    ] == [
        True,
        False,
    ]
    with pytest.raises(Refused) as no:
        await second.narrow(connection.grant_id, ids(connection)[:1])
    assert (no.value.code, no.value.status) == ("other_phone", 403)
    served.clock.move(1)
    await second.approve_renewal(await second.renew(connection))
    await second.narrow(connection.grant_id, ids(connection)[:1])
    with pytest.raises(Refused):
        await phone.narrow(connection.grant_id, [])
    await bundle(second, connection.grant_id)


# --- renewing --------------------------------------------------------------------------------


async def test_a_renewal_counts_from_now_and_keeps_what_was_given(served: Served) -> None:
    phone, connection, got = await connected(served)
    await phone.narrow(connection.grant_id, ids(connection)[:1])
    served.clock.move(50 * DAY)
    await phone.sign_in()
    [before] = await phone.connections()
    renewal = await phone.renew(before)
    assert renewal.consent.valid_until == before.renewable_until
    after = await phone.approve_renewal(renewal)
    assert after.valid_until.timestamp() == served.clock() + 90 * DAY
    assert (ids(after), after.scope) == (ids(before), before.scope)
    assert (await play.refresh(served, got["refresh_token"])).status_code == 200
    whole = await bundle(phone, connection.grant_id)
    assert [item.kind for item in whole.items] == ["consent", "amendment", "consent"]


async def test_a_renewal_works_once_and_not_after_another_change(served: Served) -> None:
    phone, connection, _ = await connected(served)
    served.clock.move(1)
    one, two = await phone.renew(connection), await phone.renew(connection)
    assert one.document != two.document
    await phone.approve_renewal(one)
    for dead in (one, two):
        with pytest.raises(Refused) as no:
            await phone.approve_renewal(dead)
        assert (no.value.code, no.value.status) == ("connection_changed", 409)
    served.clock.move(1)
    [now] = await phone.connections()
    third = await phone.renew(now)
    await phone.narrow(connection.grant_id, ids(connection)[:1])
    with pytest.raises(Refused, match="changed meanwhile"):
        await phone.approve_renewal(third)


async def test_of_changes_at_the_same_moment_no_renewal_undoes_another(served: Served) -> None:
    phone, connection, _ = await connected(served)
    served.clock.move(1)
    waiting = [await phone.renew(connection) for _ in range(3)]
    done = await play.together(
        *(phone.approve_renewal(renewal) for renewal in waiting),
        phone.narrow(connection.grant_id, ids(connection)[:1]),
    )
    *renewals, narrowing = done
    assert isinstance(narrowing, Connection)
    # Whichever came first killed the documents that were waiting.
    assert sum(isinstance(it, Connection) for it in renewals) <= 1
    assert all(isinstance(it, Connection) or it.code == "connection_changed" for it in renewals)
    [now] = await phone.connections()
    assert ids(now) == ids(connection)[:1]
    await bundle(phone, connection.grant_id)


async def test_a_renewal_is_for_this_phone_connection_document_and_time(served: Served) -> None:
    phone, connection, _ = await connected(served)
    served.clock.move(1)
    await play.tokens(served, phone)
    served.clock.move(1)
    other = next(it for it in await phone.connections() if it.grant_id != connection.grant_id)
    second = await second_phone(served, phone)
    mine, theirs = await phone.renew(connection), await second.renew(connection)
    wrong = [
        (phone, dataclasses.replace(mine, grant_id=other.grant_id)),
        (phone, dataclasses.replace(mine, sealed=theirs.sealed)),
        (phone, dataclasses.replace(mine, document=theirs.document)),
        (phone, dataclasses.replace(mine, sealed="x")),
    ]
    for caller, renewal in wrong:
        with pytest.raises(Refused) as no:
            await caller.approve_renewal(renewal)
        assert no.value.code == "connection_changed"
    assert phone.passkey is not None
    for credential in (
        phone.passkey.sign(theirs.options | {"allowCredentials": []}, served.issuer),
        phone.passkey.sign(mine.options, served.issuer, user_verified=False),
        phone.passkey.sign(mine.options, "https://evil.example"),
    ):
        with pytest.raises(Refused) as no:
            await phone.approve_renewal(mine, credential)
        assert no.value.code == "passkey_not_accepted"
    served.clock.move(served.desk.law.ceremony + 1)
    with pytest.raises(Refused):
        await phone.approve_renewal(mine)
    assert len((await bundle(phone, connection.grant_id)).items) == 1


async def test_what_is_for_one_time_or_over_is_not_renewed(served: Served) -> None:
    once, connection, _ = await connected(served, scope="accounts")
    assert connection.renewable_until is None
    with pytest.raises(Refused) as no:
        await once.renew(connection)
    assert no.value.code == "not_renewable"
    phone, lasting, _ = await connected(served)
    served.clock.move(1)
    renewal = await phone.renew(lasting)
    await phone.end(lasting.grant_id)
    for work in (
        phone.approve_renewal(renewal),
        phone.renew(lasting),
        phone.narrow(lasting.grant_id, ids(lasting)[:1]),
    ):
        with pytest.raises(Refused) as no:
            await work
        assert (no.value.code, no.value.status) == ("connection_ended", 409)


async def test_another_persons_connection_can_be_neither_changed_nor_read(served: Served) -> None:
    phone, connection, _ = await connected(served)
    other = await play.somebody(served)
    served.clock.move(1)
    renewal = await phone.renew(connection)
    for work in (
        other.narrow(connection.grant_id, ids(connection)[:1]),
        other.renew(connection),
        other.evidence(connection.grant_id),
        phone.evidence("unknown"),
    ):
        with pytest.raises(Refused) as no:
            await work
        assert no.value.status == 404
    with pytest.raises(Refused):
        await other.approve_renewal(renewal, renewal.options)


# --- the end ---------------------------------------------------------------------------------


async def test_tokens_are_dead_within_a_second_of_the_end(served: Served) -> None:
    phone, connection, got = await connected(served)
    assert await play.opens(served, got["access_token"])
    async with asyncio.timeout(1):
        await phone.end(connection.grant_id)
        assert not await play.opens(served, got["access_token"])
        dead = await play.refresh(served, got["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"
    [ended] = await phone.connections()
    assert (ended.ended_by, ended.can_narrow, ended.renewable_until) == ("phone", False, None)


async def test_the_history_of_what_ended_is_kept_for_two_years(served: Served) -> None:
    phone, connection, _ = await connected(served)
    await phone.end(connection.grant_id)
    served.clock.move(HISTORY - 1)
    await phone.sign_in()
    assert len(await phone.connections()) == 1
    served.clock.move(1)
    await phone.sign_in()
    assert await phone.connections() == ()


async def test_a_lasting_connection_is_listed_however_old_it_is(served: Served) -> None:
    phone, connection, _ = await connected(served)
    for _ in range(10):
        served.clock.move(80 * DAY)
        await phone.sign_in()
        [connection] = await phone.connections()
        await phone.approve_renewal(await phone.renew(connection))
    assert served.clock() - connection.created_at.timestamp() > HISTORY
    assert len(await phone.connections()) == 1


# --- what the others are told ----------------------------------------------------------------


async def test_the_other_phone_is_told_of_each_change(served: Served) -> None:
    phone, connection, _ = await connected(served)
    second = await second_phone(served, phone)
    served.clock.move(1)
    await phone.approve_renewal(await phone.renew(connection))
    served.clock.move(1)
    await phone.narrow(connection.grant_id, ids(connection)[:1])
    for told, unread in ((second, True), (phone, False)):
        kinds = [(it.kind, it.unread) for it in await told.notices() if it.by == "phone"]
        assert kinds[:2] == [("connection_narrowed", unread), ("connection_renewed", unread)]
