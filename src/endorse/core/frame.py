"""The text of the moving code: made for the page every two seconds, read back from the phone.

`<issuer>/q#1.<qid>.<s>.<mac>`: everything secret stands after `#`, so that a plain camera app
sends nothing to any server. `s` counts whole seconds from the code's beginning; the mac binds
kind, issuer, handle, second and request, so that no part can be moved to another frame. A page
without script shows kind 0, whose frames count a little longer because they change less often.
"""

import re
from typing import Final

import msgspec

from endorse.core.coding import b64url, mac, same
from endorse.core.model import Journey
from endorse.core.policy import Policy

_TEXT: Final = re.compile(
    r"([01])\.([A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,5})\.([A-Za-z0-9_-]{22})\Z"
)


class Frame(msgspec.Struct, frozen=True):
    """A frame as read: which code, which second, and the mac that must prove it."""

    qid: str
    second: int
    mac: str
    still: bool = False
    """Whether a page without script showed it."""


def frame_key(server_key: bytes, qid: str) -> bytes:
    """Derive K, the key of one code's frames. It never leaves the server."""
    return mac(server_key, b"frame-key", qid.encode())


def write(key: bytes, issuer: str, journey: Journey, second: int, still: bool = False) -> str:
    """Write the frame of this second of the journey's code."""
    kind = 0 if still else 1
    return f"{issuer}/q#{kind}.{journey.qid}.{second}.{_mac(key, issuer, journey, second, still)}"


def read(text: str, issuer: str) -> Frame | None:
    """Read a scanned text; None if it is not a frame of this issuer. The mac is not checked."""
    prefix = f"{issuer}/q#"
    match = _TEXT.match(text, len(prefix)) if text.startswith(prefix) else None
    if match is None:
        return None
    return Frame(match[2], int(match[3]), match[4], still=match[1] == "0")


def counts(frame: Frame, key: bytes, issuer: str, journey: Journey, now: int, law: Policy) -> bool:
    """Say whether a frame is genuine and was on the screen just now."""
    age = now - journey.code_from - frame.second
    lives = law.still_frame_lives if frame.still else law.frame_lives
    genuine = same(frame.mac, _mac(key, issuer, journey, frame.second, frame.still))
    return genuine and -law.frame_ahead <= age <= lives


def _mac(key: bytes, issuer: str, journey: Journey, second: int, still: bool) -> str:
    kind = b"qr-still-1" if still else b"qr-1"
    fields = (issuer, journey.qid, str(second), journey.digest)
    return b64url(mac(key, kind, *(field.encode() for field in fields))[:16])
