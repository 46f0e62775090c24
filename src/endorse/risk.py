"""The port to the risk check: how much a claim looks as if it was not the person's own doing.

When a phone takes a journey, Endorse tells a `Risk` what it knows about the browser, the phone and
the client, and gets back a `Verdict`. Endorse itself brings one that asks no outside service
(`endorse.server.risk`); a bank with a risk engine of its own implements this protocol instead.

Rules for `Risk.weigh`:

- It is called once a claim, from one event loop: it must not block. The person waits for it, so an
  answer that takes longer than a second is a nuisance.
- It weighs only; Endorse decides what follows. Green shows a calm hint, amber a warning and a short
  delay before the person may approve, red ends the journey.
- Any exception is taken for a defect of its code, and the claim is answered with 500: a check that
  cannot be made must not pass for a check that found nothing. One that asks a service which may be
  away catches that itself, and chooses its verdict.
"""

from typing import Final, Literal, Protocol

import msgspec

Way = Literal["qr", "link", "short_code", "near"]
"""How the phone came to the journey: it scanned the moving code (`qr`), opened the link on its own
screen (`link`), was told the letters (`short_code`), or has proven by radio that the browser is
beside it (`near`)."""

Level = Literal["green", "amber", "red"]
"""Nothing speaks against it; something does, and the person should look twice; refuse."""

LEVELS: Final[tuple[Level, ...]] = ("green", "amber", "red")
"""All levels, the mildest first."""

Reason = Literal[
    "own_check",
    "hosting_network",
    "new_browser",
    "short_code",
    "other_country",
    "far_apart",
    "unverified_client",
    "young_client",
    "young_phone",
    "same_network",
    "place_unknown",
]
"""Why, as a stable name; the phone's catalogue has a sentence for each.

- `own_check`: for a bank's own check that has a reason of its own. Endorse's rules never give it.
- `hosting_network`: the browser's address belongs to a data centre, a VPN or an anonymiser, where
  few people sit.
- `new_browser`: this person never approved anything from this browser. It is ordinary by itself.
- `short_code`: letters can be dictated over the telephone by somebody far away.
- `other_country`, `far_apart`: browser and phone seem to be in two countries, or many km apart.
- `unverified_client`, `young_client`: the bank has not checked who runs the client, or it has been
  registered for a few days only.
- `young_phone`: the phone has been enrolled for a short time only.
- `same_network`: browser and phone share a network. It speaks for the claim.
- `place_unknown`: nothing is known about where the browser is. It speaks neither way."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one claim, at the moment of the claim.

    Times are whole seconds since 1970 (UTC). Nothing here names the person.

    - `browser_address`, `phone_address`: IP addresses as text, after trusted proxies were taken
      off. What is not an IP address counts as unknown.
    - `browser`: as the person reads it ("Chrome on Windows"). The browser says so itself, so it may
      be a lie.
    - `browser_known`: whether this person has approved from this browser before.
    - `client_registered_at`, `client_verified`: since when the client is registered, and whether
      the bank has checked who runs it.
    - `phone_enrolled_at`: since when this phone is this person's.
    """

    way: Way
    browser_address: str
    phone_address: str
    browser: str
    browser_known: bool
    client_registered_at: int
    client_verified: bool
    phone_enrolled_at: int
    now: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim was weighed.

    - `reasons`: why, the gravest first; also what speaks for the claim, or neither way. May be
      empty.
    - `place`: the name of the place where the browser seems to be ("Utrecht"), or None where that
      is not known. Never a guess.
    - `distance_km`: whole kilometres between browser and phone as the crow flies, or None where
      either is not known.
    """

    level: Level
    reasons: tuple[Reason, ...] = ()
    place: str | None = None
    distance_km: int | None = None


class Risk(Protocol):
    """What weighs a claim; the rules stand at the top of this module."""

    async def weigh(self, it: Circumstances) -> Verdict:
        """Say how much speaks against this claim."""
        ...
