"""What a screen reader says by itself: titles, headings that take the focus, and live regions."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page

FILE = Path(__file__).with_name("announcements.txt")
REWRITE = os.environ.get("ENDORSE_REWRITE") == "1"

# A live region speaks when what stands in it changes; one that comes with its words does not,
# unless it is an alert.
_LISTEN = """
addEventListener("DOMContentLoaded", () => {
  const plain = (node) => node.textContent.replaceAll(/\\s+/g, " ").trim();
  const hidden = "[aria-hidden=true], [hidden]";
  const live = "[aria-live=polite], [aria-live=assertive], [role=status], [role=alert], output";
  let title = "";
  const nameWindow = () => {
    if (document.title === title) return;
    title = document.title;
    heard("window", title);
  };
  const speak = (region) => {
    if (region && !region.closest(hidden) && plain(region)) heard("says", plain(region));
  };
  const look = (changes) => {
    nameWindow();
    const regions = new Set();
    for (const { target, addedNodes } of changes) {
      const element = target instanceof Element ? target : target.parentElement;
      regions.add(element?.closest(live));
      for (const added of addedNodes) {
        if (!(added instanceof Element)) continue;
        for (const alert of [added, ...added.querySelectorAll("[role=alert]")])
          if (alert.matches("[role=alert]")) regions.add(alert);
      }
    }
    regions.forEach(speak);
  };
  nameWindow();
  const first = document.querySelector("h1:not([hidden] *)");
  if (first) heard("heading", plain(first));
  new MutationObserver(look).observe(document,
    { subtree: true, childList: true, characterData: true });
  addEventListener("focusin", ({ target }) => {
    if (target.matches("h1, h2, h3")) heard("heading", plain(target));
    // A text field that takes the focus is told with all that describes it.
    if (!target.matches("input[inputmode]")) return;
    const told = (target.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
    const parts = [target.labels[0], ...told.map((id) => document.getElementById(id))];
    const words = parts.map((it) => it.innerText.replaceAll(/\\s+/g, " ").trim());
    heard("field", words.filter(Boolean).join(" | "));
  });
});
"""


@dataclass
class Ear:
    """What one window has said so far, a line each, oldest first."""

    lines: list[str] = field(default_factory=list)

    @classmethod
    async def at(cls, page: Page) -> Ear:
        """Listen to a window that has not been anywhere yet."""
        ear = cls()
        await page.expose_binding("heard", ear._hear)
        await page.add_init_script(_LISTEN)
        return ear

    def _hear(self, _source: Any, kind: str, words: str) -> None:
        self.lines.append(f"{kind}: {words}")


def compare(**ears: Ear) -> None:
    """Hold what was said against `announcements.txt`; ENDORSE_REWRITE=1 writes it anew."""
    parts = [f"# {name}\n" + "".join(f"{line}\n" for line in it.lines) for name, it in ears.items()]
    said = "\n".join(parts)
    if REWRITE:
        FILE.write_text(said)
    assert said == FILE.read_text()
