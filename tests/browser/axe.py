"""Asking axe-core whether what a page shows now is open to everybody (WCAG 2.2 AA).

It runs in a world of its own beside the page's: it sees the page, and the page neither sees it nor
has to let foreign scripts in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page

_AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_OPTIONS: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": _TAGS},
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2; axe leaves it off by itself
    "resultTypes": ["violations"],
    "preload": False,
}
_COLOURS = {
    **_OPTIONS,
    "runOnly": {"type": "rule", "values": ("color-contrast", "link-in-text-block")},
}
# A colour on its way to another has the contrast of neither. It is not waited for: a page that is
# about to leave may be drawn no more.
_LOOK = """
async (options) => {
  for (const it of document.getAnimations()) if (it instanceof CSSTransition) it.finish();
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any, all, none }) =>
    `${id} (${help}) at ${target.join(" ")}: ${[...any, ...all, ...none][0]?.message ?? ""}`));
}
"""
# Without scripts nothing but coming anew can show a moving code (WCAG 2.2.1 lets what happens in
# real time do so).
_WITHOUT_REFRESH = {"meta-refresh": {"enabled": False}}


def _run(options: dict[str, Any]) -> str:
    return f"({_LOOK})({json.dumps(options)})"


class Axe:
    """axe-core, ready in one page until that goes elsewhere."""

    def __init__(self, cdp: CDPSession, document: str, world: int, *, scripted: bool) -> None:
        self._cdp = cdp
        self._document = document
        self._world = world
        self._scripted = scripted

    @classmethod
    async def of(cls, page: Page, *, scripted: bool = True) -> Axe:
        """Bring it beside a page, which `scripted` says whether it runs scripts itself.

        It stays there as long as the page shows the same document.
        """
        known = _READY.get(page)
        cdp = known._cdp if known else await page.context.new_cdp_session(page)
        frame = (await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]
        if known is not None and known._document == frame["loaderId"]:
            return known
        where = {"frameId": frame["id"], "worldName": "axe"}
        made = await cdp.send("Page.createIsolatedWorld", where)
        axe = cls(cdp, frame["loaderId"], made["executionContextId"], scripted=scripted)
        await axe._evaluate(_AXE.read_text() + ";0")
        _READY[page] = axe
        return axe

    async def violations(self, *, colours_alone: bool = False) -> list[str]:
        """What is wrong now, a line each: the rule, the element, and what was measured.

        `colours_alone` asks only what depends on them.
        """
        options = _COLOURS if colours_alone else _OPTIONS
        if self._scripted:
            found: list[str] = await self._evaluate(_run(options))
            return found
        # axe waits for timers, which stand still with all scripts. The page's own, never started,
        # do not start late.
        await self._halt(halted=True)  # this connection has to have said so to take it back
        await self._halt(halted=False)
        try:
            rules = {**options["rules"], **_WITHOUT_REFRESH}
            found = await self._evaluate(_run({**options, "rules": rules}))
        finally:
            await self._halt(halted=True)
        return found

    async def _halt(self, *, halted: bool) -> None:
        await self._cdp.send("Emulation.setScriptExecutionDisabled", {"value": halted})

    async def _evaluate(self, expression: str) -> Any:
        call = {
            "expression": expression,
            "contextId": self._world,
            "awaitPromise": True,
            "returnByValue": True,
        }
        answer = await self._cdp.send("Runtime.evaluate", call)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"axe failed: {answer['exceptionDetails']}")
        return answer["result"].get("value")


_READY: WeakKeyDictionary[Page, Axe] = WeakKeyDictionary()
"""Where it is by now: it is half a megabyte, which takes a page a while to read."""
