"""Which of the server's keys sign and which are published, as one follows another."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import signing
from endorse.core.change import AddSigningKey
from endorse.core.model import SigningKey
from endorse.core.policy import Policy

NOW = 1_800_000_000
LAW = Policy()


def new(kid: str, kind: str = "EC") -> SigningKey:
    return SigningKey(kind, 0, kid, '{"kty":"EC","x":"public"}', "handle", 0, 0)


def after(
    keys: tuple[SigningKey, ...], kid: str, now: int, at_once: bool = False
) -> tuple[SigningKey, ...]:
    """The keys as the store has them once this one was added."""
    (change,) = signing.add(keys, new(kid), now, LAW, at_once).changes
    assert isinstance(change, AddSigningKey)
    left = change.others_until
    return (
        *(msgspec.structs.replace(it, leaves_at=min(it.leaves_at or left, left)) for it in keys),
        change.key,
    )


def signs(keys: tuple[SigningKey, ...], now: int) -> str:
    key = signing.signer(keys, "EC", now)
    return key.kid if key else ""


def published(keys: tuple[SigningKey, ...], now: int) -> list[str]:
    return [jwk["kid"] for jwk in signing.published(keys, now)]


def test_the_first_key_signs_at_once() -> None:
    keys = after((), "a", NOW)
    assert (signs(keys, NOW), published(keys, NOW)) == ("a", ["a"])
    assert (keys[0].number, keys[0].leaves_at) == (1, None)


def test_a_new_key_is_published_before_it_signs_and_the_old_one_after() -> None:
    keys = after(after((), "a", NOW), "b", NOW + 10)
    begins = NOW + 10 + LAW.key_published
    assert published(keys, NOW + 10) == ["a", "b"]
    assert (signs(keys, begins - 1), signs(keys, begins)) == ("a", "b")
    leaves = begins + LAW.key_outlives
    assert (published(keys, leaves - 1), published(keys, leaves)) == (["a", "b"], ["b"])


def test_keys_may_be_read_for_less_long_than_a_new_one_waits() -> None:
    assert LAW.keys_kept < LAW.key_published


def test_a_key_that_others_may_know_leaves_at_once() -> None:
    keys = after(after((), "a", NOW), "b", NOW + 10, at_once=True)
    assert (signs(keys, NOW + 10), published(keys, NOW + 10)) == ("b", ["b"])


def test_at_once_also_takes_a_key_away_that_does_not_sign_yet() -> None:
    keys = after(after(after((), "a", NOW), "b", NOW + 10), "c", NOW + 20, at_once=True)
    assert (signs(keys, NOW + 9999), published(keys, NOW + 20)) == ("c", ["c"])


def test_a_server_whose_clock_is_behind_signs_with_the_key_that_there_is() -> None:
    assert signs(after((), "a", NOW), NOW - 5) == "a"


def test_the_kinds_do_not_meet() -> None:
    keys = after((), "a", NOW)
    assert signing.signer(keys, "RSA", NOW) is None
    (change,) = signing.add(keys, new("r", "RSA"), NOW, LAW).changes
    assert isinstance(change, AddSigningKey)
    assert (change.key.number, change.key.signs_from) == (1, NOW)


def test_what_is_published_is_public() -> None:
    (jwk,) = signing.published(after((), "a", NOW), NOW)
    assert jwk == {"kty": "EC", "x": "public", "kid": "a", "use": "sig"}


def test_an_algorithm_that_no_key_has_is_a_mistake_in_the_code() -> None:
    assert {alg: signing.kind_of(alg) for alg in signing.ALGORITHMS} == {
        "ES256": "EC",
        "RS256": "RSA",
        "PS256": "RSA",
    }
    for alg in ("none", "HS256", ""):
        with pytest.raises(ValueError, match="no key of this server"):
            signing.kind_of(alg)
