"""Reading a QR code from a picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import zxingcpp
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from endorse.phone.errors import NotReadable

_QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
_OURS = ("/q#", "/phone#enrol.")
# Small codes are scaled up to this; more would cost time and find nothing.
_LARGE = 2000


def scan(picture: str | Path | Image.Image) -> str:
    """The text of the QR code in an image file, or in an open Pillow image.

    Of several codes the first that Endorse made counts, else the first. The code may be turned,
    tilted, mirrored, inverted or somewhat blurred. Raises `NotReadable`.
    """
    image = picture if isinstance(picture, Image.Image) else _load(Path(picture))
    for attempt in _attempts(_grey(image)):
        found = zxingcpp.read_barcodes(attempt, formats=_QR)
        texts = [code.text for code in found if code.valid]
        if texts:
            return next((text for text in texts if any(mark in text for mark in _OURS)), texts[0])
    raise NotReadable(f"There is no readable QR code in {_name(picture)}.")


def _load(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # A picture that unpacks to hundreds of megabytes is refused, not warned about.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return image.copy()
    except (
        OSError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as problem:
        raise NotReadable(f"{path} cannot be opened as a picture: {problem}.") from problem


def _grey(image: Image.Image) -> Image.Image:
    if image.mode not in {"RGBA", "LA", "P", "PA"}:
        return image.convert("L")
    # A code on a transparent ground is meant to lie on white.
    cut = image.convert("RGBA")
    white = Image.new("RGBA", cut.size, "white")
    return Image.alpha_composite(white, cut).convert("L")


def _attempts(image: Image.Image) -> Iterator[Image.Image]:
    yield image
    # A code cut out too tightly, or tilted up to the picture's edge, lacks its quiet zone.
    yield ImageOps.expand(image, max(image.size) // 8, fill=255)
    if max(image.size) <= _LARGE:
        larger = image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
        yield larger.filter(ImageFilter.UnsharpMask(radius=4, percent=200, threshold=0))
    yield image.filter(ImageFilter.MedianFilter(3))


def _name(picture: str | Path | Image.Image) -> str:
    return "the picture" if isinstance(picture, Image.Image) else str(picture)
