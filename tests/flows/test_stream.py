"""The event stream: the present state first, frames, `done` at the end, and nothing private."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import socket
from collections.abc import Callable
from pathlib import Path

import httpx2
import msgspec
import pytest

from endorse.phone import Phone
from endorse.store.connection import Query
from endorse.store.sqlite import SqliteEngine
from tests.flows import play
from tests.flows.listening import PATIENCE, Listening
from tests.flows.play import QUICK, number, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def test_a_stream_opens_with_the_present_state_and_then_the_frame(served: Served) -> None:
    tab = await play.begun(served)
    served.clock.move(20)
    async with tab.listening() as page:
        assert page.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert page.answer.headers["cache-control"] == "no-store"
        assert page.answer.headers["x-accel-buffering"] == "no"
        assert await page.event() == ("state", '{"state":"waiting","expires_in":100}')
        event = await page.event()
        assert event is not None
        shape = rf"{served.issuer}/q#1\.[\w-]{{22}}\.20\.[\w-]{{22}}"
        assert event[0] == "frame"
        assert re.fullmatch(shape, event[1])
        assert re.match(rb"retry: \d+\n\nevent: state\n", page.raw)


@pytest.mark.usefixtures("one_server")
async def test_pages_of_a_server_that_dies_come_back_at_moments_of_their_own(
    served: Served,
) -> None:
    """Evenly from half a second to one and a half, which leaves a second and a half of three."""
    backs: list[int] = []
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            page = await stack.enter_async_context((await play.begun(served)).listening())
            await page.frame()
            backs += map(int, re.findall(rb"retry: (\d+)\n\n", page.raw))
        assert len(set(backs)) == 5
        assert min(backs) >= 500
        assert max(backs) < 1500


async def test_each_frame_carries_the_second_in_which_it_was_sent(served: Served) -> None:
    tab = await play.begun(served)
    async with tab.listening() as page:
        assert (await page.frame()).split(".")[2] == "0"
        served.clock.move(3)
        while (second := (await page.frame()).split(".")[2]) == "0":
            pass
        assert second == "3"


async def test_pages_that_wait_ask_nothing_and_their_server_looks_once_a_second_for_them_all(
    bank_server: Served,
) -> None:
    engine = bank_server.desk.store._engine
    assert isinstance(engine, SqliteEngine)
    asked: list[str] = []
    first, second = await play.begun(bank_server), await play.begun(bank_server)
    clock = asyncio.get_running_loop().time
    async with first.listening() as page, second.listening() as other:
        await other.frame()
        began = clock()
        for connection in (engine._reader, engine._writer):
            connection.set_trace_callback(asked.append)
        while clock() - began < 1.5:
            await page.frame()
            await other.frame()
        seconds = clock() - began
    # The sweep, which goes on meanwhile, only deletes.
    selected = [statement for statement in asked if statement.startswith("SELECT")]
    assert 1 <= len(selected) <= seconds + 1
    assert all("reason = 'phone_revoked'" in statement for statement in selected)


async def test_frames_go_on_while_claimed_and_stop_when_the_phone_goes_on(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    async with tab.listening() as page:
        journey = (await phone.claim(await page.frame())).journey
        await page.state("claimed")
        await page.frame()
        await phone.match(journey, await number(served, journey))
        await page.state("matched")
        await phone.refuse(journey)
        event = await page.event()
        assert event is not None
        assert event[0] == "state"


@pytest.mark.parametrize("end", ["approved", "rejected", "cancelled"])
async def test_a_decision_is_told_once_then_done_and_the_stream_ends(
    served: Served, end: str
) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    async with tab.listening() as page:
        review = await play.reviewed(tab, phone)
        if end == "approved":
            await phone.approve(review)
        elif end == "rejected":
            await phone.refuse(review.journey)
        else:
            await tab.post("/connect/{}/cancel")
        await page.state(end)
        assert await page.rest() == ["done"]
        assert page.raw.endswith(b"id: done\nevent: done\ndata: {}\n\n")


async def test_who_heard_the_end_and_reconnects_is_told_not_to_come_back(served: Served) -> None:
    tab = await play.approved(served, await play.phone_of(served))
    async with tab.listening() as page:
        await page.rest()
    async with tab.listening(last_event_id="done") as page:
        assert page.answer.status_code == 204
    waiting = await play.begun(served)
    async with waiting.listening(last_event_id="done") as page:
        assert page.answer.status_code == 200
        assert (await page.state())["state"] == "waiting"


async def test_a_page_opened_late_still_hears_of_the_approval(served: Served) -> None:
    tab = await play.approved(served, await play.phone_of(served))
    async with tab.listening() as page:
        assert (await page.state())["state"] == "approved"
        assert await page.rest() == ["done"]
    await tab.resume()
    async with tab.listening() as page:
        assert (await page.state())["state"] == "redirected"
        assert await page.rest() == ["done"]


async def test_what_moves_while_a_page_is_let_in_is_told_to_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, store = await play.begun(served), served.desk.store
    read = store.read

    async def slow(query: Query[object]) -> object:
        monkeypatch.undo()
        found = await read(query)
        await tab.post("/connect/{}/cancel")
        return found

    # The page's journey is read, and moves before the page is known to wait for it.
    monkeypatch.setattr(store, "read", slow)
    async with tab.listening() as page:
        assert (await page.state())["state"] == "cancelled"
        assert await page.rest() == ["done"]


async def test_an_expiry_is_told_without_anybody_doing_anything(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    async with tab.listening() as page:
        await phone.claim(await page.frame())
        await page.state("claimed")
        served.clock.move(120)
        await page.state("expired")
        assert await page.rest() == ["done"]


async def test_every_page_of_the_browser_hears_the_same(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    async with tab.listening() as one, tab.listening() as two:
        await play.claimed(tab, phone)
        await one.state("claimed")
        await two.state("claimed")


async def test_a_heartbeat_comes_after_15_quiet_seconds(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    journey = (await play.claimed(tab, phone)).journey
    await phone.match(journey, await number(served, journey))
    async with tab.listening() as page:
        await page.state("matched")
        served.clock.move(15)
        assert await page.comment() == ": still here"


async def _whole_journey(served: Served, phone: Phone) -> tuple[bytes, list[str]]:
    """All bytes that a page hears, and what must not be among them."""
    tab = await play.begun(served, state="the same")
    async with tab.listening() as page:
        claimed = await phone.claim(await page.frame())
        await page.state("claimed")
        matched = await phone.match(claimed.journey, await number(served, claimed.journey))
        await page.state("matched")
        chosen = matched.accounts[:2]
        review = await phone.review(claimed.journey, [it.resource_id for it in chosen])
        await page.state("review")
        await phone.edit(claimed.journey)
        await page.state("matched")
        review = await phone.review(claimed.journey, [it.resource_id for it in chosen])
        await page.state("review")
        await phone.approve(review)
        await page.rest()
    code = play.answered(await tab.resume())["code"]
    async with tab.listening() as late:
        await late.rest()
    assert phone.person is not None
    assert phone.phone_id is not None
    private = [code, tab.cookie.split("=")[1], tab.short, phone.person.id, phone.person.name]
    private += [*phone.person.name.split()[:1], phone.phone_id, phone.device.thumbprint]
    private += [text for it in chosen for text in (it.resource_id, it.iban, it.name)]
    private += [review.document, review.options["challenge"], "the same", served.app.client_id]
    return page.raw + late.raw, private


def _without_frames_and_times(raw: bytes) -> bytes:
    once = re.sub(rb"event: frame\ndata: \S+\n\n", b"", raw)
    return re.sub(rb'"(expires_in|number)":\d+', rb'"\1":0', once)


async def test_no_byte_of_the_stream_tells_who_scans_or_holds_a_code(served: Served) -> None:
    heard = []
    for person in ("anna", "fatima"):
        raw, private = await _whole_journey(served, await play.phone_of(served, person))
        assert [text for text in private if text.encode() in raw] == []
        heard.append(_without_frames_and_times(raw))
    assert heard[0] == heard[1]


async def test_the_end_of_the_server_ends_streams_and_watches_at_once(tmp_path: Path) -> None:
    http = quiet_client()
    async with contextlib.AsyncExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ends.sqlite3'}"
        served = await stack.enter_async_context(serving(url, QUICK))
        served.http = http
        phone, tab = await play.phone_of(served), await play.begun(served)
        journey = (await play.claimed(tab, phone)).journey
        watching = await play.waiting(served, phone.watch(journey, "claimed"))
        events = f"/connect/{tab.short}/events"
        request = http.build_request("GET", served.url(events), headers={"Cookie": tab.cookie})
        page = Listening(await http.send(request, stream=True))
        assert (await page.state())["state"] == "claimed"
        await stack.aclose()
        assert "done" not in await page.rest()
        [_, back] = re.findall(rb"retry: (\d+)\n\n", page.raw)
        assert 100 <= int(back) <= 1100
        assert page.raw.endswith(b"retry: " + back + b"\n\n")
        assert (await watching).state == "claimed"
    await http.aclose()


@pytest.mark.usefixtures("one_server")
async def test_a_reader_that_leaves_is_forgotten(served: Served) -> None:
    tab = await play.begun(served)
    before = served.desk.waiting.count()
    async with tab.listening() as page:
        await page.frame()
        assert served.desk.waiting.count() == before + 1
    await play.until(lambda: served.desk.waiting.count() == before)


def _unsent() -> Callable[[], int]:
    """Tell, when called, how many bytes the fullest connection of this process holds back."""
    all_here = [it for it in gc.get_objects() if type(it).__name__ == "TCPTransport"]
    open_here = [it for it in all_here if not it.is_closing()]
    return lambda: max(int(it.get_write_buffer_size()) for it in open_here if not it.is_closing())


async def test_who_does_not_read_holds_one_full_buffer_and_reads_the_newest_state_at_last(
    served: Served,
) -> None:
    tab, loop = await play.begun(served), asyncio.get_running_loop()
    host = served.issuer.removeprefix("http://")
    head = (
        f"GET /connect/{tab.short}/events HTTP/1.1\r\nHost: {host}\r\nCookie: {tab.cookie}\r\n\r\n"
    )
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.setblocking(False)
        before = served.desk.waiting.count()
        await loop.sock_connect(lazy, ("127.0.0.1", int(host.rsplit(":", 1)[1])))
        await loop.sock_sendall(lazy, head.encode())
        await play.until(lambda: served.desk.waiting.count() == before + 1)
        journey, full = await play.journey_of(tab), 64 * 1024
        unsent = _unsent()
        while unsent() <= full:
            for _ in range(100):
                served.desk.waiting.changed(journey)
            await asyncio.sleep(0)  # the system takes what it can hold
        assert unsent() < full + 1000
        await tab.post("/connect/{}/cancel")
        assert unsent() < full + 1000
        heard = b""
        async with asyncio.timeout(PATIENCE):
            while not heard.endswith(b"0\r\n\r\n"):
                heard = heard[-1000:] + await loop.sock_recv(lazy, 1 << 20)
        assert b'"state":"cancelled"' in heard
        assert heard.count(b"event: done") == 1


@pytest.mark.usefixtures("one_server")
async def test_a_page_that_breaks_ends_alone(served: Served) -> None:
    broken, whole = await play.begun(served), await play.begun(served)
    async with broken.listening() as one, whole.listening() as other:
        await one.frame()
        nonsense = msgspec.structs.replace(await play.journey_of(broken), code_from="nonsense")
        served.desk.waiting.changed(nonsense)
        with pytest.raises(httpx2.RemoteProtocolError):
            await one.rest()
        served.clock.move(3)
        while (await other.frame()).split(".")[2] != "3":
            pass


async def test_a_page_that_waits_keeps_nothing_of_its_request(served: Served) -> None:
    tab = await play.begun(served)
    async with tab.listening() as page:
        await page.frame()
        sent = (b"cookie", tab.cookie.encode())
        assert [it for it in gc.get_objects() if isinstance(it, list) and sent in it[:50]] == []
