"""Challenges of passkeys that remember nothing here: each says, sealed, what it is for."""

import msgspec

from endorse.core.coding import from_b64url
from endorse.server.desk import Desk


class Ceremony(msgspec.Struct, frozen=True):
    """What a challenge, sealed, is for: nothing is stored until the passkey answers."""

    kind: str
    about: str


def challenge_for(desk: Desk, ceremony: Ceremony) -> bytes:
    """Make a challenge that says, to this server alone, what it is for and how old it is."""
    return desk.keys.ceremonies.close(ceremony, desk.clock()).encode()


def ceremony_of(desk: Desk, challenge: str) -> Ceremony | None:
    """Read what a challenge (base64url) was made for; None if it is not ours or too old."""
    sealed = (from_b64url(challenge) or b"").decode("ascii", "replace")
    return desk.keys.ceremonies.open(sealed, Ceremony, desk.clock(), desk.law.ceremony)
