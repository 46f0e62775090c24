"""Pictures of each state, in every kind of window, and the few that the README shows.

All go to `build/pictures/`, to be looked at, where the browser tests run by themselves: nobody
looks at those of the whole suite, so it takes none. With ENDORSE_PICTURES=FOLDER the README's go
there.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.async_api import Page, ViewportSize

from tests.browser.axe import Axe

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "build" / "pictures"
README = os.environ.get("ENDORSE_PICTURES", "")
KEPT = bool(README) or "PYTEST_XDIST_WORKER" not in os.environ

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class View:
    """One kind of window."""

    name: str
    width: int
    height: int
    scheme: Scheme

    @property
    def size(self) -> ViewportSize:
        """Its size in CSS pixels."""
        return {"width": self.width, "height": self.height}


VIEWS = (
    View("desktop-light", 1280, 800, "light"),
    View("desktop-dark", 1280, 800, "dark"),
    View("phone-dark", 360, 640, "dark"),
    View("phone-light", 360, 640, "light"),
)

# A window of 1280 x 1024 whose person enlarges it: to 200 % (WCAG 1.4.4), and to 400 % (1.4.10).
ENLARGED = (View("twice as large", 640, 512, "light"), View("four times", 320, 256, "light"))

# Of 256 colours one is left for what is transparent.
_COLOURS = 255
_EDGE = (150, 160, 156, 255)

_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

# What a person could not see or not hit: text cut off, things outside the window, small targets.
_FAULTS = """
() => {
  const faults = [];
  const words = (e) => e.textContent.trim().slice(0, 40);
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} "${words(e)}"`;
  const root = document.scrollingElement;
  if (root.scrollWidth > innerWidth) faults.push(`${root.scrollWidth} px wide`);
  for (const e of document.body.querySelectorAll("*:not(svg *)")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".visually-hidden")) continue;
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (box.left < -0.5 || box.right > innerWidth + 0.5) faults.push(`outside: ${name(e)}`);
    const cuts = getComputedStyle(e).overflowX !== "visible" && e.clientWidth > 0;
    if (cuts && e.scrollWidth > e.clientWidth + 1) faults.push(`cut off: ${name(e)}`);
    const target = e.matches("button, .button, label, summary, a[href]");
    const alone = getComputedStyle(e).display !== "inline";
    if (target && alone && box.height < 47.5) faults.push(`low: ${name(e)}`);
  }
  return faults;
}
"""


async def picture(page: Page, name: str, *, fits: bool = False, scripted: bool = True) -> None:
    """Take a state's picture in every view; fail where not everybody can see, hear or hit it all.

    axe-core looks at each view; enlarged up to four times, nothing may be cut off either.
    With `fits` the state must also fit each window without scrolling. `scripted` is False where
    the page runs no scripts, and so would never say that it is painted.
    """
    before = page.viewport_size
    axe = await Axe.of(page, scripted=scripted)
    for view in VIEWS:
        await page.set_viewport_size(view.size)
        await page.emulate_media(color_scheme=view.scheme)
        if scripted:
            await page.evaluate(_PAINTED)
        if KEPT:
            HERE.mkdir(parents=True, exist_ok=True)
            (HERE.parent / ".gitignore").write_text("*\n")
            await page.screenshot(path=HERE / f"{name}-{view.name}.png")
        faults = await faults_of(page, fits=fits)
        # By night a page is the same but for its colours.
        faults += await axe.violations(colours_alone=view.scheme == "dark")
        assert not faults, f"{name} in {view.name}: {faults}"
    await page.emulate_media(color_scheme="light")
    for view in ENLARGED:
        await page.set_viewport_size(view.size)
        if scripted:
            await page.evaluate(_PAINTED)
        faults = await faults_of(page, fits=False)
        assert not faults, f"{name} in {view.name}: {faults}"
    if before is not None:
        await page.set_viewport_size(before)


async def faults_of(page: Page, *, fits: bool) -> list[str]:
    """What is cut off or cannot be hit in this window; with `fits` also whether it scrolls."""
    faults: list[str] = await page.evaluate(_FAULTS)
    height: int = await page.evaluate("document.scrollingElement.scrollHeight - innerHeight")
    return [*faults, f"{height} px too high"] if fits and height > 0 else faults


async def shot(page: Page, width: int, height: int) -> Image.Image:
    """What a light window of this size shows now, from the top."""
    before = page.viewport_size
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("scrollTo(0, 0)")
    await page.evaluate(_PAINTED)
    taken = await page.screenshot()
    if before is not None:
        await page.set_viewport_size(before)
    with Image.open(io.BytesIO(taken)) as image:
        return image.convert("RGB")


def for_readme(name: str, image: Image.Image) -> None:
    """Keep a picture for the README, if they are asked for; what is transparent stays so."""
    if not KEPT:
        return
    folder = ROOT / README if README else HERE / "readme"
    folder.mkdir(parents=True, exist_ok=True)
    few = image.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)
    if image.mode == "RGBA":
        few.paste(_COLOURS, mask=image.getchannel("A").point(lambda alpha: 255 * (alpha < 128)))
        few.info["transparency"] = _COLOURS
    few.save(folder / name, optimize=True)


def strip(steps: list[Image.Image], height: int = 420, gap: int = 28) -> Image.Image:
    """Pictures of one height side by side, each a card with round corners on nothing."""
    cards = [_card(step.resize((step.width * height // step.height, height))) for step in steps]
    width = sum(card.width for card in cards) + gap * (len(cards) - 1)
    whole = Image.new("RGBA", (width, height))
    left = 0
    for card in cards:
        whole.paste(card, (left, 0))
        left += card.width + gap
    return whole


def _card(image: Image.Image, radius: int = 16) -> Image.Image:
    card = image.convert("RGBA")
    edge = (0, 0, card.width - 1, card.height - 1)
    corners = Image.new("L", card.size)
    ImageDraw.Draw(corners).rounded_rectangle(edge, radius, fill=255)
    ImageDraw.Draw(card).rounded_rectangle(edge, radius, outline=_EDGE, width=2)
    card.putalpha(corners)
    return card
