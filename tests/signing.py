"""Clients that sign: their keys, and tokens signed apart from the server's own code."""

from __future__ import annotations

import json
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
"""A key of somebody else, which claims the kid of a registered one."""

REQUEST_TYPE = "oauth-authz-req+jwt"


def jwks(*keys: Key) -> str:
    """The JWK set that a client registers."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def signed(
    claims: dict[str, Any],
    key: Key = EC,
    alg: str = "ES256",
    typ: str | None = REQUEST_TYPE,
    **header: Any,
) -> str:
    """A compact JWS over these claims; `typ` None leaves the type out."""
    head = {"alg": alg, **({"typ": typ} if typ else {}), **header}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(claims), key, registry=registry)
