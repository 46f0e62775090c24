"""A key holder of its own, as an operator writes one for a key service."""

from __future__ import annotations

from typing import Any

from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from endorse.server.keyring import KeyHolderAway


class Slots:
    """Keeps the private keys where no database sees them; `away` takes them out of reach."""

    def __init__(self) -> None:
        self.keys: list[ECKey | RSAKey] = []
        self.away = False

    async def make(self, kind: str) -> tuple[str, dict[str, Any]]:
        key: ECKey | RSAKey = (
            ECKey.generate_key("P-256") if kind == "EC" else RSAKey.generate_key(2048)
        )
        self.keys.append(key)
        public = {name: str(value) for name, value in key.as_dict(private=False).items()}
        return f"slot {len(self.keys) - 1}", public

    async def sign(self, handle: str, alg: str, message: bytes) -> bytes:
        if self.away:
            raise KeyHolderAway("the key service does not answer")
        key = self.keys[int(handle.removeprefix("slot "))]
        signature: bytes = JWSRegistry.algorithms[alg].sign(message, key)
        return signature


def holder() -> Slots:
    """Make the holder; settings name this function."""
    return Slots()
