"""Going through pages with the keyboard alone."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Page, expect

_MOST_STOPS = 60

# What stands where the keyboard is now: its name, and whether a person can see that it is there.
_STOP = """
() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return null;
  const told = (at.labels?.[0] ?? at).cloneNode(true);
  for (const drawn of told.querySelectorAll("[aria-hidden=true]")) drawn.remove();
  const words = at.getAttribute("aria-label") ?? told.textContent;
  const marked = [at, at.closest("label") ?? at].map((it) => getComputedStyle(it)).some(
    ({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 2);
  const box = at.getBoundingClientRect();
  const inView = box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0;
  return [words.replaceAll(/\\s+/g, " ").trim(), inView && marked];
}
"""
_TELL_POINTERS = """
for (const kind of ["mousedown", "pointerdown", "touchstart"])
  addEventListener(kind, () => console.error(`not the keyboard: ${kind}`), true);
"""


@dataclass(frozen=True)
class Keyboard:
    """The keyboard of one window, in which every pointer is a complaint."""

    page: Page

    @classmethod
    async def of(cls, page: Page) -> Keyboard:
        """The keyboard of this window, which has not been anywhere yet."""
        await page.context.add_init_script(_TELL_POINTERS)
        return cls(page)

    async def press(self, name: str) -> None:
        """Go on with Tab to what is called this, or begins so, and press Enter there."""
        await self._go_to(name)
        await self.page.keyboard.press("Enter")

    async def tick(self, name: str) -> None:
        """Go on with Tab to the box of this name, and tick it with the space bar."""
        await self._go_to(name)
        await self.page.keyboard.press("Space")

    async def says(self, heading: str) -> None:
        """The heading is this, or becomes it, wherever the keyboard stands."""
        await expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()

    async def type(self, name: str, text: str) -> None:
        """Type into the field of this name, at which the keyboard stands already."""
        await expect(self.page.get_by_label(name, exact=True)).to_be_focused()
        await self.page.keyboard.type(text)

    async def starts_at(self, heading: str) -> None:
        """The heading is this, or becomes it, and the keyboard stands there."""
        title = self.page.get_by_role("heading", level=1, name=heading, exact=True)
        await expect(title).to_be_focused()

    async def _go_to(self, name: str) -> None:
        passed = []
        for _ in range(_MOST_STOPS):
            await self.page.keyboard.press("Tab")
            stop: tuple[str, bool] | None = await self.page.evaluate(_STOP)
            if stop is None:
                continue
            words, visible = stop
            assert visible, f"nobody sees that the keyboard is at {words!r}"
            if words.startswith(name):
                return
            passed.append(words)
        raise AssertionError(f"Tab comes to {passed}, never to {name!r}")
