"""What one connection, and all of one address, may ask of a server: no corner of HTTP holds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from endorse.server.limit import Limit
from endorse.server.protocol import end_slow
from endorse.server.proxies import Proxies
from endorse.server.room import Room
from endorse.server.run import server_for
from tests.flows import play
from tests.flows.staged import GET, POST, App, Stage, answered, rest, seen, staged

pytestmark = pytest.mark.anyio

CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
LATE = (b"x-forwarded-for", b"6.6.6.6")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """With the usual room; nobody waits."""
    async with staged(Room()) as it:
        it.app.go.set()
        yield it


async def test_fields_that_come_after_a_body_are_no_header(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(CHUNKED + b"3\r\nabc\r\n0\r\n" + b": ".join(LATE) + b"\r\n\r\n")
    assert await answered(reader) == b"HTTP/1.1 200 OK"
    assert (b"host", b"x") in stage.app.fields
    assert LATE not in stage.app.fields
    # The next request has its own again.
    writer.write(GET.replace(b"host", b": ".join(LATE) + b"\r\nhost"))
    await answered(reader)
    assert LATE in stage.app.fields
    writer.close()


async def test_empty_lines_between_requests_do_not_keep_a_connection(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(GET)
    await answered(reader)
    connection = stage.taken()
    for number in range(3):
        writer.write(b"\r\n")
        await play.until(lambda number=number: connection._size == 2 * number + 2)  # type: ignore[misc]
    await stage.look(14.5)
    assert not connection.transport.is_closing()
    await stage.look(15.5)
    assert await rest(reader) != b""
    assert stage.turned_away == {"slow_sender": 1}
    writer.close()


async def test_a_few_requests_may_come_before_the_first_is_answered(stage: Stage) -> None:
    reader, writer = await stage.connect()
    stage.app.go.clear()
    rest = POST.replace(b"4", b"2")
    writer.write(GET + POST + b"abcd" + GET + rest + b"e")
    await play.until(lambda: stage.app.calls == 1)
    stage.app.go.set()
    for _ in range(3):
        assert await answered(reader) == b"HTTP/1.1 200 OK"
    # The last one waits for all of it, as if it had come alone.
    assert stage.app.calls == 3
    writer.write(b"f")
    assert b"ef" in await reader.readuntil(b"ef")
    writer.close()


async def test_more_requests_than_a_few_before_an_answer_end_the_connection(stage: Stage) -> None:
    stage.app.go.clear()
    reader, writer = await stage.connect()
    writer.write(GET * 100)
    assert await rest(reader) == b""
    assert stage.turned_away == {"broken": 1}
    writer.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"1\r\na\r\n" * 60_000, b"413"),
        (b"0\r\n" + b"a: b\r\n" * 60_000, b"413"),
        (b"0\r\na: " + b"b" * 400_000, b"413"),
    ],
    ids=["tiny chunks", "fields after it", "one field after it"],
)
async def test_a_body_that_takes_far_more_bytes_than_it_has_is_refused(
    stage: Stage, sent: bytes, status: bytes
) -> None:
    reader, writer = await stage.connect()
    writer.write(CHUNKED + sent)
    assert (await rest(reader)).startswith(b"HTTP/1.1 " + status)
    assert (stage.app.calls, stage.turned_away) == (0, {"large_rest": 1})
    writer.close()


@pytest.mark.parametrize(
    "fields",
    [b"a: b\r\n" * 129, b"a: " + b"b" * 65_537 + b"\r\n"],
    ids=["too many", "too long"],
)
async def test_a_head_too_large_is_refused_though_it_came_whole(
    stage: Stage, fields: bytes
) -> None:
    reader, writer = await stage.connect()
    writer.write(GET[:-2] + fields + b"\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
    assert (stage.app.calls, stage.turned_away) == (0, {"large_head": 1})
    writer.close()


async def test_a_head_and_a_body_that_come_together_may_be_longer_than_a_head(
    stage: Stage,
) -> None:
    reader, writer = await stage.connect()
    body = b"b" * 65_536
    writer.write(POST.replace(b"4", b"65536") + body)
    assert await answered(reader) == b"HTTP/1.1 200 OK"
    writer.close()


async def test_neither_broken_http_nor_an_upgrade_writes_a_line_into_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reader, writer = await stage.connect()
    writer.write(GET.replace(b"host", b"connection: upgrade\r\nupgrade: h2c\r\nhost"))
    assert await answered(reader) == b"HTTP/1.1 200 OK"
    writer.write(GET)
    assert await answered(reader) == b"HTTP/1.1 200 OK"
    writer.write(b"what is this\r\n\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 400 ")
    assert stage.turned_away == {"broken": 1}
    assert [it for it in caplog.records if it.name.startswith("uvicorn")] == []
    writer.close()


async def test_one_address_takes_a_part_of_the_connections_and_leaves_the_rest() -> None:
    async with staged(Room(connections=4, of_address=2)) as stage:
        kept = [await stage.connect() for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        assert await rest(reader) == b""
        assert stage.turned_away == {"connections_of_address": 1}
        other, also = await asyncio.open_connection(
            "127.0.0.1", stage.port, local_addr=("127.0.0.2", 0)
        )
        also.write(POST + b"abcd")
        assert await answered(other) == b"HTTP/1.1 200 OK"
        for _, it in (*kept, (reader, writer), (other, also)):
            it.close()
        # Who hung up is not counted any more.
        await play.until(lambda: not stage.server.shared.connections)


@pytest.mark.parametrize(
    ("proxy", "trusted"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "127.0.0.0/8")]
)
async def test_a_trusted_proxy_is_not_one_address(proxy: str, trusted: str) -> None:
    room = Room(connections=4, of_address=2, unread=8000)
    async with staged(room, host=proxy, trusted_proxies=Proxies([trusted])) as stage:
        kept = [await stage.connect() for _ in range(3)]
        kept[0][1].write(GET[:-2] + b"a: " + b"b" * 4000)
        kept[2][1].write(POST + b"abcd")
        assert await answered(kept[2][0]) == b"HTTP/1.1 200 OK"
        assert stage.turned_away == {}
        for _, it in kept:
            it.close()


async def test_unfinished_requests_together_take_no_more_memory_than_there_is_for_them() -> None:
    async with staged(Room(unread=80_000)) as stage:
        first = await seen(stage, GET[:-2] + b"a: " + b"b" * 6000)
        reader, writer = await stage.connect()
        # One address has an eighth. A request that comes whole is not counted.
        writer.write(POST.replace(b"4", b"30000") + b"b" * 30_000)
        assert await answered(reader) == b"HTTP/1.1 200 OK"
        writer.write(POST.replace(b"4", b"9000") + b"b" * 6000)
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in answer
        assert stage.turned_away == {"unread": 1}
        first[1].write(b"\r\n\r\n")
        stage.app.go.set()
        assert await answered(first[0]) == b"HTTP/1.1 200 OK"
        assert (stage.server.shared.unread, stage.server.shared.unread_of) == (0, {})
        for it in (first[1], writer):
            it.close()


async def test_a_request_that_is_still_coming_when_the_server_stops_is_answered() -> None:
    async with staged(Room()) as stage:
        reader, writer = await seen(stage, POST + b"ab")
        connection = stage.taken()
        stage.server.should_exit = True
        await play.until(lambda: not connection.cycle.keep_alive)
        writer.write(b"cd")
        answer = await rest(reader)
        assert b"connection: close\r\n" in answer
        assert b"abcd" in answer
        writer.close()


async def _slow_down(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 429, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_who_may_not_ask_waits_for_the_refusal_and_takes_no_place_in_work() -> None:
    room = Room(requests=1)
    async with staged(room, refuses=lambda _: _slow_down, refused_after=0.05) as stage:
        pairs = [await stage.connect() for _ in range(3)]
        began = asyncio.get_running_loop().time()
        for _, writer in pairs:
            writer.write(GET)
        for reader, _ in pairs:
            assert await answered(reader) == b"HTTP/1.1 429 Too Many Requests"
        assert asyncio.get_running_loop().time() - began >= 0.04  # the loop counts milliseconds
        assert (stage.app.calls, stage.turned_away) == (0, {})
        for _, writer in pairs:
            writer.close()


async def test_who_hangs_up_before_the_refusal_leaves_nothing_behind() -> None:
    async with staged(Room(), refuses=lambda _: _slow_down, refused_after=60) as stage:
        _, writer = await stage.connect()
        connection = stage.taken()
        writer.write(GET)
        await play.until(lambda: connection._refusing is not None)
        writer.close()
        await play.until(connection._refusing.cancelled)


@pytest.mark.parametrize("how", ["stays", "sends on"])
async def test_who_was_refused_and_stays_or_sends_on_is_cut_off(stage: Stage, how: str) -> None:
    reader, writer = await stage.connect()
    connection = stage.taken()
    writer.write(GET[:-2] + b"a: b\r\n" * 129 + b"\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
    if how == "stays":
        await stage.look(1.5)
        assert not connection.transport.is_closing()
        await stage.look(2.5)
    else:
        # What is in the system's buffers on the way counts as well.
        writer.write(b"a" * 2_000_000)
    await play.until(lambda: not stage.server.server_state.connections)
    assert stage.turned_away == {"large_head": 1}
    writer.transport.abort()


class Counted:
    """A connection that only counts how often it was looked at."""

    looks = 0

    def end_if_slow(self, now: float) -> None:
        """Be looked at."""
        self.looks += 1


async def test_who_serves_looks_once_a_second_for_connections_that_are_too_slow() -> None:
    server, connection = server_for(App(), None), Counted()
    server.server_state.connections.add(connection)  # type: ignore[arg-type]
    # uvicorn calls it ten times a second; here nothing is waited for.
    for counter in range(1000, 1030):
        assert not await server.on_tick(counter)
    assert connection.looks == 3


async def test_others_are_served_while_many_connections_are_looked_at() -> None:
    connections = {Counted() for _ in range(1000)}
    left, looked = set(connections), []

    def meanwhile() -> None:
        looked.append(sum(it.looks for it in left))
        # Who leaves meanwhile is not looked at any more.
        connections.clear()

    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, meanwhile)
    await end_slow(connections, 0)
    assert 0 < looked[0] < 1000
    assert sum(it.looks for it in left) == looked[0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:0:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_who_has_many_addresses_of_one_network_is_one(one: str, other: str, same: bool) -> None:
    once = Limit(1, seconds=60)
    assert once.take(one, 0)
    assert once.take(other, 0) is not same
