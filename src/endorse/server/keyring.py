"""What the server signs, and the keys it signs with, wherever the private halves are."""

import asyncio
import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from endorse.core import jose, signing
from endorse.core.change import Decision
from endorse.core.coding import b64url
from endorse.core.model import SigningKey
from endorse.core.policy import Policy
from endorse.server.clock import Clock
from endorse.store import Store
from endorse.store.signing_keys import signing_keys

_RSA_BITS: Final = 2048  # as strong as a client's, and three times as fast as 3072
_SEEN_WITHIN: Final = 1  # seconds after which another process's rotation is known


class KeyHolderAway(Exception):
    """The holder of the private keys did not sign. A fault, not a refusal: answered with 503."""


class KeyHolder(Protocol):
    """Holds private keys that never leave it: sealed in the database, in PKCS#11, in a KMS."""

    async def make(self, kind: str) -> tuple[str, dict[str, Any]]:
        """Make a key of a kind of `signing.KINDS`; give its handle and its public JWK (RFC 7517).

        The handle is stored as it is, up to 16 KiB. Raises KeyHolderAway.
        """
        ...

    async def sign(self, handle: str, alg: str, message: bytes) -> bytes:
        """Give the signature in the form that JWS wants (RFC 7518 3.3 to 3.5).

        Raises KeyHolderAway.
        """
        ...


class SealedKeys:
    """The holder without further parts: the handle is the private key, encrypted at rest."""

    def __init__(self, key: bytes) -> None:
        """Seal with 32 bytes that are derived from the server's secret and serve nothing else."""
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._opened = lru_cache(16)(self._open)

    async def make(self, kind: str) -> tuple[str, dict[str, Any]]:
        """Make a key, in a thread: looking for primes takes tens of milliseconds."""
        key = await asyncio.to_thread(_made, kind)
        sealed = self._fernet.encrypt(key.as_der(private=True)).decode()
        return sealed, {name: str(it) for name, it in key.as_dict(private=False).items()}

    async def sign(self, handle: str, alg: str, message: bytes) -> bytes:
        """Sign with the sealed key. Raises KeyHolderAway if another secret sealed it."""
        key = self._opened(handle, signing.kind_of(alg))
        signature: bytes = JWSRegistry.algorithms[alg].sign(message, key)
        return signature

    def _open(self, handle: str, kind: str) -> ECKey | RSAKey:
        try:
            raw = self._fernet.decrypt(handle)
        except InvalidToken as foreign:
            raise KeyHolderAway(
                "a signing key was sealed under another ENDORSE_SECRET; "
                "replace it with: endorse keys rotate --at-once"
            ) from foreign
        return ECKey.import_key(raw) if kind == "EC" else RSAKey.import_key(raw)


def _made(kind: str) -> ECKey | RSAKey:
    if kind == "EC":
        return ECKey.generate_key("P-256", private=True)
    return RSAKey.generate_key(_RSA_BITS, private=True)


class Keyring:
    """The server's signing keys. They are made when first needed, so that starting is not slower.

    Several servers on one store share them; which key signs follows from the stored times alone.
    """

    def __init__(self, store: Store, holder: KeyHolder, clock: Clock, law: Policy) -> None:
        """Keep public halves and handles in the store, and have the holder sign."""
        self._store = store
        self._holder = holder
        self._clock = clock
        self._law = law
        self._known: tuple[SigningKey, ...] = ()
        self._known_at = 0
        self._making = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str) -> str:
        """Write a compact JWS over these claims (RFC 7515 7.1), its key named by `kid`.

        `typ` is the header's, "" for none; `alg` one of `signing.ALGORITHMS`, or ValueError is
        raised. Raises StoreAway, KeyHolderAway.
        """
        key = await self._signer(signing.kind_of(alg))
        header = {"alg": alg, "kid": key.kid, **({"typ": typ} if typ else {})}
        parts = (msgspec.json.encode(header), msgspec.json.encode(claims))
        text = ".".join(b64url(part) for part in parts)
        return f"{text}.{b64url(await self._holder.sign(key.handle, alg, text.encode()))}"

    async def jwks(self) -> dict[str, Any]:
        """Give the JWK set to publish (RFC 7517 5), with a key of each kind."""
        for kind in signing.KINDS:
            await self._signer(kind)
        return {"keys": signing.published(self._known, self._clock())}

    async def public_keys(self) -> tuple[jose.Key, ...]:
        """Give the published keys, to verify what this server signed. Makes none."""
        await self._look()
        published = {"keys": signing.published(self._known, self._clock())}
        return jose.keys_of(msgspec.json.encode(published).decode())

    def look_again(self) -> None:
        """Read the keys before the next signature: another process has added one."""
        self._known_at = 0

    async def keys(self) -> tuple[SigningKey, ...]:
        """Give all keys that are not forgotten yet, each kind's in their order."""
        await self._look(anew=True)
        return self._known

    async def rotate(self, at_once: bool = False) -> list[SigningKey]:
        """Let a new key of each kind follow; see `signing.add`. Gives the new ones."""
        return [await self._add(kind, at_once) for kind in signing.KINDS]

    async def _signer(self, kind: str) -> SigningKey:
        await self._look()
        key = signing.signer(self._known, kind, self._clock())
        if key is not None:
            return key
        async with self._making:
            await self._look(anew=True)
            key = signing.signer(self._known, kind, self._clock())
            return key or await self._add(kind, only_first=True)

    async def _add(self, kind: str, at_once: bool = False, only_first: bool = False) -> SigningKey:
        """Make a key and store it; with `only_first`, another server's is as good."""
        handle, public = await self._holder.make(kind)
        kid = jose.thumbprint(public)
        text = msgspec.json.encode(public).decode()
        new = SigningKey(kind, 0, kid, text, handle, created_at=0, signs_from=0)
        now = self._clock()

        def decide(keys: tuple[SigningKey, ...]) -> Decision[SigningKey]:
            there = signing.signer(keys, kind, now) if only_first else None
            return Decision(there) if there else signing.add(keys, new, now, self._law, at_once)

        decision = await self._store.settle(signing_keys, decide, now)
        await self._look(anew=True)
        if not isinstance(decision.answer, SigningKey):
            raise AssertionError("a new key is never refused")
        return decision.answer

    async def _look(self, anew: bool = False) -> None:
        now = self._clock()
        if anew or not self._known or now - self._known_at >= _SEEN_WITHIN:
            self._known = await self._store.read(signing_keys)
            self._known_at = now
