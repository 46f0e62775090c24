"""The JSON of the calls about a person's phones."""

from typing import Annotated, Literal

import msgspec

from endorse.server.shapes import Shape

PhoneWord = Literal["pending", "waiting", "usable"]
Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", min_length=6, max_length=6)]


class ListedPhone(Shape, frozen=True):
    """A phone of the person. Times are RFC 3339 in UTC.

    A `pending` one lapses at `lapses_at`, a `waiting` one is usable from `usable_from`. Its six
    digits are not here: whoever confirms it must read them on the phone itself.
    """

    phone_id: str
    name: str
    state: PhoneWord
    this: bool
    enrolled_at: str
    signed_in_at: str | None
    lapses_at: str | None
    usable_from: str | None


class Phones(Shape, frozen=True):
    """The person's phones that are not revoked, the newest first."""

    phones: list[ListedPhone]


class TypedDigits(Shape, frozen=True):
    """The six digits as the person typed them, without spaces."""

    digits: Digits


class Confirmed(Shape, frozen=True):
    """A phone that may act now."""

    phone_id: str
    state: PhoneWord


class Revoked(Shape, frozen=True):
    """A phone that is over, and since when."""

    phone_id: str
    revoked_at: str
