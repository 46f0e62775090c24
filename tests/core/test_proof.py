"""Proofs that a call carries: PKCE and the device key's signature over exactly this call."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from endorse.core import jose, proof
from endorse.core.coding import b64url, sha256
from endorse.core.proof import Call
from endorse.core.refusal import Refusal
from tests.core.scene import LAW, NOW

URL = "https://bank.example/phone/claim"
BODY = b'{"code":"x"}'
SESSION = "a session"

KEY = ECKey.import_key(ec.derive_private_key(1234567, ec.SECP256R1()))
OTHER_KEY = ECKey.import_key(ec.derive_private_key(7654321, ec.SECP256R1()))
P384 = ECKey.import_key(ec.derive_private_key(1234567, ec.SECP384R1()))


def public(key: ECKey) -> dict[str, Any]:
    """The public key, with the members that a proof's header carries."""
    whole: dict[str, Any] = dict(key.as_dict(private=False))
    return {name: whole[name] for name in ("kty", "crv", "x", "y")}


HEADER: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(KEY)}
CLAIMS: dict[str, Any] = {
    "jti": "a-name-used-once",
    "htm": "POST",
    "htu": URL,
    "iat": NOW,
    "bsh": b64url(sha256(BODY)),
    "ath": b64url(sha256(SESSION.encode())),
}


def text(value: Any) -> str:
    """A part of a compact JWS."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b64url(raw)


def signed(header: Any = HEADER, claims: Any = CLAIMS, key: ECKey = KEY) -> str:
    """A compact JWS with an ES256 signature, whatever its header says."""
    parts = f"{text(header)}.{text(claims)}"
    es256 = jws.JWSRegistry.algorithms["ES256"]
    return f"{parts}.{b64url(es256.sign(parts.encode(), key))}"


def without(whole: dict[str, Any], name: str) -> dict[str, Any]:
    """A copy that lacks one member."""
    return {key: value for key, value in whole.items() if key != name}


GOOD = signed()


def device(jws_text: str = GOOD, now: int = NOW, **changed: Any) -> str | Refusal:
    """The device key that this proof proves for the call."""
    call = Call("POST", URL, BODY, SESSION, jws_text)
    return proof.device_of(msgspec.structs.replace(call, **changed), now, LAW)


def refusal(jws_text: str = GOOD, now: int = NOW, **changed: Any) -> Refusal:
    """The refusal of a proof that proves nothing."""
    no = device(jws_text, now, **changed)
    assert isinstance(no, Refusal), jws_text
    assert (no.name, no.error, no.status) == ("invalid_proof", "invalid_proof", 401)
    return no


# --- PKCE ------------------------------------------------------------------------------------


def test_the_vector_of_rfc_7636_appendix_b_holds() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert proof.pkce_holds(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    assert not proof.pkce_holds(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN")
    assert not proof.pkce_holds(verifier, verifier)


@pytest.mark.parametrize("length", [0, 1, 42, 43, 128, 129])
def test_a_verifier_has_43_to_128_characters(length: int) -> None:
    verifier = "~" * length
    challenge = b64url(sha256(verifier.encode()))
    assert proof.pkce_holds(verifier, challenge) is (43 <= length <= 128)


@pytest.mark.parametrize("extra", ["=", "+", "/", " ", "\n", "é", "\0"])
def test_a_verifier_has_only_unreserved_characters(extra: str) -> None:
    verifier = "v" * 43 + extra
    assert not proof.pkce_holds(verifier, b64url(sha256(verifier.encode())))


def test_a_verifier_without_a_challenge_is_refused_as_a_downgrade() -> None:
    assert proof.pkce_holds("", None)
    assert not proof.pkce_holds("v" * 43, None)
    assert not proof.pkce_holds("v" * 43, "")


def test_the_challenge_of_a_document_is_its_hash_under_a_tag() -> None:
    whole = b"endorse-consent-v1" + b"\0" + '{"é":1}'.encode()
    assert proof.consent_challenge('{"é":1}') == b64url(sha256(whole))


# --- the device key --------------------------------------------------------------------------


def test_a_good_proof_gives_the_keys_thumbprint() -> None:
    assert device() == KEY.thumbprint()
    assert device(now=NOW + 60) == device(now=NOW - 60) == KEY.thumbprint()


def test_the_thumbprint_is_the_one_of_rfc_7638() -> None:
    jwk = public(KEY)
    members = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    assert jose.thumbprint(jwk) == b64url(sha256(members.encode()))
    assert jose.thumbprint(jwk) == KEY.thumbprint()


def test_the_thumbprint_of_the_key_in_rfc_9449_is_the_one_it_prints() -> None:
    # RFC 9449: the key of section 4.1 and the jkt of section 6.1.
    x, y = (
        "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    )
    assert (
        jose.thumbprint({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    )


def test_a_proof_without_a_session_needs_no_ath() -> None:
    assert device(signed(claims=without(CLAIMS, "ath")), session=None) == KEY.thumbprint()
    refusal(signed(claims=without(CLAIMS, "ath")))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("htm", "GET"),
        ("htm", "post"),
        ("htu", URL + "/"),
        ("htu", URL.replace("https", "http")),
        ("htu", "https://evil.example/phone/claim"),
        ("iat", NOW - 61),
        ("iat", NOW + 61),
        ("iat", str(NOW)),
        ("iat", None),
        ("iat", 10**400),
        ("bsh", b64url(sha256(b""))),
        ("bsh", b64url(sha256(BODY)) + "="),
        ("bsh", ""),
        ("ath", b64url(sha256(b"another session"))),
        ("ath", SESSION),
        ("ath", ""),
        ("ath", None),
        ("jti", ""),
        ("jti", "j" * 256),
        ("jti", 12345678),
    ],
)
def test_a_wrong_claim_is_refused(claim: str, value: Any) -> None:
    refusal(signed(claims={**CLAIMS, claim: value}))


@pytest.mark.parametrize("name", list(CLAIMS))
def test_a_missing_claim_is_refused(name: str) -> None:
    refusal(signed(claims=without(CLAIMS, name)))


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "DELETE"},
        {"url": "https://bank.example/phone/approve"},
        {"body": BODY + b" "},
        {"body": b""},
        {"session": "another session"},
    ],
)
def test_a_proof_of_another_call_is_refused(changed: dict[str, Any]) -> None:
    refusal(GOOD, **changed)


def test_an_empty_body_has_the_hash_of_nothing() -> None:
    claims = {**CLAIMS, "bsh": b64url(sha256(b""))}
    assert device(signed(claims=claims), body=b"") == KEY.thumbprint()


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "typ": "jwt"},
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": "ES384"},
        {**HEADER, "alg": "es256"},
        {**HEADER, "crit": ["b64"], "b64": False},
        {**HEADER, "jku": "https://evil.example"},
        {**HEADER, "jwk": {**HEADER["jwk"], "d": "AA"}},
        {**HEADER, "jwk": {**HEADER["jwk"], "kty": "oct"}},
        {**HEADER, "jwk": {**HEADER["jwk"], "crv": "P-384"}},
        {**HEADER, "jwk": {**HEADER["jwk"], "crv": "secp256k1"}},
        {**HEADER, "jwk": without(HEADER["jwk"], "y")},
        {**HEADER, "jwk": {**HEADER["jwk"], "x": HEADER["jwk"]["y"]}},
        {**HEADER, "jwk": {**HEADER["jwk"], "x": ""}},
        {**HEADER, "jwk": {**HEADER["jwk"], "x": "é" * 32}},
        {**HEADER, "jwk": {**HEADER["jwk"], "x": b64url(b"\xff" * 32)}},
        {**HEADER, "jwk": {**HEADER["jwk"], "x": 5}},
        without(HEADER, "jwk"),
        without(HEADER, "alg"),
        without(HEADER, "typ"),
        [],
        "header",
        None,
    ],
)  # fmt: skip
def test_another_header_is_refused(header: Any) -> None:
    refusal(signed(header))


def test_another_keys_signature_is_refused() -> None:
    refusal(signed(key=OTHER_KEY))
    assert device(signed({**HEADER, "jwk": public(OTHER_KEY)}, key=OTHER_KEY)) != device()


def test_a_key_of_another_curve_is_refused() -> None:
    es384 = jws.JWSRegistry.algorithms["ES384"]
    parts = f"{text({**HEADER, 'alg': 'ES384', 'jwk': public(P384)})}.{text(CLAIMS)}"
    refusal(f"{parts}.{b64url(es384.sign(parts.encode(), P384))}")


def test_no_signature_is_no_proof() -> None:
    refusal(GOOD.rsplit(".", 1)[0] + ".")
    refusal(f"{text({**HEADER, 'alg': 'none'})}.{text(CLAIMS)}.")


def test_an_hmac_under_the_public_key_is_no_proof() -> None:
    for secret in (json.dumps(public(KEY)).encode(), public(KEY)["x"].encode()):
        header = {**HEADER, "alg": "HS256"}
        refusal(
            jws.serialize_compact(
                header, json.dumps(CLAIMS), OctKey.import_key(secret), algorithms=["HS256"]
            )
        )


def test_every_part_is_covered_by_the_signature() -> None:
    one, two, three = GOOD.split(".")
    other = signed(claims={**CLAIMS, "jti": "another-name"}).split(".")
    refusal(f"{one}.{other[1]}.{three}")
    refusal(f"{one}.{two}.{other[2]}")
    spaced = text(json.dumps(HEADER, indent=1).encode())
    refusal(f"{spaced}.{two}.{three}")


def test_a_signature_in_another_form_is_refused() -> None:
    parts, _, last = GOOD.rpartition(".")
    raw = base64.urlsafe_b64decode(last + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    split = raw[:32] + b"\0" + raw[32:]
    for form in (der, raw[:63], raw + b"\0", split, b"\0" * 64, b"\xff" * 64, raw[32:] + raw[:32]):
        refusal(f"{parts}.{b64url(form)}")


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5])
def test_a_proof_has_three_parts(count: int) -> None:
    refusal(".".join((GOOD.split(".") * 2)[:count]))


def test_base64url_in_another_spelling_is_refused() -> None:
    one, two, three = GOOD.split(".")
    last = chr(ord(three[-1]) + 1)  # the same 64 bytes, with a stray bit behind them
    assert base64.urlsafe_b64decode(three + "==") == base64.urlsafe_b64decode(
        three[:-1] + last + "=="
    )
    refusal(f"{one}.{two}.{three[:-1]}{last}")
    for changed in (f"{one}=.{two}.{three}", f"{one}.{two}=.{three}", GOOD + "=", GOOD + "==",
                    GOOD + "\n", " " + GOOD, f"{one}\n.{two}.{three}", GOOD + "é"):  # fmt: skip
        refusal(changed)


def test_one_key_in_another_spelling_is_refused() -> None:
    jwk = public(KEY)
    x = base64.urlsafe_b64decode(jwk["x"] + "=")
    spellings = [b64url(b"\0" + x), jwk["x"] + "=", jwk["x"][:-1] + chr(ord(jwk["x"][-1]) + 1)]
    for spelling in spellings:
        refusal(signed({**HEADER, "jwk": {**jwk, "x": spelling}}))


def test_a_doubled_member_is_refused() -> None:
    header, claims = json.dumps(HEADER), json.dumps(CLAIMS)
    refusal(signed((header[:-1] + ', "alg": "none"}').encode()))
    refusal(signed((header[:-1] + f', "jwk": {json.dumps(public(OTHER_KEY))}}}').encode()))
    refusal(signed(claims=(claims[:-1] + ', "htm": "GET"}').encode()))
    refusal(signed(claims=('{"htm": "GET", ' + claims[1:]).encode()))


def test_a_part_that_is_nested_too_deep_is_refused() -> None:
    deep = b'{"a":' + b"[" * 1100
    refusal(f"{text({})}.{b64url(deep)}.{b64url(b's' * 64)}")
    # Python 3.11 stops at a thousand levels; later ones read on, and find that nothing closes.
    why = "recursion" if sys.version_info < (3, 12) else "not JSON"
    assert why in refusal(f"{text(HEADER)}.{b64url(deep)}.{b64url(b's' * 64)}").detail


def test_an_overlong_proof_is_not_even_decoded() -> None:
    long = signed(claims={**CLAIMS, "more": "x" * 2048})
    assert refusal(long).detail == "longer than any real proof"


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_any_text_can_come_as_a_proof(raw: str, header: bytes, claims: bytes) -> None:
    refusal(raw)
    refusal(f"{b64url(header)}.{b64url(claims)}.{b64url(b's' * 64)}")
    refusal(f"{text(HEADER)}.{b64url(claims)}.{raw}")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.sampled_from("Az09-_.=\0é"))
def test_a_proof_with_one_changed_character_is_refused(place: int, other: str) -> None:
    changed = GOOD[:place] + other + GOOD[place + 1 :]
    if changed != GOOD:
        refusal(changed)
