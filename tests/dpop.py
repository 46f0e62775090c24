"""A client's DPoP key, written apart from the server's reading of it (RFC 9449 4.2)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class DpopKey:
    """One key; `proof` signs a call with it."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.public = {str(n): str(v) for n, v in self.key.as_dict(private=False).items()}
        self.public.pop("kid", None)
        ordered = json.dumps(dict(sorted(self.public.items())), separators=(",", ":"))
        self.thumbprint = b64(hashlib.sha256(ordered.encode()).digest())

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        """A good proof, in which a claim set to None is left out and others are changed."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": now,
        }
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        claims = {n: v for n, v in {**claims, **changed}.items() if v is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.public, **(header or {})}
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        signature = jws.JWSRegistry.algorithms["ES256"].sign(text.encode(), self.key)
        return f"{text}.{b64(signature)}"
