"""No byte of a bundle of evidence can be changed, whoever makes its digest fit."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import evidence
from endorse.core.evidence import Bundle
from tests.core.signed import GENERIC, ITEMS, TEXT, holds, put, redone
from tests.parts import SOAK


@settings(max_examples=400)
@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_one_changed_byte_anywhere_is_seen(where: int, by: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[where] ^= by
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    assert not holds(text)


def test_every_single_byte_counts() -> None:
    # The digest alone tells, so each place can be tried; the signatures are tried below.
    for where in range(0, len(TEXT), 1 if SOAK else 11):
        letter = TEXT[where]
        whole = evidence.read(TEXT[:where] + ("1" if letter != "1" else "0") + TEXT[where + 1 :])
        if isinstance(whole, Bundle):
            assert evidence.sealed(whole).digest != whole.digest, where


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
def test_every_byte_that_the_passkey_signed_is_bound(number: int, member: str) -> None:
    answer = msgspec.json.decode(ITEMS[number].signature)
    text = answer["response"][member]
    # The last letter counts too, though some of its bits are none of any byte.
    for where in (*range(0, len(text), 3), len(text) - 1):
        other = text[:where] + ("A" if text[where] != "A" else "B") + text[where + 1 :]
        broken = msgspec.json.encode(put(answer, ("response", member), other)).decode()
        assert not redone(put(GENERIC, ("items", number, "signature"), broken)), where


@pytest.mark.parametrize("number", [1, 3])
def test_every_byte_of_the_phones_proof_is_bound(number: int) -> None:
    proved = ITEMS[number].signature
    for where in range(0, len(proved), 3):
        other = proved[:where] + ("A" if proved[where] != "A" else "B") + proved[where + 1 :]
        assert not redone(put(GENERIC, ("items", number, "signature"), other)), where
