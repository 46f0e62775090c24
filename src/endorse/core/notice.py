"""What a person's phones are told of what happened: a kind and what it is about, never a text.

Every way to make a notice stands here. Its id is computed from what happened, so that the same
thing is told once, however often it is tried.
"""

from enum import StrEnum
from typing import Final

import msgspec

from endorse.core.change import Notify
from endorse.core.coding import b64url, sha256
from endorse.core.model import Notice
from endorse.core.policy import DAY

KEPT: Final = 180 * DAY
"""For how long a notice can be read: as long as the longest connection lasts."""


class Kind(StrEnum):
    """What happened. The phone has a text for each."""

    CONNECTION_MADE = "connection_made"
    PAYMENT_APPROVED = "payment_approved"
    CONNECTION_NARROWED = "connection_narrowed"
    CONNECTION_CHANGED = "connection_changed"
    """Another approval gave more to it, or something else."""
    CONNECTION_RENEWED = "connection_renewed"
    CONNECTION_ENDED = "connection_ended"
    PHONE_ENROLLED = "phone_enrolled"
    PHONE_CONFIRMED = "phone_confirmed"
    PHONE_REVOKED = "phone_revoked"
    CLAIMS_STOPPED = "claims_stopped"
    """Too many wrong numbers; the last one came from the phone that the notice names."""


class By(StrEnum):
    """Who caused it."""

    PHONE = "phone"
    """One of the person's phones: the notice's `phone_id`, if it says which."""
    CLIENT = "client"
    BANK = "bank"
    MISUSE = "misuse"
    """The server, because somebody else may be at it: a code or refresh token came twice, or too
    many numbers were wrong."""


class Connected(msgspec.Struct, frozen=True):
    """The connection that a notice is about."""

    grant_id: str
    client_id: str
    person_id: str


def of_connection(
    kind: Kind,
    connection: Connected,
    by: By,
    now: int,
    phone_id: str | None = None,
    count: int = 0,
) -> Notify:
    """Tell of a connection; `phone_id` is the phone that did it.

    `count` tells apart what can happen to one connection more than once.
    """
    notice = Notice(
        notice_id=_id(kind, connection.grant_id, count),
        person_id=connection.person_id,
        at=now,
        kind=kind.value,
        by=by.value,
        by_phone_id=phone_id,
        phone_id=phone_id,
        client_id=connection.client_id,
        grant_id=connection.grant_id,
    )
    return Notify(notice)


def of_phone(
    kind: Kind,
    person_id: str,
    phone_id: str,
    by: By,
    now: int,
    by_phone_id: str | None = None,
    count: int = 0,
) -> Notify:
    """Tell of the phone `phone_id`; `by_phone_id` is the phone that did it, if one did.

    `count` tells apart what can happen to one phone more than once.
    """
    notice = Notice(
        notice_id=_id(kind, phone_id, count),
        person_id=person_id,
        at=now,
        kind=kind.value,
        by=by.value,
        by_phone_id=by_phone_id,
        phone_id=phone_id,
    )
    return Notify(notice)


def _id(kind: Kind, about: str, count: int) -> str:
    return b64url(sha256(f"{kind.value}\0{about}\0{count}".encode())[:16])
