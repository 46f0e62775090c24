"""The examples of the specifications, and what a careless reader of signatures takes.

No registry of packages has Wycheproof's sets for JWS, so the second half makes its kinds of cases
anew: signatures and texts that are almost right.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey

from endorse.core import jose
from endorse.core.coding import b64url, fingerprint, from_b64url
from endorse.core.proof import pkce_holds
from tests import signing

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def verified(text: str, jwk: dict[str, Any], alg: str) -> str:
    """Why a JWS whose payload may be anything does not hold by this key, or ""."""
    head, body, signature = text.split(".")
    header = json.loads(from_b64url(head) or b"")
    assert from_b64url(body) is not None
    token = jose.Jws(header, {}, f"{head}.{body}".encode(), from_b64url(signature) or b"")
    return jose.verify(token, (jose.key_of(jwk),), (alg,))


# --- the examples of the specifications ---------------------------------------------------------


@pytest.mark.spec("RFC 7636 B", "The example of the appendix holds")
def test_the_example_of_rfc_7636() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert pkce_holds(verifier, challenge)
    assert not pkce_holds(challenge, challenge)


RFC7515_A3 = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
    "KTUJqPP3-Kg6NU1Q"
)
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def test_the_example_of_rfc_7515_a_3() -> None:
    token = jose.read(RFC7515_A3, ("",))
    assert token.said("iss") == "joe"
    assert jose.verify(token, (jose.key_of(RFC7515_KEY),), ("ES256",)) == ""
    assert jose.verify(token, (jose.key_of(RFC7515_KEY),), ("PS256",))


RFC7520_4_1 = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vy"
    "b3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kI"
    "GlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIH"
    "N3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mw"
    "zJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1u"
    "SNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1"
    "U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
)
RFC7520_KEY = {
    "kty": "RSA",
    "kid": "bilbo.baggins@hobbiton.example",
    "use": "sig",
    "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_"
    "AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-"
    "OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw"
    "uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
    "e": "AQAB",
}


def test_the_example_of_rfc_7520_4_1_whose_payload_is_no_request_of_ours() -> None:
    assert verified(RFC7520_4_1, RFC7520_KEY, "RS256") == ""
    with pytest.raises(jose.Unreadable):
        jose.read(RFC7520_4_1, ("",))


def test_the_example_of_rfc_7638() -> None:
    key = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
        "c_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YG"
        "jQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt"
        "-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK"
        "gw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert jose.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


RFC9449_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUk"
    "lDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6I"
    "mh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A"
    "0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


@pytest.mark.spec("RFC 9449 6.1", "The thumbprint of the key is in cnf as jkt")
def test_the_examples_of_rfc_9449() -> None:
    token = jose.read(RFC9449_PROOF, ("dpop+jwt",), may_carry_key=True)
    jwk = token.header["jwk"]
    assert jose.verify(token, (jose.key_of(jwk),), ("ES256",)) == ""
    assert jose.thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert token.said("htu") == "https://server.example.com/token"
    # Section 7.1: the token of the example and its `ath`.
    example = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert fingerprint(example) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


# --- almost right -------------------------------------------------------------------------------

EC = ECKey.generate_key("P-256", {"kid": "k"})
RSA = RSAKey.import_key(signing.RSA.raw_value, {"kid": "k"})
ED = OKPKey.generate_key("Ed25519", {"kid": "k"})
KEYS: dict[str, Any] = {"ES256": EC, "PS256": RSA, "RS256": RSA, "Ed25519": ED, "EdDSA": ED}


def joined(alg: str, signature: bytes) -> str:
    """A JWS with this very signature."""
    return f"{signing_input(alg)}.{b64url(signature)}"


def signing_input(alg: str) -> str:
    header = b64url(json.dumps({"alg": alg, "kid": "k"}).encode())
    return f"{header}.{b64url(b'{}')}"


def raw_signature(alg: str) -> bytes:
    """A good signature, made with the cryptographic library alone."""
    message = signing_input(alg).encode()
    private: Any = KEYS[alg].private_key
    if alg == "ES256":
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if alg == "PS256":
        padding = PSS(MGF1(hashes.SHA256()), 32)
        return bytes(private.sign(message, padding, hashes.SHA256()))
    if alg == "RS256":
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415

        return bytes(private.sign(message, PKCS1v15(), hashes.SHA256()))
    return bytes(private.sign(message))


def holds(alg: str, text: str, key: Any = None) -> bool:
    """Whether a JWS is read and its signature holds."""
    jwk = (key or KEYS[alg]).as_dict(private=False)
    try:
        token = jose.read(text, ("",))
    except jose.Unreadable:
        return False
    return jose.verify(token, (jose.key_of(jwk),), jose.PLAIN_SIGNATURES) == ""


@pytest.mark.parametrize("alg", KEYS)
def test_a_good_signature_of_each_kind_holds(alg: str) -> None:
    assert holds(alg, joined(alg, raw_signature(alg)))


@pytest.mark.parametrize("alg", KEYS)
def test_another_spelling_of_the_same_bytes_does_not(alg: str) -> None:
    good = joined(alg, raw_signature(alg))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    stray = last[last.index(good[-1]) ^ 1]
    spelled = ["=", "==", "%3D", "\n", " ", "A", "AA", ".", "\0", "é"]
    bad = [good + tail for tail in spelled] + [
        good[:-1] + stray,
        " " + good,
        good.replace(".", ".."),
    ]
    bad += [good.replace("-", "+").replace("_", "/") + "=", good[:-2] + "=" + good[-2:]]
    assert [text for text in bad if holds(alg, text)] == []


@pytest.mark.parametrize("alg", KEYS)
def test_a_signature_cut_or_drawn_out_or_with_one_bit_changed_does_not(alg: str) -> None:
    good = raw_signature(alg)
    bad = [good[:-1], good[1:], b"\0" + good, good + b"\0", good[:32], b"", good + good]
    bad += [bytes(len(good)), b"\xff" * len(good)]
    for at in range(0, len(good), 7):
        bad.append(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    assert [one for one in bad if holds(alg, joined(alg, one))] == []


def pair(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_ecdsa_takes_no_numbers_outside_of_its_range_and_no_der() -> None:
    good = raw_signature("ES256")
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    edges = [0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1]
    bad = [pair(left, right) for left in edges for right in edges]
    bad += [pair(left, s) for left in edges] + [pair(r, right) for right in edges]
    private: Any = EC.private_key
    bad.append(private.sign(signing_input("ES256").encode(), ec.ECDSA(hashes.SHA256())))
    bad.append(private.sign(signing_input("ES256").encode(), ec.ECDSA(hashes.SHA384())))
    assert [one for one in bad if holds("ES256", joined("ES256", one))] == []
    # The other root is as good by ECDSA; nothing here is known by its signature.
    assert holds("ES256", joined("ES256", pair(r, ORDER - s)))


def test_rsa_takes_no_other_padding_salt_or_hash() -> None:
    private: Any = RSA.private_key
    message = signing_input("PS256").encode()
    for salt, mask, hashed in (
        (0, hashes.SHA256(), hashes.SHA256()),
        (20, hashes.SHA256(), hashes.SHA256()),
        (32, hashes.SHA1(), hashes.SHA256()),
        (32, hashes.SHA256(), hashes.SHA384()),
    ):
        signature = private.sign(message, PSS(MGF1(mask), salt), hashed)
        assert not holds("PS256", joined("PS256", signature)), (salt, mask, hashed)
    numbers = private.public_key().public_numbers()
    signature = int.from_bytes(raw_signature("RS256"), "big")
    too_big = signature + numbers.n
    assert not holds("RS256", joined("RS256", too_big.to_bytes(257, "big")))


def test_a_key_of_another_kind_or_curve_verifies_nothing() -> None:
    for alg, key in KEYS.items():
        for other in (EC, RSA, ED):
            if other.key_type != key.key_type:
                assert not holds(alg, joined(alg, raw_signature(alg)), other)
    wrong = ECKey.generate_key("P-384").as_dict(private=False)
    with pytest.raises(ValueError, match="P-256"):
        jose.key_of({**wrong})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x": "AA"}, "."),
        ({"x": b64url(bytes(32)), "y": b64url(bytes(32))}, "public key"),
        ({"y": b64url(b"\1" * 32)}, "public key"),
        ({"crv": "secp256k1"}, "P-256"),
        ({"crv": None}, "P-256"),
        ({"kty": "oct", "k": "AAAA"}, "kty"),
        ({"kty": "RSA"}, "."),
        ({"d": "AA"}, "private"),
        ({"x": 7}, "."),
    ],
    ids=str,
)
def test_a_point_that_is_none_or_a_key_in_disguise_is_refused(
    changed: dict[str, Any], says: str
) -> None:
    jwk = {**EC.as_dict(private=False), **changed}
    with pytest.raises(ValueError, match=says):
        jose.key_of({name: value for name, value in jwk.items() if value is not None})


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("bits", [512, 1024, 2047])
def test_a_short_rsa_key_is_refused(bits: int) -> None:
    modulus = (1 << (bits - 1)) | 1
    jwk = {"kty": "RSA", "e": "AQAB", "n": b64url(modulus.to_bytes((bits + 7) // 8, "big"))}
    with pytest.raises(ValueError, match="2048"):
        jose.key_of(jwk)


def test_an_rsa_exponent_of_one_signs_nothing() -> None:
    jwk = {**signing.RSA.as_dict(private=False), "e": "AQ"}
    with pytest.raises(ValueError, match="public key"):
        jose.key_of(jwk)
