"""Signed tokens of others are read in one way only, and by the keys that are known beforehand."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey

from endorse.core import jose
from endorse.core.coding import b64url
from tests.signing import EC, ED, RSA

TYP = ("test+jwt",)
BY_ALG: dict[str, Key] = {"ES256": EC, "PS256": RSA, "RS256": RSA, "Ed25519": ED}


def public(*keys: Key) -> tuple[jose.Key, ...]:
    return jose.keys_of(json.dumps({"keys": [key.as_dict(private=False) for key in keys]}))


def signed(key: Key, alg: str, **header: Any) -> str:
    head = {"typ": "test+jwt", "alg": alg, **header}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps({"iss": "app"}), key, registry=registry)


@pytest.mark.parametrize("alg", BY_ALG)
def test_a_signature_by_a_known_key_is_good(alg: str) -> None:
    token = jose.read(signed(BY_ALG[alg], alg), TYP)
    assert token.said("iss") == "app"
    assert jose.verify(token, public(EC, RSA, ED), jose.PLAIN_SIGNATURES) == ""


@pytest.mark.parametrize("alg", BY_ALG)
def test_a_changed_signature_is_not_good(alg: str) -> None:
    head, body, signature = signed(BY_ALG[alg], alg).split(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    token = jose.read(f"{head}.{body}.{other}", TYP)
    assert jose.verify(token, public(EC, RSA, ED), jose.PLAIN_SIGNATURES)


def test_another_clients_key_is_not_good() -> None:
    token = jose.read(signed(ECKey.generate_key("P-256"), "ES256"), TYP)
    assert jose.verify(token, public(EC), jose.SIGNATURES)


def test_an_algorithm_that_is_not_named_is_not_good() -> None:
    token = jose.read(signed(RSA, "RS256"), TYP)
    assert jose.verify(token, public(RSA), jose.SIGNATURES) == "alg is not allowed"


@pytest.mark.parametrize("alg", ["none", "NONE", "HS256", "ES384", "", None, 7, ["ES256"]])
def test_no_other_algorithm_is_ever_good(alg: object) -> None:
    head = b64url(json.dumps({"typ": "test+jwt", "alg": alg}).encode())
    token = jose.read(f"{head}.{b64url(b'{}')}.{b64url(b'x')}", TYP)
    assert jose.verify(token, public(EC), (*jose.PLAIN_SIGNATURES, "none", "HS256"))


def test_a_public_key_is_no_shared_secret() -> None:
    pem = EC.as_pem(private=False)
    confused = signed(OctKey.import_key(base64.b64encode(pem).decode()), "HS256")
    assert jose.verify(jose.read(confused, TYP), public(EC), ("HS256", "ES256"))


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit", "b64"])
def test_a_header_that_brings_its_own_key_or_rules_is_unreadable(name: str) -> None:
    head = b64url(json.dumps({"typ": "test+jwt", "alg": "ES256", name: "x"}).encode())
    with pytest.raises(jose.Unreadable, match=name):
        jose.read(f"{head}.{b64url(b'{}')}.{b64url(b'x')}", TYP)


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "", "rsa"])
def test_a_foreign_kid_finds_no_key(kid: str) -> None:
    token = jose.read(signed(EC, "ES256", kid=kid), TYP)
    assert jose.verify(token, public(EC), jose.SIGNATURES)


def test_a_token_of_another_type_is_unreadable() -> None:
    for typ in ("at+jwt", "", "jwt"):
        with pytest.raises(jose.Unreadable):
            jose.read(signed(EC, "ES256", typ=typ), TYP)
    assert jose.read(signed(EC, "ES256", typ="application/TEST+jwt"), TYP).claims


def spelled(text: str) -> list[str]:
    head, body, signature = text.split(".")
    return [
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}..{signature}",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}.{signature}\n",
        f" {head}.{body}.{signature}",
        f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}.{body}.{signature}" + "A" * 20_000,
    ]


@pytest.mark.parametrize("number", range(9))
def test_another_spelling_is_unreadable(number: int) -> None:
    # A P-256 signature has 64 bytes, so that its last letter holds unused bits.
    with pytest.raises(jose.Unreadable):
        jose.read(spelled(signed(EC, "ES256"))[number], TYP)


@pytest.mark.parametrize(
    "payload", ['{"a":1,"a":2}', "[]", '"text"', "{", '{"a":NaN}', "\xff", "[" * 5000]
)
def test_a_payload_that_two_readers_could_take_differently_is_unreadable(payload: str) -> None:
    head = b64url(b'{"typ":"test+jwt","alg":"ES256"}')
    body = b64url(payload.encode("latin-1"))
    with pytest.raises(jose.Unreadable):
        jose.read(f"{head}.{body}.{b64url(b'x')}", TYP)


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        EC.as_dict(private=True),
        {"kty": "RSA", "e": "AQAB", "n": b64url(b"\xff" * 128)},
        ECKey.generate_key("P-384").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": b64url(b"1" * 32), "y": b64url(b"1" * 32)},
        {"kty": "EC"},
        "a key",
    ],
    ids=["secret", "private", "small", "curve", "off the curve", "empty", "text"],
)
def test_a_key_that_must_not_be_registered_is_refused(jwk: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        jose.keys_of(json.dumps({"keys": [jwk]}))


@pytest.mark.spec("RFC 7638 3.1", "the thumbprint is of the required members, in their order")
def test_the_thumbprint_of_the_specification() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
        "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW"
        "2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQ"
        "Fh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert jose.thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_an_ed25519_key() -> None:
    # RFC 8037 A.3
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert jose.thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
