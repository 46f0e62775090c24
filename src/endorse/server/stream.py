"""The page's event stream (server-sent events), as a bare ASGI application.

It says the present state, then frames of the moving code, then each change, and `done` after a
final one. There is no replay: whoever comes back gets the present state again.
"""

import asyncio
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from endorse.core import frame
from endorse.core.journey import State
from endorse.core.model import Journey
from endorse.server.connect import expires_in, of_browser, page_state
from endorse.server.desk import Desk
from endorse.server.wait import Waiter
from endorse.store import reads

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies would otherwise hold the frames back until they are old.
    (b"x-accel-buffering", b"no"),
]
_HEARTBEAT: Final = 15
_OVER: Final = ("approved", "redirected", "rejected", "cancelled", "killed", "expired")


class Events:
    """`GET /connect/{short}/events`, for the browser that began."""

    def __init__(self, desk: Desk) -> None:
        """Serve from this desk."""
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one browser until it leaves, the journey is over or the server ends."""
        desk = self._desk
        if scope["method"] != "GET":
            await Response(status_code=405, headers={"Allow": "GET"})(scope, receive, send)
            return
        found = await of_browser(desk, Request(scope))
        if found is None or desk.waiting.ended:
            await Response(status_code=404 if found is None else 503)(scope, receive, send)
            return
        if page_state(desk, found) in _OVER and _was_told(scope):
            await Response(status_code=204)(scope, receive, send)
            return
        waiter = Waiter(found.journey_id)
        desk.waiting.enter(waiter, ticking=True)
        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(lambda _: waiter.close())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _Page(desk, waiter, found, send).serve()
            if not leaving.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            desk.waiting.leave(waiter)
            leaving.cancel()


class _Page:
    """One open stream: what it said last, and so what it must say next."""

    __slots__ = ("_desk", "_journey", "_key", "_last", "_send", "_told", "_waiter")

    def __init__(self, desk: Desk, waiter: Waiter, journey: Journey, send: Send) -> None:
        self._desk = desk
        self._waiter = waiter
        self._journey = journey
        self._send = send
        self._told = ""
        self._last = 0
        self._key = b""

    async def serve(self) -> None:
        """Say the present state, then wait and tell, until it is over."""
        # Read again: a change between the first read and the entry would have been missed.
        short = self._journey.short
        now = await self._desk.store.read(lambda db: reads.journey_by_short(db, short))
        self._take(self._waiter.changed or now or self._journey)
        while not self._waiter.closed:
            if await self._tell():
                return
            await self._waiter.wake()
            if self._waiter.changed is not None:
                self._take(self._waiter.changed)

    def _take(self, journey: Journey) -> None:
        self._journey = journey
        self._waiter.changed = None
        self._key = frame.frame_key(self._desk.keys.handles, journey.qid)

    async def _tell(self) -> bool:
        """Say what is new; True when nothing more will follow."""
        state = page_state(self._desk, self._journey)
        new = f"{state} {self._journey.codes}"
        text = "" if self._told else "retry: 1000\n\n"
        if new != self._told:
            self._told = new
            text += f"event: state\ndata: {self._state(state)}\n\n"
        if state in ("waiting", "claimed"):
            text += f"event: frame\ndata: {self._frame()}\n\n"
        over = state in _OVER
        if over:
            # The id comes back as Last-Event-ID, should the browser reconnect all the same.
            text += "id: done\nevent: done\ndata: {}\n\n"
        if not text and self._desk.clock() - self._last >= _HEARTBEAT:
            text = ": still here\n\n"
        if text:
            await self._write(text)
        return over

    def _state(self, state: str) -> str:
        said: dict[str, object] = {
            "state": state,
            "expires_in": expires_in(self._desk, self._journey),
        }
        if self._journey.reason and state == State.KILLED:
            said["reason"] = self._journey.reason
        if state == "lapsed":
            said["codes_left"] = self._desk.law.new_codes + 1 - self._journey.codes
        return msgspec.json.encode(said).decode()

    def _frame(self) -> str:
        second = self._desk.clock() - self._journey.code_from
        return frame.write(self._key, self._desk.issuer, self._journey, second)

    async def _write(self, text: str) -> None:
        self._last = self._desk.clock()
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _was_told(scope: Scope) -> bool:
    """Say whether this is a reconnect, which would only hear the end once more."""
    return (b"last-event-id", b"done") in scope["headers"]


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
