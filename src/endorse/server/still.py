"""The code as a picture, for a page whose browser runs no scripts."""

from typing import Any, Final

import zxingcpp
from starlette.requests import Request
from starlette.responses import Response

from endorse.core import frame
from endorse.server.connect import of_browser, page_state, shows_code
from endorse.server.desk import Desk
from endorse.server.pages import Pages

_QUIET_ZONE: Final = 4
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


async def code_picture(desk: Desk, pages: Pages, request: Request) -> Response:
    """Answer `GET /connect/{short}/code.svg`: the frame of this moment, for the browser that began.

    404 for every other browser, and while no code is shown.
    """
    journey = await of_browser(desk, request)
    if journey is None or not shows_code(journey, page_state(desk, journey, desk.clock())):
        return Response(status_code=404, headers=_HEADERS)
    key = frame.frame_key(desk.keys.handles, journey.qid)
    second = desk.clock() - journey.code_from
    text = frame.write(key, desk.issuer, journey, second, still=True)
    return Response(drawn(text), 200, _HEADERS, media_type="image/svg+xml")


def drawn(text: str) -> str:
    """Draw a QR code (error correction level M) as SVG, one unit a module, dark on white."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture: Any = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)
    view = memoryview(picture)
    side = (view.shape or (0,))[0]
    dark = view.tobytes()
    # A run of dark modules in a row is one bar.
    bars = "".join(
        f"M{x + _QUIET_ZONE} {y + _QUIET_ZONE}h{length}v1h-{length}z"
        for y in range(side)
        for x, length in _runs(dark[y * side : (y + 1) * side])
    )
    whole = side + 2 * _QUIET_ZONE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{whole}v{whole}H0z"/>'
        f'<path d="{bars}"/></svg>'
    )


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Give where each run of dark modules begins, and its length."""
    runs: list[tuple[int, int]] = []
    for x, value in enumerate(row):
        if value >= 128:
            continue
        if runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((x, 1))
    return runs
