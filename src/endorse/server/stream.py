"""The page's event stream (server-sent events), as a bare ASGI application.

It says the present state, then frames of the moving code, then each change, and `done` after a
final one. There is no replay: whoever comes back gets the present state again.

Ten thousand pages may wait at once, so each keeps little (not its request, not the whole journey)
and has a single task, which sleeps until the browser leaves. Whoever pokes a page writes to it.
"""

import asyncio
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from endorse.core import frame, model
from endorse.core.journey import State
from endorse.core.model import Journey
from endorse.server.connect import (
    expires_in,
    of_browser,
    page_state,
    shown_letters,
    shown_number,
    shows_code,
)
from endorse.server.desk import Desk, log
from endorse.server.wait import Waiter
from endorse.store import reads
from endorse.store.connection import Connection

# Ten thousand pages share the few tuples of ways that there are.
_SAME_WAYS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies would otherwise hold the frames back until they are old.
    (b"x-accel-buffering", b"no"),
]
_HEARTBEAT: Final = 15
_BACK_AFTER: Final = 100
_DIED_AFTER: Final = 500
"""The same where the server said nothing more: a proxy needs a moment to notice that it died."""
_BACK_APART: Final = 10
"""Milliseconds: of the hundred slots the last comes back a second after the first."""
_NOT_KEPT: Final = model.Request(model.Trusted("", ""), (), None, None)
_OVER: Final = ("approved", "redirected", "rejected", "cancelled", "killed", "expired")


class Events:
    """`GET /connect/{short}/events`, for the browser that began."""

    def __init__(self, desk: Desk) -> None:
        """Serve from this desk."""
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one browser until it leaves, the journey is over or the server ends."""
        desk = self._desk
        news = desk.waiting.news
        page = await self._entered(scope, receive, send)
        if page is None:
            return
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            _forget(scope)
            # What moved between the read and the entry was not told to this page.
            missed = desk.waiting.news != news
            page.begin(await desk.store.read(page.again) if missed else None)
            # All else is written by who pokes the page. This hears that the browser left, or
            # that the answer is complete.
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            desk.waiting.leave(page)

    async def _entered(self, scope: Scope, receive: Receive, send: Send) -> "_Page | None":
        """Let the page wait if it may; otherwise say why not."""
        desk = self._desk
        if scope["method"] != "GET":
            await Response(status_code=405, headers={"Allow": "GET"})(scope, receive, send)
            return None
        found = await of_browser(desk, Request(scope))
        if found is None or desk.waiting.ended:
            await Response(status_code=404 if found is None else 503)(scope, receive, send)
            return None
        if page_state(desk, found, desk.clock()) in _OVER and _was_told(scope):
            await Response(status_code=204)(scope, receive, send)
            return None
        page = _Page(desk, found, send)
        desk.waiting.enter(page, ticking=True)
        return page


class _Page(Waiter):
    """One open stream: what it said last, and so what it must say next.

    It has no task of its own that wakes for each frame: a poke writes at once.
    """

    __slots__ = ("_desk", "_journey", "_key", "_last", "_open", "_send", "_task", "_told")

    def __init__(self, desk: Desk, journey: Journey, send: Send) -> None:
        super().__init__(journey.journey_id, journey.version)
        self._task = asyncio.current_task()
        self._desk = desk
        self._send = send
        self._told: tuple[str, int, int | None] = ("", 0, None)
        self._last = 0
        self._open = False
        self._journey = _pared(journey)
        self._key = frame.frame_key(desk.keys.handles, journey.qid)

    async def again(self, db: Connection) -> Journey | None:
        """Read the journey anew."""
        return await reads.journey_by_short(db, self._journey.short)

    def begin(self, now: Journey | None) -> None:
        """Say the present state; from here on a poke writes."""
        self.changed = self.changed or now
        self._open = True
        self.poke()

    def poke(self) -> None:
        """Say what is new."""
        if not self._open:
            return
        try:
            self._tell()
        except Exception:  # noqa: BLE001 - neither other pages nor the phone suffer for a bug here
            log.exception("bug in the stream of journey %s", self._journey.short)
            self._open = False
            if self._task is not None:
                self._task.cancel()

    def _take(self, journey: Journey) -> None:
        if journey.qid != self._journey.qid:
            self._key = frame.frame_key(self._desk.keys.handles, journey.qid)
        self._journey = _pared(journey)
        self.version = journey.version
        self.changed = None

    def _tell(self) -> None:
        if self.closed:
            # The browser comes back by itself, behind a load balancer to another server.
            self._open = not self._sent(self._back(_BACK_AFTER), more=False)
            return
        if self.changed is not None:
            self._take(self.changed)
        now = self._desk.clock()
        state = page_state(self._desk, self._journey, now)
        new = (state, self._journey.codes, self._journey.spelled_at)
        text = "" if self._last else self._back(_DIED_AFTER)
        if new != self._told:
            text += f"event: state\ndata: {self._state(state, now)}\n\n"
        if shows_code(self._journey, state):
            text += f"event: frame\ndata: {self._frame(now)}\n\n"
            self._desk.measures.frames += 1
        over = state in _OVER
        if over:
            # The id comes back as Last-Event-ID, should the browser reconnect all the same.
            text += "id: done\nevent: done\ndata: {}\n\n"
        if not text and now - self._last >= _HEARTBEAT:
            text = ": still here\n\n"
        # What could not be sent is not noted as told: the next poke tries again.
        if text and self._sent(text, more=not over):
            self._told, self._last = new, now
            self._open = not over

    def _back(self, after: int) -> str:
        """Say when to come back if the stream ends, in milliseconds.

        There are equally many pages in each slot, so ten thousand do not come in one moment.
        """
        return f"retry: {after + _BACK_APART * self.slot}\n\n"

    def _state(self, state: str, now: int) -> str:
        said: dict[str, object] = {
            "state": state,
            "expires_in": expires_in(self._desk, self._journey, now),
        }
        if self._journey.reason and state in (State.KILLED, State.REJECTED):
            said["reason"] = self._journey.reason
        number = shown_number(self._journey)
        letters = shown_letters(self._desk, self._journey, now)
        if number is not None and state == State.CLAIMED:
            said["number"] = number
        if letters is not None:
            said["letters"] = letters
        if state == "lapsed":
            said["codes_left"] = self._desk.law.new_codes + 1 - self._journey.codes
        return msgspec.json.encode(said).decode()

    def _frame(self, now: int) -> str:
        second = now - self._journey.code_from
        return frame.write(self._key, self._desk.issuer, self._journey, second)

    def _sent(self, text: str, more: bool) -> bool:
        """Send at once; False if the browser has not yet taken what it was sent before.

        uvicorn's `send` waits in that case alone, and before it writes anything. So a browser
        that does not read holds no more than one full buffer here, and what it reads at last is
        the present state, not old frames.
        """
        message = {"type": "http.response.body", "body": text.encode(), "more_body": more}
        sending = self._send(message).__await__()
        try:
            next(sending)
        except StopIteration:
            return True
        sending.close()
        return False


def _pared(journey: Journey) -> Journey:
    """Leave out what a page never says, which is most of a journey's bytes."""
    return msgspec.structs.replace(
        journey,
        browser_hash="",
        request=_NOT_KEPT,
        browser="",
        browser_id="",
        address="",
        ways=_SAME_WAYS.setdefault(journey.ways, journey.ways),
        document=None,
        challenge=None,
        assertion=None,
    )


def _forget(scope: Scope) -> None:
    """Let go of the request, which the HTTP server keeps as long as the answer lasts."""
    scope["headers"].clear()
    kept = {name: scope[name] for name in ("type", "method", "path")}
    scope.clear()
    scope.update(kept)


def _was_told(scope: Scope) -> bool:
    """Say whether this is a reconnect, which would only hear the end once more."""
    return (b"last-event-id", b"done") in scope["headers"]
