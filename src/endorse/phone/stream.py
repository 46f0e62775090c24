"""Reading server-sent events (WHATWG HTML 9.2.6) as the connect page's frames and states."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from endorse.phone.errors import NotUnderstood

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Frame:
    """The moving code's text of this moment."""

    text: str


class State(msgspec.Struct, frozen=True):
    """Where the journey stands, as the page tells it. `expires_in` is in seconds.

    `number` is what the phone must say, `letters` the short code, where the page shows them.
    """

    state: str
    expires_in: int | None = None
    reason: str | None = None
    number: int | None = None
    letters: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing follows."""


Event = Frame | State | Done


class EventReader:
    """Turns pieces of an event stream's text into events; pure."""

    def __init__(self) -> None:
        self.retry = 1.0
        self._rest = ""
        self._name = ""
        self._lines: list[str] = []

    def feed(self, text: str) -> list[Event]:
        """The events that this piece completes. `retry` is set in seconds. Raises `NotUnderstood`.

        Events of a name that the interface does not have are left out.
        """
        text = self._rest + text
        lines = _LINE_END.split(text)
        self._rest = lines.pop()
        if lines and text.endswith("\r"):
            # The next piece may begin with the line feed of this very line end.
            self._rest = lines.pop() + "\r"
        events = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        if not line:
            name, data = self._name, "\n".join(self._lines)
            empty = not self._lines
            self._name, self._lines = "", []
            return None if empty else _event(name, data)
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._lines.append(value)
        elif name == "retry" and value.isdecimal():
            self.retry = int(value) / 1000
        return None


def _event(name: str, data: str) -> Event | None:
    if name == "frame":
        return Frame(data)
    if name == "done":
        return Done()
    if name != "state":
        return None
    try:
        return msgspec.json.decode(data, type=State)
    except msgspec.DecodeError as problem:
        raise NotUnderstood(f"The page's state {data!r} is malformed: {problem}.") from problem
