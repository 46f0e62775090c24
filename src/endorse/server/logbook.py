"""What a line of the log carries beside its words, and the two ways in which it is written.

`flow` is the same from a client's first request to the token that ends it; `request` is one HTTP
request. Neither opens anything. What else a line says as fields, it names by itself: there is no
field for what was sent, so that no secret gets into the log by the way.
"""

import logging
import re
import sys
import time
from contextvars import ContextVar
from typing import Any, Final

import msgspec

from endorse.core.change import Begin, BeginPoll, Change, KeepRequest, Move
from endorse.core.coding import b64url
from endorse.core.model import Journey, Poll, PushedRequest, Request
from endorse.core.redeem import Approval

log: Final = logging.getLogger("endorse")

TEXT: Final = "text"
JSON: Final = "json"
KINDS: Final = (TEXT, JSON)

_FLOW: Final = "endorse.flow"
_REQUEST: Final = "endorse.request"
_FIELDS: Final = "endorse_fields"
_ID_BYTES: Final = 9
_GOOD_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")

_call: Final[ContextVar[Any]] = ContextVar("call", default=None)
"""The scope of the request that this task answers."""


def enter(scope: Any) -> None:
    """Say which request the lines from here on belong to, in this task."""
    _call.set(scope)


def follow(name: str) -> None:
    """Say which flow this request turned out to belong to; "" says nothing."""
    scope = _call.get()
    if scope is not None and name:
        scope[_FLOW] = name


def flow() -> str:
    """Give the flow that this request belongs to, as far as is known; "" for none."""
    scope = _call.get()
    return "" if scope is None else str(scope.get(_FLOW, ""))


def request_id() -> str:
    """Name the request that is being answered; "" outside of one.

    By the id that a trusted proxy gave it, so that both logs say the same; or else by one of ours,
    made when the first line needs it.
    """
    scope = _call.get()
    # A page that waits has let go of its request.
    if scope is None or "app" not in scope:
        return ""
    known: str | None = scope.get(_REQUEST)
    if known is None:
        known = scope[_REQUEST] = _given(scope) or b64url(scope["app"].fresh(_ID_BYTES))
    return known


def _given(scope: Any) -> str:
    peer = scope.get("client")
    if peer is None or peer[0] not in scope["app"].trusted_proxies:
        return ""
    said = [value for name, value in scope.get("headers", ()) if name == b"x-request-id"]
    return said[0].decode() if len(said) == 1 and _GOOD_ID.fullmatch(said[0]) else ""


def fields(**named: str | int | None) -> dict[str, Any]:
    """Give the `extra` of a line: its facts by name. None of them is a secret."""
    return {_FIELDS: {name: value for name, value in named.items() if value not in (None, "")}}


def told(record: logging.LogRecord) -> dict[str, Any]:
    """Give all fields of a line."""
    around = {"flow": flow(), "request": request_id()}
    return {
        **{name: value for name, value in around.items() if value},
        **getattr(record, _FIELDS, {}),
    }


def flow_in(facts: object) -> str:
    """Find the flow in what was read for a decision: of the first request there; "" for none."""
    facts = facts.journey if isinstance(facts, Approval) else facts
    if isinstance(facts, Journey | Poll | PushedRequest):
        return facts.request.flow
    for fact in facts if isinstance(facts, tuple) else ():
        if found := flow_in(fact):
            return found
    return ""


def tell(change: Change) -> None:
    """Log in one line what a flow came to; nothing for what is not of a flow."""
    match change:
        case KeepRequest(pushed):
            _tell("a request of client %s is kept", pushed.request)
        case BeginPoll(poll):
            _tell("client %s polls for an answer", poll.request)
        case Begin(journey) | Move(after=journey):
            follow(journey.request.flow)
            if not log.isEnabledFor(logging.INFO):
                return
            log.info(
                "journey %s is %s",
                journey.short,
                journey.state.value,
                extra=fields(
                    journey=journey.short,
                    state=journey.state.value,
                    way=journey.way,
                    reason=journey.reason,
                    client=journey.request.returns_to.client_id,
                    grant=journey.grant_id,
                ),
            )


def tell_page(request: Request) -> None:
    """Log in one line that a browser was shown who asks."""
    _tell("client %s asks: the page is shown", request)


def _tell(words: str, request: Request) -> None:
    follow(request.flow)
    client_id = request.returns_to.client_id
    log.info(words, client_id, extra=fields(client=client_id))


class TextFormat(logging.Formatter):
    """Lines for people: the time, the level, the words, and to what they belong."""

    def __init__(self) -> None:
        """Write times in UTC."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Write the first line of a record."""
        around = told(record)
        marks = [f" {name}={around[name]}" for name in ("flow", "request") if name in around]
        return super().formatMessage(record) + "".join(marks)


class JsonFormat(logging.Formatter):
    """Lines for programs: one JSON object each."""

    def __init__(self) -> None:
        """Write times in UTC (RFC 3339)."""
        super().__init__()
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        at = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03}Z"
        line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.name != "endorse":
            line["logger"] = record.name
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode({**line, **told(record)}).decode()


def set_up(kind: str, level: int = logging.INFO) -> None:
    """Write the log of this process to its standard error, as `kind`, one of `KINDS`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormat() if kind == JSON else TextFormat())
    logging.basicConfig(level=level, handlers=[handler])
