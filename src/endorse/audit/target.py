"""What is attacked, with what the auditor gave for it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

SCOPE = "accounts balances transactions offline_access"
"""What the attacks ask for."""

PATIENCE = 12.0
"""Seconds that an attack may wait for something to run out, unless more is allowed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, a client of it, and how phones and time are had.

    - `saved`: phones that `Phone.to_dict` wrote, of one person each; without any, the sandbox's own
      route enrols invented people.
    - `enrolment_code`: a fresh one of the first saved phone's person, for attack 26.
    - `patience`: the longest wait in seconds; `clock` gives epoch seconds, `wait` lets them pass.
    - `guesses`: how often each secret is guessed; `crowd`: how many phones act at one moment.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = None
    saved: tuple[Mapping[str, object], ...] = ()
    enrolment_code: str | None = None
    patience: float = PATIENCE
    guesses: int = 100
    crowd: int = 8
    clock: Callable[[], float] = time.time
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    def authorize_url(self, verifier_hash: str, **changed: str | None) -> str:
        """An authorization URL of the client; a parameter set to None is left out."""
        params: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": secrets.token_urlsafe(16),
            "scope": SCOPE,
            "code_challenge": verifier_hash,
            "code_challenge_method": "S256",
            **changed,
        }
        sent = {name: value for name, value in params.items() if value is not None}
        return f"{self.issuer}/auth?{urlencode(sent)}"
