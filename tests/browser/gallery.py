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
    "states-phone.png": ("phone-[0-9]-*-phone-light.png", 8, 180),
    "states-phone-dark.png": ("phone-[0-9]-*-phone-dark.png", 8, 180),
}
_GAP = 12
_GROUND = (118, 128, 124)
# Flat pages need few; photographs are in none of them but the camera's.
_COLOURS = 64
_ELSEWHERE = "german"
"""In the name of a picture that shows a state in another language once more."""


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
        pictures = sorted(it for it in HERE.glob(pattern) if _ELSEWHERE not in it.name)
        if not pictures:
            raise FileNotFoundError(f"no {pattern} in {HERE}: run the browser tests first")
        few = sheet(pictures, columns, width).quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(ROOT / "docs" / "pictures" / name, optimize=True)


if __name__ == "__main__":
    main()
