from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from endorse.phone import DeviceKey, NotUnderstood
from endorse.phone.encoding import from_b64url
from tests.phone.checks import b64, proof_claims, unb64

URL = "https://bank.example/phone/claim"


def proof(key: DeviceKey, body: bytes = b"{}", session: str | None = None) -> str:
    return key.proof("POST", URL, body, at=1000, jti="once", session=session)


def test_a_proof_carries_what_the_call_is() -> None:
    key = DeviceKey.create(secrets.token_bytes)
    claims = proof_claims(proof(key, b'{"a":1}', "s3ssion"))
    assert claims == {
        "jti": "once",
        "htm": "POST",
        "htu": URL,
        "iat": 1000,
        "bsh": b64(hashlib.sha256(b'{"a":1}').digest()),
        "ath": b64(hashlib.sha256(b"s3ssion").digest()),
        "thumbprint": key.thumbprint,
    }


def test_a_proof_without_body_and_session_hashes_nothing() -> None:
    claims = proof_claims(proof(DeviceKey.create(secrets.token_bytes), b""))
    assert claims["bsh"] == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    assert "ath" not in claims


def test_a_changed_proof_does_not_verify() -> None:
    head, body, signature = proof(DeviceKey.create(secrets.token_bytes)).split(".")
    changed = b64(unb64(body).replace(b"1000", b"1001"))
    with pytest.raises(InvalidSignature):
        proof_claims(f"{head}.{changed}.{signature}")


def test_a_proof_holds_no_private_part_and_joserfc_reads_it() -> None:
    key = DeviceKey.create(secrets.token_bytes)
    text = proof(key)
    header = jws.extract_compact(text.encode()).headers()
    assert "d" not in header["jwk"]
    public = ECKey.import_key(header["jwk"])
    assert jws.deserialize_compact(text, public, algorithms=["ES256"]).payload
    assert public.thumbprint() == key.thumbprint


def test_a_saved_device_key_is_the_same_key_and_hides_itself() -> None:
    key = DeviceKey.create(secrets.token_bytes)
    saved = key.to_text()
    assert DeviceKey.from_text(saved).thumbprint == key.thumbprint
    assert saved not in repr(key)
    assert repr(key) == "DeviceKey()"


@pytest.mark.parametrize("text", ["", "?", "AAAA", "a"])
def test_a_damaged_saved_key_is_named(text: str) -> None:
    with pytest.raises(NotUnderstood):
        DeviceKey.from_text(text)


@pytest.mark.parametrize("text", ["AA==", "AB", "A+", "A", "é"])  # AB: loose bits at its end
def test_base64url_has_one_spelling(text: str) -> None:
    with pytest.raises(NotUnderstood):
        from_b64url(text)


def test_a_proof_costs_little_more_than_its_signature() -> None:
    key = DeviceKey.create(secrets.token_bytes)
    bare = ec.generate_private_key(ec.SECP256R1())
    signing = least_time(lambda: bare.sign(b"x" * 200, ec.ECDSA(hashes.SHA256())))
    assert least_time(lambda: proof(key)) < 5 * signing


def least_time(work: Callable[[], object]) -> float:
    """Seconds of the quickest of 200 runs, which a busy machine leaves as they are."""
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def test_the_digits_follow_the_documented_formula() -> None:
    key = DeviceKey.create(lambda size: b"\7" * size)
    code_hash = b64(hashlib.sha256(b"the code").digest()).encode()
    text = b"\0".join((b"endorse-digits-v1", key.thumbprint.encode(), code_hash))
    wanted = int(hashlib.sha256(text).hexdigest()[:16], 16) % 1_000_000
    assert key.digits("the code") == f"{wanted:06}"
    assert key.digits("another code") != key.digits("the code")
