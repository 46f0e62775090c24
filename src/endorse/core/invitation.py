"""The operator's word that somebody may register clients: an initial access token (RFC 7591 3)."""

from typing import Final

import msgspec

from endorse.core.coding import Fresh, Secret, b64url, fingerprint

_PREFIX: Final = "eia_"


class Invitation(msgspec.Struct, frozen=True):
    """An initial access token, as stored: for whom, for which profile, how often and how long."""

    token_hash: str
    legal_name: str
    """The company that it was given to; its clients are shown with this name."""
    profile: str
    created_at: int
    expires_at: int
    uses_left: int


def invite(
    legal_name: str, profile: str, uses: int, lives: int, now: int, fresh: Fresh
) -> tuple[Secret, Invitation]:
    """Make one of 256 random bits: the token to show once, and what is stored of it."""
    text = _PREFIX + b64url(fresh(32))
    stored = Invitation(fingerprint(text), legal_name, profile, now, now + lives, uses)
    return Secret(text), stored
