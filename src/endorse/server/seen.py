"""What this process saw lately, in bounded memory: the names of proofs at the bank's API."""

from typing import Final

_AT_MOST: Final = 100_000


class Seen:
    """Remembers texts for at least some seconds, and never more than `2 * at_most` of them.

    Two sets take turns: what is in the older one is forgotten at once, so that nothing is ever
    looked through. Where very many come, that is sooner than promised: see ADR 29.
    """

    def __init__(self, seconds: int, at_most: int = _AT_MOST) -> None:
        """Remember each text for `seconds` or longer."""
        self._seconds = seconds
        self._at_most = at_most
        self._young: set[str] = set()
        self._old: set[str] = set()
        self._turned_at = 0

    def before(self, text: str, now: int) -> bool:
        """Say whether this text came before, and remember it."""
        if now - self._turned_at >= self._seconds or len(self._young) >= self._at_most:
            gone = now - self._turned_at >= 2 * self._seconds
            self._old = set() if gone else self._young
            self._young = set()
            self._turned_at = now
        if text in self._young or text in self._old:
            return True
        self._young.add(text)
        return False
