"""Bytes to text and back, and a secret that never shows."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import pprint
import traceback

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core.coding import (
    Secret,
    b64url,
    fingerprint,
    from_b64url,
    mac,
    same,
    sha256,
    shown,
    strict_json,
)

HIDDEN = "the-hidden-value"
SECRET = Secret(HIDDEN)


class Holder(msgspec.Struct):
    """A struct with a secret in it."""

    token: Secret


def test_a_secret_is_not_shown_in_whatever_way_it_is_written() -> None:
    ways = [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!s:>40} {SECRET!r} {SECRET!a}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 - logging formats so
        "{:}".format(SECRET),  # noqa: UP032
        repr(Holder(SECRET)),
        str([SECRET, {SECRET: SECRET}]),
        pprint.pformat(Holder(SECRET)),
        logging.makeLogRecord({"msg": "token %s", "args": (SECRET,)}).getMessage(),
    ]
    for way in ways:
        assert HIDDEN not in way
        assert "Secret(" in way


def test_a_secret_is_not_in_a_traceback_that_shows_the_local_names() -> None:
    held = Holder(SECRET)
    try:
        raise ValueError(held.token)
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(shown.format())
    assert "held = " in text
    assert HIDDEN not in text


def test_a_secret_cannot_be_encoded_by_mistake() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(Holder(SECRET))
    assert not hasattr(SECRET, "__dict__")


def test_secrets_are_equal_by_value_and_only_to_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert hash(Secret("a")) != hash("a")


def test_a_secret_reveals_its_value() -> None:
    assert SECRET.reveal() == HIDDEN


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=70))
def test_base64url_is_the_one_of_rfc_7515_and_reads_back(data: bytes) -> None:
    text = b64url(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert from_b64url(text) == data


@pytest.mark.parametrize(
    "text", ["AA==", "AA=", "A", "AB", "AAB", "A A", "AA\n", "+A", "/A", "AA-!", "ÀA", "A\0A"]
)
def test_base64url_in_another_spelling_is_refused(text: str) -> None:
    assert from_b64url(text) is None


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=12) | st.text("AB-_=", max_size=6))
def test_a_text_is_read_only_if_it_is_the_one_that_would_be_written(text: str) -> None:
    data = from_b64url(text)
    assert data is None or b64url(data) == text


def test_no_two_lists_of_fields_have_one_mac() -> None:
    lists = [(b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc"), ()]
    assert len({mac(b"key", *fields) for fields in lists}) == len(lists)
    assert mac(b"key", b"a") != mac(b"yek", b"a")
    assert len(mac(b"key", b"a")) == 32


def test_a_fingerprint_is_the_sha_256_of_the_text() -> None:
    assert from_b64url(fingerprint("é")) == hashlib.sha256("é".encode()).digest()
    assert sha256(b"") == hashlib.sha256(b"").digest()


def test_texts_are_the_same_only_if_equal() -> None:
    assert same("é", "é")
    assert not same("é", "e")
    assert not same("a", "aa")


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("Current", "Current"),
        ("e\u0301pargne", "épargne"),
        ("Sav\u202egni\u202c", "Savgni"),
        ("a\u200bb\u0000c\ufeff", "abc"),
        ("  two\u00a0\u2003words\n", "two words"),
        ("line\u2028one\ttwo", "line one two"),
        ("e\u200d\u0301", "é"),
        ("\u202e", ""),
    ],
)
def test_a_banks_text_is_shown_without_tricks(said: str, right: str) -> None:
    assert shown(said) == right
    assert shown(right) == right


FINITE = st.floats(allow_nan=False, allow_infinity=False)
SAID = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(SAID, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
@settings(max_examples=50)
def test_strict_json_reads_what_everybody_reads_however_it_is_spaced(
    said: object, separators: tuple[str, str], escaped: bool
) -> None:
    raw = json.dumps(said, separators=separators, ensure_ascii=escaped).encode()
    assert repr(strict_json(raw)) == repr(json.loads(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":1}',
        b'[{"b":{"a":null,"c":1,"a":null}}]',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1}x',
        b"",
        b'"\xff"',
    ],
)
def test_strict_json_refuses_what_two_readers_could_take_differently(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"twice|no JSON|Extra|Expecting|codec"):
        strict_json(raw)
