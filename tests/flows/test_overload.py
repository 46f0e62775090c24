"""What connections may take: time, size, number. The application is not bothered with the rest."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from endorse.server.room import Room
from tests.flows import play
from tests.flows.staged import GET, POST, Stage, rest, seen, staged

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """With the usual room."""
    async with staged(Room()) as it:
        yield it


@pytest.mark.parametrize("sent", [GET[:-2], POST, POST + b"abc"], ids=["head", "body", "byte"])
async def test_a_request_that_does_not_come_whole_in_time_is_ended_and_bothers_nobody(
    stage: Stage, sent: bytes
) -> None:
    reader, writer = await seen(stage, sent)
    await stage.look(14.5)
    assert not reader.at_eof()
    await stage.look(15.5)
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    assert stage.turned_away == {"slow_sender": 1}
    assert stage.app.calls == 0
    writer.close()


async def test_a_connection_on_which_nothing_is_asked_is_ended(stage: Stage) -> None:
    reader, writer = await stage.connect()
    await stage.look(15.5)
    assert await rest(reader) == b""
    writer.close()


async def test_a_request_is_handed_on_when_all_of_it_is_there(stage: Stage) -> None:
    reader, writer = await seen(stage, POST + b"ab")
    assert stage.app.calls == 0
    writer.write(b"cd")
    assert b"abcd" in await reader.readuntil(b"abcd")
    # Between two requests the connection may rest for a while.
    await stage.look(4)
    writer.write(POST + b"efgh" + POST + b"ijkl")
    assert b"ijkl" in await reader.readuntil(b"ijkl")
    await stage.look(6)
    assert await reader.read() == b"\r\n0\r\n\r\n"
    writer.close()


async def test_who_asks_whether_to_send_a_body_is_answered(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(POST.replace(b"host", b"expect: 100-continue\r\nhost"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    # Who then sends nothing holds a connection, but no place among the requests in work.
    assert stage.app.calls == 0
    writer.write(b"abcd")
    assert b"abcd" in await reader.readuntil(b"abcd")
    writer.close()


async def test_a_head_without_end_is_refused(stage: Stage) -> None:
    reader, writer = await stage.connect()
    writer.write(b"GET / HTTP/1.1\r\n")
    # Nobody reads on once it was refused: the rest goes nowhere.
    for number in range(1000):
        writer.write(b"x-%d: %s\r\n" % (number, b"a" * 1000))
    assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
    assert (stage.app.calls, stage.turned_away) == (0, {"large_head": 1})
    writer.close()


async def test_more_connections_than_there_is_room_for_are_told_to_come_back() -> None:
    async with staged(Room(connections=4)) as stage:
        kept = [await stage.connect() for _ in range(4)]
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in answer
        assert stage.turned_away == {"connections": 1}
        for _, other in (*kept, (reader, writer)):
            other.close()


@pytest.mark.parametrize("waiting", [0, 1])
async def test_more_requests_than_there_is_room_for_are_told_to_come_back(waiting: int) -> None:
    async with staged(Room(requests=1), waiting) as stage:
        opened = []
        # An answer that is known to wait, such as a page's, takes no room.
        for number in range(1 + waiting):
            opened.append(await stage.connect())
            opened[-1][1].write(GET)
            await play.until(lambda number=number: stage.app.calls > number)  # type: ignore[misc]
        reader, writer = await stage.connect()
        writer.write(POST + b"abcd")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in head
        assert (stage.app.calls, stage.turned_away) == (1 + waiting, {"requests": 1})
        stage.app.go.set()
        for it, _ in opened:
            assert (await it.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
        for _, other in (*opened, (reader, writer)):
            other.close()


async def test_who_does_not_read_an_answer_is_ended(stage: Stage) -> None:
    stage.app.answer = b"x" * 32_000_000
    stage.app.go.set()
    reader, writer = await stage.connect()
    connection = stage.taken()
    writer.write(GET)
    await play.until(connection.transport.get_write_buffer_size)
    await stage.look(0)
    await stage.look(29)
    assert not connection.transport.is_closing()
    await stage.look(31)
    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readexactly(len(stage.app.answer))
    assert stage.turned_away == {"slow_reader": 1}
    writer.close()


async def test_who_vanishes_without_a_word_is_noticed_by_the_system(stage: Stage) -> None:
    _, writer = await stage.connect()
    connection = stage.taken()
    taken = connection.transport.get_extra_info("socket")
    assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    writer.close()
