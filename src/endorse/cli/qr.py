"""QR codes for the operator: in a terminal or a picture."""

from pathlib import Path
from typing import Any

import zxingcpp


def in_terminal(text: str) -> str:
    """Draw a code with half blocks, light background included, for a dark or light terminal."""
    rows = _modules(text)
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    lines = []
    for above, below in zip(rows[::2], rows[1::2], strict=True):
        # A light module is a filled block: codes must be dark on light.
        pairs = zip(above, below, strict=True)
        lines.append("".join(_BLOCKS[(not upper, not lower)] for upper, lower in pairs))
    return "\n".join(lines)


_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def write_png(text: str, path: str, module: int = 8) -> None:
    """Write a code as a picture, `module` pixels a module."""
    from PIL import Image

    rows = _modules(text)
    side = len(rows)
    picture = Image.frombytes("L", (side, side), bytes(255 * (not d) for row in rows for d in row))
    large = picture.resize((side * module, side * module), Image.Resampling.NEAREST)
    large.save(Path(path), "PNG")


def _modules(text: str) -> list[list[bool]]:
    """Give the code's modules row by row, True for dark, with the quiet zone around them."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=True)
    picture = memoryview(image)
    shape = picture.shape or (0, 0)
    dark = [value < 128 for value in picture.tobytes()]
    return [dark[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]
