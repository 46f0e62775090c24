from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
import webauthn
from cryptography.hazmat.primitives.serialization import load_der_public_key
from webauthn.helpers.exceptions import (
    InvalidAuthenticationResponse,
    InvalidRegistrationResponse,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from endorse.phone import NotUnderstood, Passkey, PasskeyNotUsable
from tests.phone.checks import challenge, creation_options, unb64

ORIGIN = "https://bank.example"
RP_ID = "bank.example"
CHALLENGE = b"c" * 32


def created(**changed: Any) -> tuple[Passkey, dict[str, Any]]:
    options = creation_options(CHALLENGE, RP_ID)
    origin = changed.pop("origin", ORIGIN)
    return Passkey.create(options, origin, random=secrets.token_bytes, **changed)


def registered(credential: dict[str, Any], **changed: Any) -> VerifiedRegistration:
    expected: dict[str, Any] = {
        "expected_challenge": CHALLENGE,
        "expected_rp_id": RP_ID,
        "expected_origin": ORIGIN,
        "require_user_verification": True,
    }
    return webauthn.verify_registration_response(credential=credential, **{**expected, **changed})


def asked(document: str, rp_id: str = RP_ID) -> dict[str, Any]:
    options = webauthn.generate_authentication_options(rp_id=rp_id, challenge=challenge(document))
    decoded: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return decoded


def verify(credential: dict[str, Any], public_key: bytes, document: str) -> Any:
    return webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=challenge(document),
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def test_a_registration_is_accepted_by_another_library() -> None:
    passkey, credential = created()
    verified = registered(credential)
    assert verified.credential_id == passkey.credential_id
    assert verified.user_verified
    assert verified.sign_count == 0
    assert verified.credential_backed_up
    assert verified.fmt == "none"
    assert verified.aaguid == "00000000-0000-0000-0000-000000000000"


def test_a_registration_repeats_its_key_as_browsers_do() -> None:
    _, credential = created()
    response = credential["response"]
    assert response["publicKeyAlgorithm"] == -7
    assert load_der_public_key(unb64(response["publicKey"])) is not None
    assert unb64(response["authenticatorData"]) in unb64(response["attestationObject"])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"user_verified": False}, {}),
        ({"origin": "https://bank.example.evil.test"}, {}),
        ({}, {"expected_challenge": b"d" * 32}),
        ({}, {"expected_rp_id": "other.example"}),
    ],
    ids=["not verified", "other origin", "other challenge", "other rp id"],
)
def test_a_bad_registration_is_refused_by_another_library(
    changed: dict[str, Any], expected: dict[str, Any]
) -> None:
    _, credential = created(**changed)
    with pytest.raises(InvalidRegistrationResponse):
        registered(credential, **expected)


def test_an_assertion_is_accepted_by_another_library() -> None:
    passkey, credential = created()
    public_key = registered(credential).credential_public_key
    signed = passkey.sign(asked("document"), ORIGIN)
    verified = verify(signed, public_key, "document")
    assert verified.user_verified
    assert verified.new_sign_count == 0
    assert unb64(signed["response"]["userHandle"]) == b"handle-of-anna"


@pytest.mark.parametrize(
    ("changed", "document"),
    [
        ({"user_verified": False}, "document"),
        ({"origin": "https://evil.test"}, "document"),
        ({}, "documenu"),
    ],
    ids=["not verified", "other origin", "changed document"],
)
def test_a_bad_assertion_is_refused_by_another_library(
    changed: dict[str, Any], document: str
) -> None:
    passkey, credential = created()
    public_key = registered(credential).credential_public_key
    signed = passkey.sign(asked("document"), changed.pop("origin", ORIGIN), **changed)
    with pytest.raises(InvalidAuthenticationResponse):
        verify(signed, public_key, document)


def test_another_passkey_is_refused_by_another_library() -> None:
    public_key = registered(created()[1]).credential_public_key
    other, _ = created()
    with pytest.raises(InvalidAuthenticationResponse):
        verify(other.sign(asked("document"), ORIGIN), public_key, "document")


def test_a_passkey_signs_only_for_its_own_relying_party() -> None:
    passkey, _ = created()
    with pytest.raises(PasskeyNotUsable, match=r"other\.example"):
        passkey.sign(asked("document", "other.example"), ORIGIN)


def test_a_passkey_signs_only_where_it_is_allowed() -> None:
    passkey, _ = created()
    other = [{"type": "public-key", "id": "b3RoZXI"}]
    with pytest.raises(PasskeyNotUsable, match="other passkeys"):
        passkey.sign({**asked("document"), "allowCredentials": other}, ORIGIN)


def test_a_server_without_es256_gets_no_passkey() -> None:
    options = {**creation_options(), "pubKeyCredParams": [{"type": "public-key", "alg": -257}]}
    with pytest.raises(PasskeyNotUsable, match="ES256"):
        Passkey.create(options, ORIGIN, random=secrets.token_bytes)


@pytest.mark.parametrize(
    "changed",
    [{"challenge": 7}, {"challenge": "?"}, {"user": None}, {"rp": {"name": "Bank"}}],
    ids=str,
)
def test_malformed_options_are_named(changed: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        Passkey.create({**creation_options(), **changed}, ORIGIN, random=secrets.token_bytes)


def test_a_saved_passkey_signs_as_before_and_hides_its_key() -> None:
    passkey, credential = created()
    public_key = registered(credential).credential_public_key
    saved = json.loads(json.dumps(passkey.to_dict()))
    again = Passkey.from_dict(saved)
    verify(again.sign(asked("document"), ORIGIN), public_key, "document")
    assert saved["key"] not in repr(passkey)
    assert "key=" not in repr(passkey)
    with pytest.raises(NotUnderstood, match="lacks 'key'"):
        Passkey.from_dict({name: value for name, value in saved.items() if name != "key"})


def test_injected_randomness_gives_the_same_passkey() -> None:
    def fixed(count: int) -> bytes:
        return b"\x07" * count

    first, _ = Passkey.create(creation_options(), ORIGIN, random=fixed)
    second, _ = Passkey.create(creation_options(), ORIGIN, random=fixed)
    assert first.to_dict() == second.to_dict()
