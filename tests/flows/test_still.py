"""The code as a picture: for the browser that began, while a scan counts, and for ten seconds."""

from __future__ import annotations

import re

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from endorse.phone import AlreadyScanned, CodeNotAccepted
from endorse.server.still import drawn
from tests.flows import play
from tests.flows.play import Tab
from tests.serving import Served

pytestmark = pytest.mark.anyio

PICTURE = "/connect/{}/code.svg"


async def shown(tab: Tab) -> str:
    """The text of the picture, read from its bars."""
    answer = await tab.get(PICTURE)
    assert answer.status_code == 200
    return read(answer.text)


def read(svg: str) -> str:
    """What a camera reads from a drawing of one unit a module."""
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert found is not None
    side, scale = int(found[1]), 4
    image = Image.new("L", (side * scale, side * scale), 255)
    pen = ImageDraw.Draw(image)
    for bar in re.finditer(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg):
        x, y, length = (int(it) * scale for it in bar.groups())
        pen.rectangle((x, y, x + length - 1, y + scale - 1), fill=0)
    code = zxingcpp.read_barcode(image)
    assert code is not None
    return code.text


async def test_only_the_browser_that_began_sees_the_picture_and_nobody_keeps_it(
    served: Served,
) -> None:
    tab, other = await play.begun(served), await play.begun(served)
    answer = await tab.get(PICTURE)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for cookie in ("", other.cookie):
        answer = await tab.get(PICTURE, cookie)
        assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(("age", "counts"), [(10, True), (11, False)])
async def test_a_picture_counts_for_ten_seconds(served: Served, age: int, counts: bool) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    text = await shown(tab)
    assert text.startswith(f"{served.issuer}/q#0.")
    served.clock.move(age)
    if counts:
        assert (await phone.claim(text)).way == "qr"
    else:
        with pytest.raises(CodeNotAccepted):
            await phone.claim(text)


async def test_a_picture_is_shown_while_a_scan_or_a_spoiling_scan_counts(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    other = await play.phone_of(served, "bram")
    assert (await tab.post("/connect/{}/app")).status_code == 200
    assert (await tab.get(PICTURE)).status_code == 404
    await tab.post("/connect/{}/code")
    claimed = await phone.claim(await shown(tab))
    spoiling = await shown(tab)
    await play.matched(tab, phone, claimed.journey)
    assert (await tab.get(PICTURE)).status_code == 404
    again = await play.begun(served)
    await phone.claim(await shown(again))
    with pytest.raises(AlreadyScanned):
        await other.claim(await shown(again))
    with pytest.raises(CodeNotAccepted):
        await other.claim(spoiling)


@pytest.mark.parametrize("text", ["a", "https://bank.example/q#0." + "x" * 60])
def test_what_is_drawn_is_what_is_read(text: str) -> None:
    assert read(drawn(text)) == text
