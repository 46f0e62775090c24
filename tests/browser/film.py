"""Filming a screen: what stands on it becomes what another browser's camera sees."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from PIL import Image
from playwright.async_api import Locator, Page

from endorse.cli.qr import write_png
from endorse.phone.scan import scan

SIZE = (640, 480)
GREY = 128
_BETWEEN_PICTURES = 0.15

_HEAD = b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % SIZE


class Film:
    """A clip of one picture in YUV4MPEG2, which a running camera keeps reading.

    Chromium reads the file's only frame again and again, and so sees at once what is written
    over it. A frame that it reads half old and half new shows no code, as a shaken one would not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(_clip(Image.new("L", SIZE, GREY)))

    def show(self, picture: Image.Image) -> None:
        """Put a picture into the middle of the camera's view, on grey."""
        view = Image.new("L", SIZE, GREY)
        shown = picture.convert("L")
        shown.thumbnail(SIZE)
        view.paste(shown, ((SIZE[0] - shown.width) // 2, (SIZE[1] - shown.height) // 2))
        # In place: a camera that runs holds this very file open.
        with self.path.open("r+b") as clip:
            clip.write(_clip(view))

    def show_code(self, text: str) -> None:
        """Hold a code with this text before the camera."""
        png = self.path.with_suffix(".png")
        write_png(text, str(png))
        with Image.open(png) as code:
            self.show(code)

    def nothing(self) -> None:
        """Point the camera at a wall."""
        self.show(Image.new("L", (1, 1), GREY))

    @asynccontextmanager
    async def filming(self, page: Page, area: Locator) -> AsyncIterator[None]:
        """Film the part of the screen where `area` is now, until the block ends."""

        async def show(picture: Image.Image) -> None:
            self.show(picture)

        try:
            async with watching(page, area, show):
                yield
        finally:
            self.nothing()


Show = Callable[[Image.Image], Awaitable[None]]


@asynccontextmanager
async def watching(page: Page, area: Locator, show: Show) -> AsyncIterator[None]:
    """Show what stands where `area` is now, again and again, until the block ends."""
    box = await area.bounding_box()
    assert box is not None, "what is to be filmed is not on the screen"
    stop = asyncio.Event()

    async def film() -> None:
        while not stop.is_set():
            await show(_opened(await page.screenshot(clip=box)))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BETWEEN_PICTURES)

    running = asyncio.create_task(film())
    try:
        yield
    finally:
        stop.set()
        await running


async def photograph(area: Locator) -> Image.Image:
    """What stands on this part of the screen."""
    return _opened(await area.screenshot())


async def read_code(area: Locator) -> str:
    """The text of the code that stands on this part of the screen."""
    return scan(await photograph(area))


def _opened(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return image.copy()


def _clip(grey: Image.Image) -> bytes:
    colourless = bytes([GREY]) * (SIZE[0] * SIZE[1] // 2)
    return _HEAD + b"FRAME\n" + grey.tobytes() + colourless
