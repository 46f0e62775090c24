"""How a request reaches a phone: what the phone was given, read and proven.

Three texts can claim a journey: a frame of the moving code (`frame`), the link of the app on the
same device, and the short code. Each has a syntax, a handle and a proof of its own, so that none
passes for another. The fourth way, nearness, has no text: the page asks for the passkey itself.
"""

import re
from typing import Final, Literal

import msgspec

from endorse.core import frame
from endorse.core.coding import b64url, fingerprint, mac, same
from endorse.core.frame import Frame
from endorse.core.model import Client, Journey
from endorse.core.policy import WAYS, Policy

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty consonants: no word can form, nothing looks like a digit (RFC 8628 6.1)."""
_COUNT: Final = 8
_LID: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_SPELLED: Final = re.compile(rf"[{LETTERS}]{{{_COUNT}}}\Z")
_BETWEEN: Final = str.maketrans("", "", " -\u2010\u2011\u2012\u2013\u00a0\t")


class Link(msgspec.Struct, frozen=True):
    """The link of the app on the same device, as read. Its secret is proof enough."""

    lid: str


class Spelled(msgspec.Struct, frozen=True):
    """A short code as read, in capitals without anything between them."""

    letters: str


Handle = Frame | Link | Spelled


def offered(client: Client, law: Policy) -> tuple[str, ...]:
    """Give the ways that this client's requests may take here."""
    return tuple(way for way in law.ways if not client.ways or way in client.ways)


def ways_problem(asked: tuple[str, ...]) -> str:
    """Say what is wrong with the ways in which requests may reach phones, or ""."""
    unknown = [way for way in asked if way not in WAYS]
    if unknown:
        return f"has no {unknown[0]}; there are: {' '.join(WAYS)}"
    return "" if set(asked) - {"short_code"} else "needs one of qr, link, near"


def read(text: str, issuer: str) -> Handle | None:
    """Read what a phone was given; None if it is nothing of this issuer. Nothing is proven yet."""
    found = frame.read(text, issuer)
    if found is not None:
        return found
    prefix = f"{issuer}/a#"
    if text.startswith(prefix):
        lid = text.removeprefix(prefix)
        return Link(lid) if _LID.match(lid) else None
    letters = typed(text)
    return Spelled(letters) if letters else None


def link(issuer: str, lid: str) -> str:
    """Write the link that opens the app on the same device."""
    return f"{issuer}/a#{lid}"


def way_of(handle: Handle) -> Literal["qr", "link", "short_code"]:
    """Name the way that a handle takes."""
    match handle:
        case Frame():
            return "qr"
        case Link():
            return "link"
        case Spelled():
            return "short_code"


def short_code(server_key: bytes, journey: Journey) -> str:
    """Derive the short code of a journey that has one: the same at every call."""
    fields = (journey.journey_id.encode(), (journey.spelling or "").encode())
    return spelled(mac(server_key, b"short-code", *fields)[:16])


def spelled(drawn: bytes) -> str:
    """Turn 16 random bytes into eight letters."""
    number = int.from_bytes(drawn, "big")
    letters: list[str] = []
    for _ in range(_COUNT):
        number, at = divmod(number, len(LETTERS))
        letters.append(LETTERS[at])
    return "".join(letters)


def typed(text: str) -> str | None:
    """Read eight letters as a person types them, with spaces or a dash between; None for others."""
    letters = text.translate(_BETWEEN).upper()
    return letters if _SPELLED.match(letters) else None


def spelling_hash(server_key: bytes, letters: str) -> str:
    """Give what is stored of a short code: keyed, for eight letters alone would soon be guessed."""
    return b64url(mac(server_key, b"short-code-handle", letters.encode()))


def return_nonce(server_key: bytes, journey: Journey) -> str:
    """Derive the return nonce of a journey: made at its approval, the same at every call."""
    return b64url(mac(server_key, b"return-nonce", journey.journey_id.encode()))


def counts(
    handle: Handle, journey: Journey, server_key: bytes, issuer: str, now: int, law: Policy
) -> bool:
    """Say whether a handle is genuine, of this journey, and the one that is offered now."""
    if way_of(handle) not in journey.ways:
        return False
    match handle:
        case Frame():
            key = frame.frame_key(server_key, journey.qid)
            shown = journey.lid_hash is None and handle.qid == journey.qid
            return shown and frame.counts(handle, key, issuer, journey, now, law)
        case Link(lid):
            # Also while it is claimed: an old link must not stop what came by another way.
            offered = journey.lid_hash is not None and now < journey.code_from + law.code_shown
            return offered and same(journey.lid_hash or "", fingerprint(lid))
        case Spelled(letters):
            spelled = journey.spelling_hash is not None and journey.spelled_at is not None
            return (
                spelled
                and same(journey.spelling_hash or "", spelling_hash(server_key, letters))
                and now < (journey.spelled_at or 0) + law.short_code
            )


def needs_number(way: str | None) -> bool:
    """Say whether a claim by this way must say the number on the page.

    The link came from the same device, and its return nonce takes the number's place; the
    passkey of the near way was used on the page itself. What asks by itself has no page of
    ours: the person compares its words.
    """
    return way not in ("link", "near", "asked")
