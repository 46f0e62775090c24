"""What a person's phones were told, as one of them reads it."""

from typing import Final

import msgspec

from endorse.core.model import Notice
from endorse.store.connection import Connection

_NOTICES: Final = (
    "SELECT n.notice_id, n.person_id, n.at, n.kind, n.made_by, n.by_phone_id, n.phone_id, "
    "n.client_id, n.grant_id, c.name, p.name, r.phone_id FROM notices n "
    "LEFT JOIN clients c ON c.client_id = n.client_id "
    "LEFT JOIN phones p ON p.phone_id = n.phone_id "
    "LEFT JOIN notices_read r ON r.notice_id = n.notice_id AND r.phone_id = $2 "
    "WHERE n.person_id = $1 AND n.at > $3 ORDER BY n.at DESC, n.notice_id LIMIT $4"
)


class Told(msgspec.Struct, frozen=True):
    """A notice with the names that it needs, and whether the asking phone has shown it."""

    notice: Notice
    client_name: str | None
    phone_name: str | None
    read: bool


async def notices_of(
    db: Connection, person_id: str, phone_id: str, since: int, at_most: int
) -> list[Told]:
    """Read what a person's phones were told since a time, as one of them sees it, newest first."""
    return [
        Told(Notice(*row[:9]), row[9], row[10], row[11] is not None)
        for row in await db.all(_NOTICES, person_id, phone_id, since, at_most)
    ]
