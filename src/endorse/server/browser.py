"""What a browser tells about itself: its name ("Chrome on Windows"), its address, its cookies."""

import re
from functools import lru_cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from endorse.core.coding import b64url, fingerprint
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.limit import address_of

_NAMES_KEPT: Final = 256
_LASTING: Final = 180 * 24 * 60 * 60
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_LASTING_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

# The order matters: every Chromium also says Chrome and Safari, every Android also Linux.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)


@lru_cache(_NAMES_KEPT)
def browser_name(user_agent: str) -> str:
    """Name browser and system from the User-Agent. It is a hint: anyone can send any."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or "an unknown browser"


def address(desk: Desk, request: Request) -> str:
    """Give the caller's address: the peer's, or what a trusted proxy says it forwarded."""
    return address_of(request.scope, desk.trusted_proxies)


def cookie_name(desk: Desk, short: str) -> str:
    """Name the cookie that holds B: one a journey, so that tabs do not mix.

    Without https the prefix and Secure are left out, because HTTP clients' cookie jars would
    not send it back; settings allow that on this machine's own sandbox alone.
    """
    return f"__Host-tx_{short}" if desk.settings.secure else f"tx_{short}"


def cookie(request: Request, name: str) -> str:
    """Give the cookie of this name, "" for none: of several the last. Ours need no unquoting."""
    found = ""
    for header in wire.headers(request, b"cookie"):
        for pair in header.split(";"):
            known, _, value = pair.partition("=")
            if known.strip() == name:
                found = value.strip()
    return found


def set_cookie(desk: Desk, answer: Response, name: str, value: str, lives: int) -> None:
    """Give the browser a cookie that no script reads and no other site sends by itself."""
    if not _PLAIN.fullmatch(value):
        raise ValueError("a cookie of ours is base64url, so that nothing in it needs quoting")
    secure = "; Secure" if desk.settings.secure else ""
    said = f"{name}={value}; HttpOnly; Max-Age={lives}; Path=/; SameSite=lax{secure}"
    answer.raw_headers.append((b"set-cookie", said.encode("ascii")))


def lasting(desk: Desk, request: Request) -> str:
    """Give the browser's lasting cookie, or a new one: it tells a known browser, nothing else."""
    value = cookie(request, _lasting_name(desk))
    return value if _LASTING_VALUE.fullmatch(value) else b64url(desk.fresh(32))


def keep_lasting(desk: Desk, answer: Response, value: str) -> str:
    """Set the lasting cookie for another 180 days; give its hash."""
    set_cookie(desk, answer, _lasting_name(desk), value, _LASTING)
    return fingerprint(value)


def _lasting_name(desk: Desk) -> str:
    return "__Host-browser" if desk.settings.secure else "browser"
