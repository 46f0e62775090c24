"""The picture of the benchmarks: well formed, to scale, and legible on white and on black."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import plot, tables
from bench.plot import Bar, Panel
from tests.bench.things import compared, rounds

SVG = "{http://www.w3.org/2000/svg}"
PANELS = [
    Panel(
        "one & the other",
        [Bar("us", 50, 40, 60, "50/s", own=True), Bar("<them>", 25, 25, 25, "25/s")],
    ),
    Panel("a third", [Bar("us", 1, 1, 1, "1.0/s", own=True)]),
    Panel("a fourth", []),
]


def _drawn() -> ET.Element:
    return ET.fromstring(plot.draw("All of them", PANELS))


def test_bars_are_to_the_scale_of_their_panel() -> None:
    widths = [float(bar.attrib["width"]) for bar in _drawn().iter(f"{SVG}rect")]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert widths[2] > widths[0]


def test_names_and_numbers_stand_there_as_text() -> None:
    said = [text.text for text in _drawn().iter(f"{SVG}text")]
    assert said == [
        "one & the other",
        "us",
        "50/s",
        "<them>",
        "25/s",
        "a third",
        "us",
        "1.0/s",
        "a fourth",
    ]


def test_nothing_is_drawn_outside_of_the_picture() -> None:
    svg = _drawn()
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for bar in svg.iter(f"{SVG}rect"):
        right = float(bar.attrib["x"]) + float(bar.attrib["width"])
        assert right < width
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) < height


def test_our_bars_stand_out() -> None:
    assert [bar.attrib["class"] for bar in _drawn().iter(f"{SVG}rect")] == ["own", "other", "own"]


@pytest.mark.parametrize(("look", "behind"), [(0, "#ffffff"), (1, "#0d1117")])
def test_text_and_bars_are_legible_in_both_looks(look: int, behind: str) -> None:
    style = plot.draw("", []).split("@media")[look]
    text = re.search(r"text \{.*?fill: (#\w+)", style)
    assert text is not None
    assert _contrast(text[1], behind) >= 4.5
    for bar in re.findall(r"\.(?:own|other) \{ fill: (#\w+)", style):
        assert _contrast(bar, behind) >= 3.0
    assert len(re.findall(r"\.(?:own|other) \{", style)) == 2


def test_the_picture_shows_whoever_was_measured() -> None:
    panels = tables.panels(compared(Endorse=rounds(10, 30, 20), bare_Starlette=rounds(50)))
    [panel] = [it for it in panels if it.bars]
    assert panel.bars == [
        Bar("Endorse", 20, 10, 30, "20.0/s", own=True),
        Bar("bare Starlette", 50, 50, 50, "50.0/s"),
    ]


def test_the_page_of_the_benchmarks_shows_the_picture() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert f"]({tables.PICTURE})" in (docs / "benchmarks.md").read_text()
    assert ET.parse(docs / tables.PICTURE).getroot().tag == f"{SVG}svg"


def _contrast(one: str, other: str) -> float:
    """Give the contrast of two colours (WCAG 2.2, relative luminance)."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)
