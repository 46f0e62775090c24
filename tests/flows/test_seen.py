"""What was seen lately is known again, in bounded memory."""

from __future__ import annotations

from endorse.server.seen import Seen


def test_a_text_is_known_again_for_as_long_as_promised() -> None:
    for start in range(10):
        seen = Seen(seconds=10)
        seen.before("first", 0)
        assert not seen.before("x", start)
        assert all(seen.before("x", now) for now in range(start, start + 11))


def test_a_text_is_forgotten_after_a_while() -> None:
    seen = Seen(seconds=10)
    assert not seen.before("x", 5)
    assert not seen.before("x", 40)


def test_a_flood_takes_no_more_memory_than_allowed() -> None:
    seen = Seen(seconds=10, at_most=100)
    assert not any(seen.before(str(number), 0) for number in range(1000))
    assert len(seen._young) + len(seen._old) <= 200
    assert seen.before("999", 0)
