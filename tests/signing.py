"""Clients that sign: their keys, and tokens signed apart from the server's own code."""

from __future__ import annotations

import json
import math
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

# The two primes of an RSA key that protects nothing: to find others takes the tests' time each run.
P = int(
    "c2ff3b05d2ae9ab275c517387ce2d64e2a4ace063de1cb4830171a9683c166b6ac8bc663f666a0859e7aaa"
    "13e8a978bfb39bee796e46e1d574d8d467b47cad52621892c7415cd12203cfa7596619f50139e16f96506e"
    "3957e1c3d9928f0449a063118bb375373aeb0ee39992a689a52e22ff7e9bcab87a8b390544476113e02d",
    16,
)
Q = int(
    "c10782a14bc643366045a41af718ba212105b581a6713a4512031abf5c7d857d31468bbd8f34ef2ad73044"
    "44d703324a5b76d7b80c261b344d75e8d4b87e11c11aeb0bb3edc3d6d61eacbac88b67ca397134c41fec27"
    "450a90743514531a10b5452c3a364d37077fd5641ccacf38f227a8cd995c83d9717344bac4094ffd60db",
    16,
)


def rsa_key(p: int, q: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """The private key of these two primes."""
    d = pow(exponent, -1, math.lcm(p - 1, q - 1))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(exponent, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.import_key(rsa_key(P, Q), {"kid": "rsa"})
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
