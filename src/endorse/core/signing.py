"""The server's own signing keys: which one signs, which are published, how one follows another.

A key is published before it signs and after: whoever keeps our keys for as long as they are told
always has the one that verifies.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from endorse.core.change import AddSigningKey, Decision
from endorse.core.metadata import FAPI2
from endorse.core.model import Client, SigningKey
from endorse.core.policy import Policy

KINDS: Final = {"EC": ("ES256",), "RSA": ("RS256", "PS256")}
"""Each kind of key that the server has one of, and what it signs with (RFC 7518 3.1)."""

ALGORITHMS: Final = tuple(alg for algs in KINDS.values() for alg in algs)


def kind_of(alg: str) -> str:
    """Give the kind of key that signs with this algorithm. Raises ValueError if none does."""
    for kind, algorithms in KINDS.items():
        if alg in algorithms:
            return kind
    raise ValueError(f"no key of this server signs with {alg}")


def usual(client: Client) -> str:
    """Give what is signed with for a client that registered nothing (RFC 9701 6, FAPI 2 5.4.1)."""
    return "PS256" if client.profile == FAPI2 else "RS256"


def signer(keys: Sequence[SigningKey], kind: str, now: int) -> SigningKey | None:
    """Give the key that signs now: the newest whose time has come. None if there is no key.

    Where none's time has come (another server's clock is ahead), the oldest signs.
    """
    mine = sorted((key for key in keys if key.kind == kind), key=lambda key: key.number)
    begun = [key for key in mine if key.signs_from <= now]
    return begun[-1] if begun else next(iter(mine), None)


def published(keys: Sequence[SigningKey], now: int) -> list[dict[str, Any]]:
    """Give the JWK set's keys (RFC 7517 5): those that sign, will sign, or did until lately."""
    return [
        {**msgspec.json.decode(key.public_jwk), "kid": key.kid, "use": "sig"}
        for key in keys
        if key.leaves_at is None or now < key.leaves_at
    ]


def add(
    keys: Sequence[SigningKey], key: SigningKey, now: int, law: Policy, at_once: bool = False
) -> Decision[SigningKey]:
    """Let a new key follow those of its kind, which leave when all that they signed is over.

    `at_once` is for a private key that others may know: the new one signs now, and what the old
    ones signed counts no more. The first key of a kind signs now, too: nobody knows another.
    """
    before = [other.number for other in keys if other.kind == key.kind]
    wait = 0 if at_once or not before else law.key_published
    added = msgspec.structs.replace(
        key,
        number=max(before, default=0) + 1,
        created_at=now,
        signs_from=now + wait,
    )
    others_until = now if at_once else added.signs_from + law.key_outlives
    return Decision(added, (AddSigningKey(added, others_until),))
