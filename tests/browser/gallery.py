"""Lay the pictures of all states out on sheets for the README.

    make pictures

runs the browser tests, which take the pictures, and then this.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.browser.pictures import HERE, ROOT

SHEETS = {
    "states-page.png": ("connect-*-desktop-light.png", 3, 420),
    "states-page-phone-dark.png": ("connect-*-phone-dark.png", 7, 200),
    "states-phone.png": ("phone-*-phone-light.png", 6, 220),
    "states-phone-dark.png": ("phone-*-phone-dark.png", 6, 220),
}
_GAP = 12
_GROUND = (118, 128, 124)
_COLOURS = 128


def sheet(pictures: list[Path], columns: int, width: int) -> Image.Image:
    """Pictures of one size, in rows of `columns`, each `width` pixels wide."""
    cells = []
    for path in pictures:
        with Image.open(path) as image:
            cells.append(image.convert("RGB").resize((width, width * image.height // image.width)))
    height = max(cell.height for cell in cells)
    rows = -(-len(cells) // columns)
    size = (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    whole = Image.new("RGB", size, _GROUND)
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        whole.paste(cell, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    return whole


def main() -> None:
    """Write every sheet. Raises FileNotFoundError if no pictures were taken."""
    for name, (pattern, columns, width) in SHEETS.items():
        pictures = sorted(HERE.glob(pattern))
        if not pictures:
            raise FileNotFoundError(f"no {pattern} in {HERE}: run the browser tests first")
        few = sheet(pictures, columns, width).quantize(_COLOURS)
        few.save(ROOT / "docs" / "pictures" / name, optimize=True)


if __name__ == "__main__":
    main()
