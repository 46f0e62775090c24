from __future__ import annotations

import random
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from endorse.phone import NotReadable
from endorse.phone.scan import scan
from tests.phone.scripted import FRAME


def code(text: str = FRAME, scale: int = 6) -> Image.Image:
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=scale))


def tilted(image: Image.Image) -> Image.Image:
    """The code as a camera sees it from above and aside: turned, and smaller towards the top."""
    turned = image.convert("L").rotate(12, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    width, height = turned.size
    plane = (1.3, 0, 0, 0, 1.3, 0, 0.3 / width, 0.3 / height)
    return turned.transform(
        turned.size, Image.Transform.PERSPECTIVE, plane, Image.Resampling.BICUBIC, fillcolor=255
    )


def test_a_code_is_read_from_a_png(tmp_path: Path) -> None:
    path = tmp_path / "code.png"
    code().save(path)
    assert scan(path) == FRAME
    assert scan(str(path)) == FRAME


@pytest.mark.parametrize("ending", ["jpg", "webp", "gif", "bmp"])
def test_other_picture_formats_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"code.{ending}"
    code().convert("RGB").save(path)
    assert scan(path) == FRAME


def test_a_tilted_code_is_read() -> None:
    assert scan(tilted(code())) == FRAME


def test_a_code_cut_out_without_its_white_border_is_read() -> None:
    dark = code().convert("L")
    assert scan(dark.crop(ImageOps.invert(dark).getbbox())) == FRAME


def test_a_blurred_code_is_read() -> None:
    assert scan(code().filter(ImageFilter.GaussianBlur(3))) == FRAME


def test_a_tilted_blurred_pale_code_on_a_screen_is_read() -> None:
    seen = tilted(code()).filter(ImageFilter.GaussianBlur(1.2)).point(lambda v: 60 + v // 2)
    screen = Image.new("L", (1280, 900), 90)
    screen.paste(seen, (420, 130))
    assert scan(screen) == FRAME


def test_a_small_tilted_blurred_code_is_read() -> None:
    small = ImageOps.expand(code(scale=2).convert("L"), 16, fill=255)
    assert scan(tilted(small).filter(ImageFilter.GaussianBlur(1.2))) == FRAME


def test_a_code_with_specks_is_read() -> None:
    speckled = code(scale=4).convert("L")
    chance = random.Random(7)
    for _ in range(speckled.width * speckled.height // 5):
        place = chance.randrange(speckled.width), chance.randrange(speckled.height)
        speckled.putpixel(place, chance.choice((0, 255)))
    assert scan(speckled) == FRAME


def test_a_mirrored_and_an_inverted_code_are_read() -> None:
    assert scan(ImageOps.mirror(code())) == FRAME
    assert scan(ImageOps.invert(code().convert("L"))) == FRAME


def test_a_code_on_a_transparent_ground_is_read() -> None:
    dark = code().convert("L")
    cut = Image.new("RGBA", dark.size, (0, 0, 0, 255))
    cut.putalpha(ImageOps.invert(dark))
    assert scan(cut) == FRAME


def test_of_several_codes_the_one_of_the_page_counts() -> None:
    wall = Image.new("L", (1400, 700), 255)
    wall.paste(code("https://shop.example"), (0, 0))
    wall.paste(code(), (700, 0))
    assert scan(wall) == FRAME
    turned = ImageOps.mirror(ImageOps.mirror(wall).rotate(180))
    assert scan(turned) == FRAME


def test_a_picture_without_a_code_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    image = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(image).ellipse((50, 50, 200, 200), fill=0)
    image.save(path)
    with pytest.raises(NotReadable, match=r"empty\.png") as raised:
        scan(path)
    assert raised.value.code == "code_not_readable"
    assert "sharper" in raised.value.what_to_do


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("no picture")
    with pytest.raises(NotReadable, match="picture"):
        scan(path)
    with pytest.raises(NotReadable, match="picture"):
        scan(tmp_path / "missing.png")


@pytest.mark.parametrize("times_too_large", [1.5, 20])
def test_a_picture_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times_too_large: float
) -> None:
    path = tmp_path / "large.png"
    image = code()
    image.save(path)
    limit = int(image.width * image.height / times_too_large)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(NotReadable, match="exceeds limit"):
        scan(path)
