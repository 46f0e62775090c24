"""The phones that called lately, as they were then: whose each is, and with which keys it signs.

That never changes once a phone is enrolled, so what is kept here is never too old to say who calls.
Whether a phone is still in force changes at any moment, also by another server: that is read
again inside the turn of each step (`store/steps`), and whatever has no such turn reads it first.
"""

from typing import Final

from endorse.core.model import Phone

_AT_MOST: Final = 2048  # of about one KiB each


class Known:
    """The phones that were let in last."""

    def __init__(self) -> None:
        """Begin with none."""
        self._phones: dict[str, Phone] = {}

    def get(self, phone_id: str) -> Phone | None:
        """Give a phone as it was when it was last read; None if it is not kept."""
        return self._phones.get(phone_id)

    def keep(self, phone: Phone) -> None:
        """Keep a phone that was just read, in the place of the oldest."""
        if len(self._phones) >= _AT_MOST and phone.phone_id not in self._phones:
            del self._phones[next(iter(self._phones))]
        self._phones[phone.phone_id] = phone
