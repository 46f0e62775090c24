"""Proofs by a passkey: a new one, and its signature over exactly one challenge."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import proof
from endorse.core.coding import b64url, from_b64url
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from endorse.phone.passkey import Passkey
from tests.core import scene

ISSUER = "https://bank.example"
HOST = "bank.example"
CHALLENGE = b64url(b"c" * 32)
OTHER_CHALLENGE = b64url(b"d" * 32)

Answer = dict[str, Any]


def new(seed: str, **how: Any) -> tuple[Passkey, Answer]:
    """A new passkey and what its phone answered."""
    options = {
        "rp": {"id": how.pop("rp_id", HOST), "name": "Bank"},
        "user": {"id": b64url(b"anna"), "name": "anna", "displayName": "Anna"},
        "challenge": how.pop("challenge", CHALLENGE),
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
    return Passkey.create(options, how.pop("origin", ISSUER), random=scene.fresh_from(seed), **how)


def sign(passkey: Passkey, challenge: str = CHALLENGE, origin: str = ISSUER, **how: Any) -> Answer:
    """What the phone answers when the passkey signs."""
    options = {"challenge": challenge, "rpId": passkey.rp_id, "allowCredentials": []}
    return passkey.sign(options, origin, **how)


def registered(answer: Any, challenge: str = CHALLENGE) -> proof.Passkey | Refusal:
    """The registration as the server verifies it."""
    return proof.registered(json.dumps(answer).encode(), challenge, ISSUER, HOST)


PASSKEY, REGISTRATION = new("passkey")
OTHER, OTHER_REGISTRATION = new("other")


def _known() -> proof.Passkey:
    passkey = registered(REGISTRATION)
    assert isinstance(passkey, proof.Passkey)
    return passkey


KNOWN = _known()


def asserted(
    answer: Any, passkey: proof.Passkey = KNOWN, challenge: str = CHALLENGE
) -> Assertion | Refusal:
    """The signature as the server verifies it."""
    return proof.asserted(json.dumps(answer).encode(), passkey, challenge, ISSUER, HOST)


def refused(answer: Assertion | proof.Passkey | Refusal) -> None:
    """Require the one refusal that a bad passkey gets."""
    assert isinstance(answer, Refusal), answer
    assert (answer.error, answer.status) == ("passkey_not_accepted", 403)


def changed(answer: Answer, **response: Any) -> Answer:
    """The answer with other members in its response."""
    return {**answer, "response": {**answer["response"], **response}}


def test_a_new_passkey_is_known_by_its_id_and_key() -> None:
    assert KNOWN.credential_id == REGISTRATION["id"]
    assert from_b64url(KNOWN.public_key)
    assert KNOWN.sign_count == 0


def test_a_new_passkey_for_anything_else_is_refused() -> None:
    refused(registered(new("p", challenge=OTHER_CHALLENGE)[1]))
    refused(registered(new("p", origin="https://evil.example")[1]))
    refused(registered(new("p", origin=ISSUER + ":8443")[1]))
    refused(registered(new("p", rp_id="evil.example")[1]))
    refused(registered(new("p", user_verified=False)[1]))
    refused(registered(REGISTRATION, challenge=""))
    refused(registered(sign(PASSKEY)))


def test_a_signature_over_the_challenge_is_kept_as_it_came() -> None:
    answer = sign(PASSKEY)
    assertion = asserted(answer)
    assert isinstance(assertion, Assertion)
    assert (assertion.challenge, assertion.credential_id) == (CHALLENGE, KNOWN.credential_id)
    assert json.loads(assertion.text) == answer


def test_a_signature_for_anything_else_is_refused() -> None:
    refused(asserted(sign(PASSKEY, OTHER_CHALLENGE)))
    refused(asserted(sign(PASSKEY, origin="https://evil.example")))
    refused(asserted(sign(PASSKEY, user_verified=False)))
    refused(asserted(sign(new("p", rp_id="evil.example")[0])))
    refused(asserted(sign(PASSKEY), challenge=""))
    refused(asserted(REGISTRATION))


def test_another_passkeys_signature_is_refused() -> None:
    refused(asserted(sign(OTHER)))
    borrowed = {**sign(OTHER), "id": KNOWN.credential_id, "rawId": KNOWN.credential_id}
    refused(asserted(borrowed))


def test_a_good_signature_under_another_credentials_name_is_refused() -> None:
    twin = msgspec.structs.replace(KNOWN, credential_id=OTHER_REGISTRATION["id"])
    refused(asserted(sign(PASSKEY), twin))


def test_a_counter_that_does_not_grow_is_refused() -> None:
    counting = msgspec.structs.replace(KNOWN, sign_count=5)
    refused(asserted(sign(PASSKEY), counting))


def test_a_signature_over_changed_bytes_is_refused() -> None:
    answer = sign(PASSKEY)
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        raw = from_b64url(answer["response"][name]) or b""
        for place in range(0, len(raw), 9):
            flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            refused(asserted(changed(answer, **{name: b64url(flipped)})))


def test_the_challenge_is_read_from_what_was_signed() -> None:
    answer = json.dumps(sign(PASSKEY, OTHER_CHALLENGE)).encode()
    assert proof.challenge_in(answer) == OTHER_CHALLENGE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{",
        b'{"response":{}}',
        b'{"response":{"clientDataJSON":5}}',
        b'{"response":{"clientDataJSON":"AA"}}',
        b'{"response":{"clientDataJSON":"="}}',
        pytest.param(b"[" * 30_000, id="deep"),
        pytest.param(b'{"a":' + b"[" * 30_000, id="deep in an unknown member"),
    ],
)
def test_any_bytes_can_come(raw: bytes) -> None:
    refused(proof.registered(raw, CHALLENGE, ISSUER, HOST))
    refused(proof.asserted(raw, KNOWN, CHALLENGE, ISSUER, HOST))
    assert proof.challenge_in(raw) == ""


SIGNED = sign(PASSKEY)
DEEP = b64url(b"[" * 30_000)
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, 1, True, [], {}, "", "=", "é", "AAAA", "\0", DEEP]
)
NAMES = st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "attestationObject"])


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, VALUES | st.binary(max_size=40).map(b64url), min_size=1))
def test_any_answer_of_a_phone_can_come(response: dict[str, Any]) -> None:
    refused(registered(changed(REGISTRATION, **{"attestationObject": "AA", **response})))
    refused(asserted(changed(SIGNED, **{"signature": "AA", **response})))
