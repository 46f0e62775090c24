"""What the laws judge by: what somebody did, and how a law says that it was broken."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass


class Broken(AssertionError):
    """A law was broken: which one, and how."""


def require(held: bool, law: str, how: str) -> None:
    if not held:
        raise Broken(f"{law}: {how}")


@dataclass
class Act:
    """What somebody did: by which browser or phone, with what in hand."""

    now: int
    browser: str = ""
    phone: str = ""
    person: str = ""
    text: str = ""
    number: int | None = None
    told_by_attacker: bool = False
    credential: str = ""
    client: str = ""
    verifier: str = ""
    level: str = "green"


def challenge_of(document: str) -> str:
    """Hash a consent document as a phone does, apart from the server's code."""
    hashed = hashlib.sha256(b"endorse-consent-v1\0" + document.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
