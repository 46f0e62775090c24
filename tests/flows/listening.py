"""Reading an event stream to the byte, for tests of what is and is not said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import msgspec

PATIENCE = 10
"""Seconds after which what does not come fails the test."""


class Listening:
    """An open event stream: its events as they come, and all bytes so far."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.raw = b""
        self._blocks = self._read()

    async def _read(self) -> AsyncGenerator[str, None]:
        rest = ""
        async for piece in self.answer.aiter_bytes():
            self.raw += piece
            *blocks, rest = (rest + piece.decode()).split("\n\n")
            for block in blocks:
                yield block
        assert rest == "", "the stream ended in the middle of an event"

    async def event(self) -> tuple[str, str] | None:
        """The next event as (name, data); None at the end. Other blocks are passed over."""
        async with asyncio.timeout(PATIENCE):
            return await self._event()

    async def _event(self) -> tuple[str, str] | None:
        async for block in self._blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "event" in fields:
                return fields["event"], fields["data"]
        return None

    async def comment(self) -> str:
        """The next comment, which tells nothing but that the stream is alive."""
        async with asyncio.timeout(PATIENCE):
            async for block in self._blocks:
                if block.startswith(": "):
                    return block
        raise AssertionError("the stream ended without a comment")

    async def state(self, wanted: str = "") -> dict[str, Any]:
        """The next `state` event's data, or the next that says this state."""
        async with asyncio.timeout(PATIENCE):
            while (event := await self._event()) is not None:
                if event[0] == "state":
                    said: dict[str, Any] = msgspec.json.decode(event[1])
                    if wanted in ("", said["state"]):
                        return said
        raise AssertionError(f"the stream ended without the state {wanted!r}")

    async def frame(self) -> str:
        """The next frame's text."""
        async with asyncio.timeout(PATIENCE):
            while (event := await self._event()) is not None:
                if event[0] == "frame":
                    return event[1]
        raise AssertionError("the stream ended without a frame")

    async def rest(self) -> list[str]:
        """The names of the events until the end."""
        names = []
        async with asyncio.timeout(PATIENCE):
            while (event := await self._event()) is not None:
                names.append(event[0])
        return names

    async def aclose(self) -> None:
        """Stop reading."""
        await self._blocks.aclose()
