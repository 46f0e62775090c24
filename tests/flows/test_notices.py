"""A person's phones are told what happened to connections, each until it has shown it."""

from __future__ import annotations

import pytest

from endorse.core.notice import KEPT
from endorse.core.policy import DAY
from endorse.phone import Phone, sandbox_code
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def two_phones(served: Served) -> tuple[Phone, Phone]:
    """Two phones of one new person."""
    first = await play.somebody(served)
    assert first.person is not None
    second = Phone(served.issuer, served.http, clock=served.clock)
    await second.enrol(await sandbox_code(served.issuer, served.http, first.person.id))
    return first, second


async def told(phone: Phone, kind: str = "connection_") -> list[tuple[str, str, bool]]:
    """What this phone was told of connections, and whether that is new to it."""
    return [
        (notice.kind, notice.by, notice.unread)
        for notice in await phone.notices()
        if notice.kind.startswith(kind)
    ]


async def test_every_phone_is_told_of_a_new_connection(served: Served) -> None:
    first, second = await two_phones(served)
    await play.tokens(served, first)
    [connection] = await first.connections()
    for phone in (first, second):
        assert await told(phone) == [("connection_made", "client", True)]
        [notice] = [it for it in await phone.notices() if it.kind == "connection_made"]
        assert (notice.grant_id, notice.client_name) == (connection.grant_id, "Budget & Co")
        assert notice.at == connection.created_at


async def test_nobody_is_told_before_the_code_is_redeemed(served: Served) -> None:
    phone = await play.somebody(served)
    await play.code_for(served, phone)
    assert await told(phone) == []


async def test_the_other_phone_is_told_who_ended_a_connection(served: Served) -> None:
    first, second = await two_phones(served)
    await play.tokens(served, first)
    [connection] = await first.connections()
    served.clock.move(1)
    await first.end(connection.grant_id)
    await first.end(connection.grant_id)
    assert (await told(first))[0] == ("connection_ended", "phone", False)
    assert (await told(second))[0] == ("connection_ended", "phone", True)
    assert len(await told(second)) == 2
    notice = (await second.notices())[0]
    assert (notice.phone_id, notice.phone_name) == (first.phone_id, first.name)


async def test_a_connection_that_the_client_gives_back_is_told(served: Served) -> None:
    phone = await play.somebody(served)
    got = await play.tokens(served, phone)
    served.clock.move(1)
    form = {"token": got["refresh_token"]}
    for _ in range(2):
        await served.http.post(served.url("/revoke"), data=form, auth=served.app.basic)
    assert (await told(phone))[0] == ("connection_ended", "client", True)
    assert len(await told(phone)) == 2


async def test_a_code_that_comes_twice_is_told_as_misuse_and_once(served: Served) -> None:
    phone = await play.somebody(served)
    code = await play.code_for(served, phone)
    for _ in range(4):
        await play.redeem(served, code)
        served.clock.move(1)
    assert await told(phone) == [
        ("connection_ended", "misuse", True),
        ("connection_made", "client", True),
    ]


async def test_a_phone_reads_for_itself_alone(served: Served) -> None:
    first, second = await two_phones(served)
    await play.tokens(served, first)
    shown = await first.notices()
    await first.read_notices(shown)
    await first.read_notices(shown)
    assert not any(notice.unread for notice in await first.notices())
    assert await told(second) == [("connection_made", "client", True)]


async def test_another_persons_notices_can_be_neither_seen_nor_marked(served: Served) -> None:
    phone, other = await play.somebody(served), await play.somebody(served)
    await play.tokens(served, phone)
    await other.read_notices(await phone.notices())
    assert await told(other) == []
    assert await told(phone) == [("connection_made", "client", True)]


async def test_notices_are_gone_after_180_days(served: Served) -> None:
    phone = await play.somebody(served)
    await play.tokens(served, phone)
    served.clock.move(KEPT - DAY)
    await phone.sign_in()
    assert len(await told(phone)) == 1
    served.clock.move(DAY)
    await phone.sign_in()
    assert await phone.notices() == ()
