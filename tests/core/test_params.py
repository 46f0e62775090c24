"""Parameters as they came: bytes kept, doubles noticed, empties as if not sent."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core.params import Params, parse
from endorse.core.policy import Policy
from tests.core import scene

LAW = Policy()
SPEC = "RFC 6749 3.1"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text("abc_", min_size=1), st.binary(min_size=1), max_size=5))
def test_every_value_is_kept_byte_for_byte(values: dict[str, bytes]) -> None:
    pairs = (f"{name}={quote_from_bytes(value, safe='')}" for name, value in values.items())
    assert parse("&".join(pairs).encode()) == Params(values)


def test_bytes_that_were_not_encoded_are_kept_too() -> None:
    assert scene.query(b"state=\xff\xfe\xc3\xa9").values == {"state": b"\xff\xfe\xc3\xa9"}


def test_a_plus_sign_is_a_space_and_an_encoded_one_a_plus_sign() -> None:
    assert scene.query("a=1+2&b=1%2B2").values == {"a": b"1 2", "b": b"1+2"}


def test_a_parameter_without_a_value_counts_as_not_sent() -> None:
    assert scene.query("a=&b&c=1").values == {"c": b"1"}


@pytest.mark.parametrize("raw", ["a=1&a=1", "a=1&a=2", "a=&a=1", "a=1&a=", "a&a", "a=1&%61=2"])
def test_a_parameter_sent_twice_is_noticed_whatever_its_values(raw: str) -> None:
    params = scene.query(raw)
    assert params.doubled == ("a",)
    no = params.check_all(LAW, SPEC)
    assert no is not None
    assert (no.name, no.error) == ("parameter_doubled", "invalid_request")
    assert params.check(LAW, SPEC, "a") == no
    assert params.check(LAW, SPEC, "b") is None


def test_two_unknown_parameters_are_not_one_sent_twice() -> None:
    for raw in ("é=1&è=2", "%FF=1&%FE=2", "a" * 64 + "b=1&" + "a" * 64 + "c=2"):
        assert scene.query(raw).check_all(LAW, SPEC) is None


def test_a_name_is_told_in_printable_letters_only() -> None:
    no = scene.query("%00%0Aa%C3%A9<b>=1&%00%0Aa%C3%A9<b>=1").check_all(LAW, SPEC)
    assert no is not None
    assert "??a??<b>" in no.told


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param("a" * 2048, None, id="2048 bytes"),
        pytest.param("a" * 2049, "parameter_too_long", id="2049 bytes"),
        pytest.param("%C3%A9" * 1024, None, id="1024 letters of 2 bytes"),
        pytest.param("%C3%A9" * 1025, "parameter_too_long", id="1025 letters of 2 bytes"),
        ("%FF", "parameter_not_text"),
        ("%ED%A0%80", "parameter_not_text"),
        ("%C0%80", "parameter_not_text"),
        ("a%00b", "parameter_not_text"),
        ("a%0Ab", "parameter_not_text"),
        ("a%7Fb", "parameter_not_text"),
        ("é", None),
        ("%20", None),
    ],
)
def test_a_value_must_be_text_of_a_real_length(value: str, name: str | None) -> None:
    no = scene.query(f"p={value}").check(LAW, SPEC, "other", "p")
    assert (no.name if no else None) == name


def test_absurdly_many_parameters_are_not_read() -> None:
    assert parse(b"&".join(b"a%d=1" % number for number in range(64))) is not None
    assert parse(b"&".join(b"a%d=1" % number for number in range(65))) is None


def test_a_value_as_text_is_empty_when_it_did_not_come() -> None:
    assert scene.query("a=1").text("b") == ""
    assert scene.query("a=%C3%A9").text("a") == "é"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(raw: bytes) -> None:
    params = parse(raw)
    assert params is not None
    assert all(params.values.values())
    assert all(name.isascii() and name.isprintable() for name in params.values)


PIECES = [b"a", b"b", b"=", b"&", b"%", b"+", b"41", b"c3", b"\xff", b" "]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=24))  # a byte a piece: one draw is made far faster than a list of them
def test_a_form_is_read_as_the_standard_library_reads_it(drawn: bytes) -> None:
    raw = b"".join(PIECES[byte % len(PIECES)] for byte in drawn)
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    params = parse(raw)
    assert params is not None
    first: dict[str, bytes] = {}
    for name, value in pairs:
        if value:
            told = "".join(letter if "!" <= letter <= "~" else "?" for letter in name)
            first.setdefault(told, value.encode("latin-1"))
    assert params.values == first
    assert len(params.doubled) == len(pairs) - len({name for name, _ in pairs})
