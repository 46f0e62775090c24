"""The picture of what was compared: a panel for each work, a bar for each server in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 880
_COLUMNS: Final = 2
_GAP: Final = 32
_PANEL: Final = (WIDTH - _GAP * (_COLUMNS + 1)) // _COLUMNS
_NAMES: Final = 182
_NUMBERS: Final = 62
_BAR: Final = 14
_STEP: Final = 21
_TITLE: Final = 30

# Both looks, since the same file is shown on white and on black; on neither is any text pale.
_STYLE: Final = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.own { fill: #0b6b5b } .other { fill: #87929d } .spread { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .own { fill: #35b39c } .other { fill: #5f6b77 } .spread { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True)
class Bar:
    """One server at one work: the median rate, and the least and most of a round."""

    name: str
    rate: float
    least: float
    most: float
    text: str
    """The rate as it is written beside the bar."""
    own: bool = False
    """Whether this is the one whose bar stands out."""


@dataclass(frozen=True)
class Panel:
    """One work. Bars are to the scale of the longest in the panel."""

    title: str
    bars: Sequence[Bar]


def draw(title: str, panels: Sequence[Panel]) -> str:
    """Give the picture as SVG; `title` says to whom cannot see it what it shows."""
    rows = [panels[it : it + _COLUMNS] for it in range(0, len(panels), _COLUMNS)]
    body: list[str] = []
    top = _GAP
    for row in rows:
        for column, panel in enumerate(row):
            body += _panel(panel, _GAP + column * (_PANEL + _GAP), top)
        top += _TITLE + _STEP * max(len(panel.bars) for panel in row) + _GAP
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
                f'width="{WIDTH}" height="{top}" role="img" aria-labelledby="t">'
            ),
            f'<title id="t">{escape(title)}</title>',
            f"<style>{_STYLE}</style>",
            *body,
            "</svg>\n",
        )
    )


def _panel(panel: Panel, left: int, top: int) -> list[str]:
    longest = max((bar.most for bar in panel.bars), default=1.0)
    across = (_PANEL - _NAMES - _NUMBERS) / longest
    start = left + _NAMES
    drawn = [f'<text class="title" x="{left}" y="{top + 12}">{escape(panel.title)}</text>']
    for number, bar in enumerate(panel.bars):
        y = top + _TITLE + number * _STEP
        middle = y + _BAR / 2
        least, most = start + bar.least * across, start + bar.most * across
        kind = "own" if bar.own else "other"
        width = max(1.0, bar.rate * across)
        drawn += [
            f'<text x="{start - 8}" y="{y + 11}" text-anchor="end">{escape(bar.name)}</text>',
            f'<rect class="{kind}" x="{start}" y="{y}" width="{width:.1f}" height="{_BAR}"/>',
            f'<path class="spread" d="M{least:.1f} {middle}H{most:.1f}"/>',
            f'<text x="{most + 6:.1f}" y="{y + 11}">{escape(bar.text)}</text>',
        ]
    return drawn
