import re
from pathlib import Path

import pytest

import endorse.sandbox.budgetly as package

CSS = (Path(package.__file__).parent / "static" / "budgetly.css").read_text()
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS
    )
}
TEXT = [
    (front, back)
    for front in ("ink", "soft", "clay", "leaf")
    for back in ("paper", "card")
] + [("on-clay", "clay")]  # fmt: skip
CONTROLS = [("clay", "paper"), ("clay", "card"), ("focus", "paper")]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(front: str, back: str, dark: int) -> float:
    one, other = sorted(luminance(COLOURS[name][dark]) for name in (front, back))
    return (other + 0.05) / (one + 0.05)


@pytest.mark.parametrize("dark", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(front: str, back: str, dark: int) -> None:
    assert contrast(front, back, dark) >= 4.5


@pytest.mark.parametrize("dark", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), CONTROLS)
def test_controls_can_be_seen(front: str, back: str, dark: int) -> None:
    assert contrast(front, back, dark) >= 3


def test_no_colour_stands_outside_the_tokens() -> None:
    assert not re.search(r"#[0-9a-f]{3,8}", CSS.split("}", 1)[1])
